"""Things drawn over a photo."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfwm.distortions.common import check_fraction
from tfwm.distortions.text_pattern import LINES

LOGO_OPACITY = 0.9
MARGIN = 0.03


def letterbox(image, level):
    """Lays black bars over the top and the bottom, together the fraction `level` of the area."""
    check_fraction(level)
    bar = round(image.shape[0] * level / 2)
    out = image.copy()
    out[:bar] = 0
    out[image.shape[0] - bar :] = 0
    return out


def text_overlay(image, level, generator):
    """Writes a caption over the photo: white with a black rim, at a random height.

    A proverb over the whole width, its letters the fraction `level` of the photo's height.
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
    return np.array(canvas.convert(_mode(image)))


def stamp(image, level, angle=30, text="SAMPLE"):
    """Tiles the photo with slanted white words of the opacity `level`, as photo agencies do."""
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


def logo_overlay(image, level, generator):
    """Sets a round badge with a star into a random corner; it covers `level` of the area.

    Its colours are random, its opacity 90 percent.
    """
    check_fraction(level)
    height, width = image.shape[:2]
    side = round(2 * math.sqrt(level * height * width / math.pi))
    side = max(4, min(side, height, width))
    colours = [tuple(int(c) for c in generator.integers(0, 256, 3)) for _ in range(2)]
    badge = Image.new("RGB", (side, side), colours[0])
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=round(255 * LOGO_OPACITY))
    draw = ImageDraw.Draw(badge)
    rim = max(1, side // 16)
    draw.ellipse((rim, rim, side - 1 - rim, side - 1 - rim), outline=colours[1], width=rim)
    draw.polygon(list(_star(side / 2, 0.36 * side)), fill=colours[1])
    margin = round(MARGIN * min(height, width))
    right, bottom = generator.integers(0, 2, 2)
    place = (
        max(width - side - margin, 0) if right else min(margin, width - side),
        max(height - side - margin, 0) if bottom else min(margin, height - side),
    )
    out = Image.fromarray(image).convert("RGB")
    out.paste(badge, place, mask)
    return np.array(out.convert(_mode(image)))


def _star(centre, radius):
    for i in range(10):
        r = radius * (1 if i % 2 == 0 else 0.4)
        angle = math.pi * i / 5
        yield centre + r * math.sin(angle), centre - r * math.cos(angle)


def _wrapped(text, font, width):
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _mode(image):
    return "L" if image.ndim == 2 else "RGB"
