"""Draw the picture of README: a photo before and after marking, and their difference.

python tools/readme_picture.py [OUT.jpg]
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import tfwm
from tfwm.data import read_photos

SIDE = 400
GAIN = 20
CAPTION = 34


def panels(photo):
    """Return the photo, the marked photo and the difference, with a caption each."""
    watermarker = tfwm.load()
    marked = watermarker.embed(photo, "(c) 2026 Ada Lovelace", key="secret")
    change = marked.astype(np.float64) - photo
    psnr = 10 * np.log10(255**2 / np.mean(change**2))
    difference = np.clip(128 + GAIN * change, 0, 255).astype(np.uint8)
    return {
        "before": photo,
        f"after: 21 characters, {psnr:.1f} dB": marked,
        f"difference, enlarged {GAIN} times": difference,
    }


def draw(captions):
    """Return one picture of the panels side by side."""
    gap = 8
    width = len(captions) * SIDE + (len(captions) - 1) * gap
    picture = Image.new("RGB", (width, SIDE + CAPTION), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(20)
    for number, (caption, pixels) in enumerate(captions.items()):
        left = number * (SIDE + gap)
        picture.paste(Image.fromarray(pixels), (left, 0))
        pen.text((left + SIDE / 2, SIDE + CAPTION / 2), caption, "black", font, "mm")
    return picture


def main(target="docs/images/before-after-difference.jpg"):
    astronaut = read_photos("bundled:train")[-1][:SIDE, 30 : 30 + SIDE]
    draw(panels(np.ascontiguousarray(astronaut))).save(target, quality=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
