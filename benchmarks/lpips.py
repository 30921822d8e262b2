"""LPIPS of real photos with real trunks, which a package on PyPI ships.

    pip download --no-deps stlpips-pytorch==0.0.2 && unzip stlpips_pytorch-*.whl -d stlpips
    python benchmarks/lpips.py stlpips/stlpips_pytorch/weights/vST0.0 --images photos/

The trunks are AlexNet and VGG16 with the weights of "shift-tolerant" LPIPS (Ghildyal and Liu, ECCV
2022), trained with blurs in their pools, which `tfwm.losses.LPIPS` does not have. So these are
real features under lpips 0.1's heads, and not the numbers of `lpips` itself. PyTorch is not needed.
Writes results/stegastamp/lpips-DATA.csv: mean and range over photos, beside the offline
`PerceptualLoss` that tfwm trains with where there is no trunk.
"""

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import tfwm
from tfwm.evaluation import Photos
from tfwm.files import result_head, write_csv
from tfwm.losses import LPIPS, PerceptualLoss
from tfwm.losses.torch_weights import read_state_dict

ROOT = Path(__file__).resolve().parents[1]
TRUNKS = {
    "alex": (0, 3, 6, 8, 10),
    "vgg": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
SIDE = 128


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("weights", type=Path, help="folder of alex_shift_tolerant.pth and vgg_...")
    parser.add_argument("--images", default="bundled:test", help="photos; squares of 128 are cut")
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "stegastamp")
    options = parser.parse_args()
    photos = Photos.of(options.images, color=True).evenly(options.count)
    squares = [cut(image) for image in photos.images]
    pairs = {name: [edit(image) for image in squares] for name, edit in edits().items()}
    pairs["another photo"] = [*squares[1:], squares[0]]
    measures = {name: trunk_loss(name, options.weights) for name in TRUNKS}
    measures["offline"] = PerceptualLoss()
    rows = []
    for edit, edited in pairs.items():
        row = {"edit": edit, "images": len(squares)}
        for name, loss in measures.items():
            images, others = (np.stack(x).astype(np.float32) / 255 for x in (squares, edited))
            values = np.asarray(loss.call(images, others), float)
            row |= {
                name: np.mean(values),
                f"{name}_least": min(values),
                f"{name}_most": max(values),
            }
        rows.append(
            {k: v if isinstance(v, str | int) else round(float(v), 5) for k, v in row.items()}
        )
        print(rows[-1], flush=True)
    head = result_head(f"{photos.name}, {len(squares)} images")
    write_csv(rows, options.output / f"lpips-{photos.name.replace('/', '-')}.csv", head)


def trunk_loss(name, folder):
    """Returns `LPIPS` with a trunk of the package, its weights under torchvision's names."""
    state = read_state_dict(folder / f"{name}_shift_tolerant.pth")
    own = [key.removesuffix(".weight") for key in state if key.startswith("net.")]
    own = [key for key in own if f"{key}.bias" in state]
    weights = {
        f"features.{index}.{part}": state[f"{key}.{part}"]
        for index, key in zip(TRUNKS[name], own, strict=True)
        for part in ("weight", "bias")
    }
    with tempfile.TemporaryDirectory() as draft:
        np.savez(Path(draft) / "trunk.npz", **weights)
        return LPIPS(name, Path(draft) / "trunk.npz")


def edits():
    generator = np.random.default_rng(0)
    watermarker = tfwm.load("photo")
    return {
        "the same": lambda image: image,
        "marked by `photo`": lambda image: np.asarray(watermarker.embed(image, "id")),
        "JPEG 90": lambda image: jpeg(image, 90),
        "JPEG 50": lambda image: jpeg(image, 50),
        "JPEG 10": lambda image: jpeg(image, 10),
        "noise, 5 levels": lambda image: noisy(image, 5, generator),
        "noise, 20 levels": lambda image: noisy(image, 20, generator),
        "blur, 1 pixel": lambda image: blurred(image, 1),
        "blur, 3 pixels": lambda image: blurred(image, 3),
    }


def cut(image):
    image = np.asarray(image)
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE, :3])


def jpeg(image, quality):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def noisy(image, levels, generator):
    return np.uint8(np.clip(np.round(image + generator.normal(0, levels, image.shape)), 0, 255))


def blurred(image, radius):
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


if __name__ == "__main__":
    main()
