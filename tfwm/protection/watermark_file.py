"""The picture that a network marks with, in its folder."""

import io

import numpy as np
from PIL import Image

WATERMARK = "watermark.png"


def encode_watermark(watermark):
    """Returns a watermark `(height, width, 1 or 3)` in [0, 1] as the bytes of a PNG."""
    buffer = io.BytesIO()
    pixels = np.uint8(np.round(255 * watermark))
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def read_watermark(folder):
    """Returns the watermark in a network's folder, float32 `(height, width, 1 or 3)`."""
    with Image.open(folder / WATERMARK) as picture:
        return np.atleast_3d(np.asarray(picture, np.float32) / 255)
