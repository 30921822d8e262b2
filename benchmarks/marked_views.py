"""A picture of photos and marked photos beside each other, cut out at full size.

    python benchmarks/marked_views.py --network stegastamp-crop stegastamp-print
    python benchmarks/marked_views.py --network photo --output results/photo

A row for each photo, a column for the original and for each network at strength 1 with its PSNR:
the same part of the photo, pixel for pixel, its smoothest of those that lie in a grid. Writes
marked-views.png.
"""

import argparse
from pathlib import Path

import numpy as np

from tfwm.evaluation import Photos
from tfwm.images import psnr
from tfwm.images.drawing import new_figure
from tfwm.startup import import_tensorflow

ROOT = Path(__file__).resolve().parents[1]
KEY = "tfwm evaluation"
HEIGHT, WIDTH, STEP = 300, 400, 50
DPI = 100


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", default=["stegastamp-crop", "stegastamp-print"])
    parser.add_argument("--images", default="bundled:test", help="folder; bundled:test by default")
    parser.add_argument("--count", type=int, default=3, help="photos, the first ones")
    parser.add_argument("--output", type=Path, default=ROOT / "results/stegastamp")
    args = parser.parse_args()
    import_tensorflow()
    from tfwm.watermarker import load

    photos = Photos.of(args.images, color=True, limit=args.count).images
    columns = {"original": photos}
    for name in args.network:
        watermarker = load(name)
        columns[Path(name).name] = [watermarker.embed(photo, b"tfwm", key=KEY) for photo in photos]
    args.output.mkdir(parents=True, exist_ok=True)
    draw(columns).savefig(args.output / "marked-views.png", dpi=DPI)
    print("wrote", args.output / "marked-views.png")


def smoothest(photo):
    """Returns the rows and columns of the part whose pixels differ least from their neighbors."""
    rough = np.abs(np.diff(photo.astype(float).mean(-1), axis=1))
    starts = [
        (top, left)
        for top in range(0, photo.shape[0] - HEIGHT + 1, STEP)
        for left in range(0, photo.shape[1] - WIDTH + 1, STEP)
    ]
    top, left = min(starts, key=lambda s: rough[s[0] : s[0] + HEIGHT, s[1] : s[1] + WIDTH].mean())
    return slice(top, top + HEIGHT), slice(left, left + WIDTH)


def draw(columns):
    """Returns the figure."""
    originals = columns["original"]
    size = len(columns) * WIDTH / DPI, len(originals) * (HEIGHT + 25) / DPI
    figure = new_figure(*size)
    figure.set_layout_engine("none")
    for row, original in enumerate(originals):
        part = smoothest(original)
        for column, (name, images) in enumerate(columns.items()):
            axis = figure.add_axes(
                (
                    column / len(columns),
                    1 - (row + 1) / len(originals),
                    1 / len(columns),
                    HEIGHT / (HEIGHT + 25) / len(originals),
                )
            )
            axis.imshow(images[row][part], interpolation="none")
            axis.axis("off")
            quality = "" if column == 0 else f", {psnr(original, images[row]):.1f} dB"
            axis.set_title(name + quality, fontsize=8, pad=3)
    return figure


if __name__ == "__main__":
    main()
