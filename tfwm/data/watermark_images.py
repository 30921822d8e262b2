"""Pictures to hide: a flower, a QR code, or any image file."""

import numpy as np
from PIL import Image

from tfwm.checks import need
from tfwm.images.reading import ImageError

PETALS = 6
COLORS = np.array([[0.84, 0.15, 0.30], [0.95, 0.77, 0.06], [0.16, 0.50, 0.25]])


def watermark_image(source, size, channels=3):
    """Return a watermark as an image.

    Args:
        source: `"flower"`, a drawing in three colors on white; `"qr:TEXT"`, the QR code of a
            text; or the path of an image file, which is squeezed.
        size: side in pixels.
        channels: 1 for gray or 3 for color.

    Returns:
        float32 array `(size, size, channels)` in [0, 1].

    Example:

    >>> watermark_image("flower", 64, channels=1).shape
    (64, 64, 1)
    """
    if channels not in (1, 3):
        raise ValueError(f"Expected 1 or 3 channels. Received: channels={channels!r}")
    if source == "flower":
        picture = _flower(4 * size).resize((size, size), Image.Resampling.BOX)
    elif source.startswith("qr:"):
        picture = _qr_code(source.removeprefix("qr:"), size)
    else:
        try:
            with Image.open(source) as file:
                picture = file.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
        except OSError as error:
            raise ImageError(
                f'Expected as watermark "flower", "qr:TEXT" or an image file. Received: {source!r}'
            ) from error
    pixels = np.asarray(picture.convert("RGB" if channels == 3 else "L"), np.float32) / 255
    return pixels.reshape(size, size, channels)


def _flower(size):
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    radius, angle = np.hypot(x, y + 0.18), np.arctan2(y + 0.18, x)
    petals = radius < 0.60 + 0.26 * np.cos(PETALS * angle)
    stem = (abs(x - 0.1 * np.sin(3 * y)) < 0.05) & (y > 0)
    leaf = np.hypot((x - 0.27) / 0.3, (y - 0.72) / 0.1) < 1
    pixels = np.ones((size, size, 3))
    for shape, color in ((stem | leaf, 2), (petals, 0), (radius < 0.24, 1)):
        pixels[shape] = COLORS[color]
    return Image.fromarray(np.uint8(np.round(255 * pixels)))


def _qr_code(text, size):
    if not text:
        raise ValueError('Expected a text after "qr:". Received: none')
    segno = need("segno", "train")
    code = np.array([[not cell for cell in row] for row in segno.make(text, micro=False).matrix])
    scale = size // (len(code) + 4)
    if not scale:
        raise ValueError(
            f"Expected a size of at least {len(code) + 4} pixels for the QR code of this text. "
            f"Received: size={size}"
        )
    pixels = np.full((size, size), 255, np.uint8)
    start = (size - scale * len(code)) // 2
    end = start + scale * len(code)
    pixels[start:end, start:end] = 255 * code.repeat(scale, 0).repeat(scale, 1)
    return Image.fromarray(pixels)
