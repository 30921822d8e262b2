"""What is read from a barrier's outputs, and a surrogate's, after edits that change their size too.

    python benchmarks/barrier_edits.py runs/barrier-derain --surrogates unet-l2 res9-l2

Takes a finished run of `tfwm.recipes.barrier` and crops of its test photos, at their own size
(256 x 256 by default): the barrier's outputs, unmarked ones, and what surrogates, which the run
trained at its own size, make of the task's inputs. Copies stay as small or large as the edit leaves
them. Writes results/barrier/barrier-edits-NAME.csv, a row for each edit and kind of image:
similarity, the least, and the share of at least 0.9.
"""

import argparse
import dataclasses
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from tfwm.files import result_head, write_csv
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
SCALES = (0.5, 0.63, 0.75, 0.9, 1.2, 1.5, 2.0)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--surrogates", nargs="*", default=["unet-l2"], help="of the run")
    parser.add_argument("--size", type=int, default=256, help="side of the crops in pixels")
    parser.add_argument("--images", type=int, default=50, help="crops")
    parser.add_argument("--output", type=Path, default=ROOT / "results/barrier")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.evaluation.runs import BarrierRun

    run = BarrierRun.load(args.run)
    rows, path = [], args.output / f"barrier-edits-{run.name}.csv"
    head = result_head(f"{run.config['test_photos']}, {args.images} images")
    for row in measure(run, args):
        rows.append(row)
        print(row, flush=True)
        write_csv(rows, path, head)
    print("wrote", path)


def measure(run, args):
    """Yields a row for each edit of each kind of image."""
    from tfwm.evaluation.ownership import run_network
    from tfwm.images.arrays import to_uint8
    from tfwm.recipes.barrier import Config, test_pairs
    from tfwm.training import load_config

    config = load_config(Config, run.folder / "initial" / "config.toml")
    barrier = run.barrier()
    inputs, targets = test_pairs(dataclasses.replace(config, crop_size=args.size), args.images)
    groups = {"marked": to_uint8(barrier.mark(targets)), "unmarked": to_uint8(targets)}
    for name in args.surrogates:
        groups[name] = run_network(run.surrogate(name), inputs)
    for label, edit in edits().items():
        for kind, images in groups.items():
            read = barrier.similarity([edit(image) for image in images])
            yield {
                "run": run.name,
                "edit": label,
                "images_of": kind,
                "images": len(images),
                "similarity": float(read.mean()),
                "least": float(read.min()),
                "largest": float(read.max()),
                "success": float(np.mean(read >= 0.9)),
            }


def edits():
    """Functions from an image, uint8 `(height, width, 3)`, to a copy, by name."""
    found = {"none": lambda image: image}
    found |= {f"JPEG {quality}": jpeg(quality) for quality in (70, 50, 30)}
    found |= {f"resized to {scale:.0%}": resize(scale) for scale in SCALES}
    found |= {f"cropped to {share:.0%} of the area": crop(share) for share in (0.9, 0.5)}
    found |= {f"Gaussian blur, sigma {sigma:g}": blur(sigma) for sigma in (1, 2)}
    found |= {f"Gaussian noise, sigma {sigma:g}": noise(sigma) for sigma in (10,)}
    found["resized to 75%, JPEG 70"] = lambda image: jpeg(70)(resize(0.75)(image))
    found["cropped to 90%, resized to 75%, JPEG 70"] = lambda image: jpeg(70)(
        resize(0.75)(crop(0.9)(image))
    )
    return found


def jpeg(quality):
    def edit(image):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return edit


def resize(scale):
    def edit(image):
        size = [round(side * scale) for side in image.shape[1::-1]]
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))

    return edit


def crop(share):
    """Keeps a share of the area, a little off the middle, so that no grid of 8 pixels fits."""

    def edit(image):
        height, width = (round(side * share**0.5) for side in image.shape[:2])
        top, left = ((n - m) // 3 for n, m in zip(image.shape[:2], (height, width), strict=True))
        return image[top : top + height, left : left + width]

    return edit


def blur(sigma):
    kernel = ImageFilter.GaussianBlur(sigma)
    return lambda image: np.asarray(Image.fromarray(image).filter(kernel))


def noise(sigma):
    def edit(image):
        drawn = np.random.default_rng(0).normal(0, sigma, image.shape)
        return np.clip(image + drawn, 0, 255).round().astype(np.uint8)

    return edit


if __name__ == "__main__":
    main()
