"""Bars, captions and logos drawn over a photo."""

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfwm.distortions.common import check_fraction, mode, to_levels
from tfwm.distortions.registry import distortion

LOGO_OPACITY = 0.9
MARGIN = 0.03
FONT_SIZE = 40
LINE_HEIGHT = 30
LINE_START = 10

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


@distortion(changes_size=True)
def collage(image, level, generator):
    """Lays the photo, at its own size, into a larger picture, of which it is the fraction `level`.

    The place is random; the rest is colored noise of all sizes, as photos have it.
    """
    check_fraction(level)
    height, width = image.shape[:2]
    grow = 1 / math.sqrt(max(level, 1e-3))
    sides = [max(round(n * grow), n) for n in (height, width)]
    shape = *sides, *image.shape[2:]
    around = np.full(shape, generator.integers(64, 192), np.float32)
    for cells in (2, 4, 8, 16, 32, 64):
        coarse = generator.normal(0, 20, (cells, cells, *image.shape[2:])).astype(np.float32)
        planes = [Image.fromarray(p) for p in np.moveaxis(np.atleast_3d(coarse), -1, 0)]
        grown = [p.resize(sides[::-1], Image.Resampling.BICUBIC) for p in planes]
        around += np.stack([np.asarray(p) for p in grown], axis=-1).reshape(shape)
    out = to_levels(around)
    top, left = (
        int(generator.integers(s - n + 1)) for s, n in zip(sides, (height, width), strict=True)
    )
    out[top : top + height, left : left + width] = image
    return out


@distortion()
def letterbox(image, level):
    """Paints black bars over top and bottom, together the fraction `level` of the area."""
    check_fraction(level)
    bar = round(image.shape[0] * level / 2)
    out = image.copy()
    out[:bar] = 0
    out[image.shape[0] - bar :] = 0
    return out


@distortion()
def text_overlay(image, level, generator):
    """Writes a caption over the photo, white with a black outline, at a random height.

    A proverb fills the width; its letters have the fraction `level` of the photo's height.
    """
    height, width = image.shape[:2]
    size = max(6, round(level * height))
    font = ImageFont.load_default(size)
    canvas = Image.fromarray(image).convert("RGB")
    draw = ImageDraw.Draw(canvas)
    lines = _wrapped(LINES[generator.integers(len(LINES))], font, 0.94 * width)
    step = round(1.15 * size)
    top = int(generator.integers(max(height - step * len(lines), 0) + 1))
    for i, line in enumerate(lines):
        left = (width - font.getlength(line)) / 2
        draw.text(
            (left, top + i * step),
            line,
            fill="white",
            font=font,
            stroke_width=max(1, size // 16),
            stroke_fill="black",
        )
    return np.array(canvas.convert(mode(image)))


@distortion()
def stamp(image, level, angle=30, text="SAMPLE"):
    """Covers the photo with slanted white words of the opacity `level`, as agencies do."""
    check_fraction(level)
    height, width = image.shape[:2]
    size = max(8, min(height, width) // 10)
    font = ImageFont.load_default(size)
    side = math.ceil(math.hypot(height, width))
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    step = font.getlength(text) + 2 * size
    for row, top in enumerate(range(0, side, 3 * size)):
        for column in range(-1, math.ceil(side / step) + 1):
            draw.text(((column + row % 2 / 2) * step, top), text, fill=255, font=font)
    mask = mask.rotate(angle, Image.Resampling.BILINEAR)
    left, top = (side - width) // 2, (side - height) // 2
    mask = mask.crop((left, top, left + width, top + height)).point(lambda v: v * level)
    out = Image.fromarray(image)
    out.paste(Image.new(out.mode, out.size, "white"), mask=mask)
    return np.array(out)


@distortion()
def logo_overlay(image, level, generator):
    """Puts a round badge with a star, `level` of the area, into a random corner.

    Its colors are random, its opacity is 90 percent.
    """
    check_fraction(level)
    height, width = image.shape[:2]
    side = round(2 * math.sqrt(level * height * width / math.pi))
    side = max(4, min(side, height, width))
    colors = [tuple(int(c) for c in generator.integers(0, 256, 3)) for _ in range(2)]
    badge = Image.new("RGB", (side, side), colors[0])
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=round(255 * LOGO_OPACITY))
    draw = ImageDraw.Draw(badge)
    rim = max(1, side // 16)
    draw.ellipse((rim, rim, side - 1 - rim, side - 1 - rim), outline=colors[1], width=rim)
    draw.polygon(list(_star(side / 2, 0.36 * side)), fill=colors[1])
    margin = round(MARGIN * min(height, width))
    right, bottom = generator.integers(0, 2, 2)
    place = (
        max(width - side - margin, 0) if right else min(margin, width - side),
        max(height - side - margin, 0) if bottom else min(margin, height - side),
    )
    out = Image.fromarray(image).convert("RGB")
    out.paste(badge, place, mask)
    return np.array(out.convert(mode(image)))


@distortion()
def pattern_elimination(image, level):
    """Writes white text over an image, which destroys the pixels under the letters.

    ReDMark, section 4.3 ("patterned-pixel-elimination"): lines of 40 point text; line `i`
    starts at the pixel (10, 10 + 30 i). The authors' handwriting font "Natural script"
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
    """Returns how far letters cover each pixel, 0 to 1; equal for all images of a size."""
    canvas = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=FONT_SIZE)
    for i in range(lines):
        draw.text((LINE_START, LINE_START + LINE_HEIGHT * i), LINES[i], fill=255, font=font)
    mask = np.asarray(canvas, np.float32) / 255
    mask.setflags(write=False)
    return mask


def _star(center, radius):
    for i in range(10):
        r = radius * (1 if i % 2 == 0 else 0.4)
        angle = math.pi * i / 5
        yield center + r * math.sin(angle), center - r * math.cos(angle)


def _wrapped(text, font, width):
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
