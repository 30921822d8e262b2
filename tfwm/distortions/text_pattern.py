from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT_SIZE = 40
LINE_HEIGHT = 30
MARGIN = 10

# Proverbs, all long in the public domain.
LINES = (
    "A journey of a thousand miles begins with a single step",
    "Still waters run deep, and the devil lies at the bottom",
    "All that glisters is not gold, often have you heard that told",
    "The better part of valour is discretion",
    "Brevity is the soul of wit",
    "Make hay while the sun shines",
    "A stitch in time saves nine",
    "Fortune favours the bold and abandons the timid",
    "Slow and steady wins the race",
    "Many hands make light work",
    "The pen is mightier than the sword",
    "Where there is a will there is a way",
    "Constant dripping wears away the stone",
    "No man is an island, entire of itself",
    "Art is long, and life is short, opportunity fleeting",
    "The early bird catches the worm in the morning dew",
)


def pattern_elimination(image, level):
    """Writes white text over an image: the pixels under the letters are lost.

    ReDMark, section 4.3 ("patterned-pixel-elimination"): lines of 40 point text, line `i`
    starting at the pixel (10, 10 + 30 i). The authors' handwriting font "Natural script"
    and their quotations are not available; this uses Pillow's scalable default font and
    16 proverbs, with the same geometry. Its strokes are heavier than handwriting.

    Args:
        image: uint8, `(H, W)` or `(H, W, 3)`.
        level: number of lines, 0 to 16.

    Returns:
        uint8 image of the same shape.

    Example:

    >>> image = np.zeros((512, 512), np.uint8)
    >>> bool((pattern_elimination(image, 9) == 255).mean() > (image == 255).mean())
    True
    """
    level = int(level)
    if not 0 <= level <= len(LINES):
        raise ValueError(f"Expected 0 to {len(LINES)} lines of text. Received: level={level}")
    height, width = image.shape[:2]
    mask = _text_mask(height, width, level)
    if image.ndim == 3:
        mask = mask[..., None]
    return (image + (255.0 - image) * mask + 0.5).astype(np.uint8)


@lru_cache(maxsize=32)
def _text_mask(height, width, lines):
    """Coverage of the letters, 0 to 1; the same for every image of a size."""
    canvas = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=FONT_SIZE)
    for i in range(lines):
        draw.text((MARGIN, MARGIN + LINE_HEIGHT * i), LINES[i], fill=255, font=font)
    mask = np.asarray(canvas, np.float32) / 255
    mask.setflags(write=False)
    return mask
