"""Pictures for pages and figures: differences made visible, images as text."""

import base64
import io

import numpy as np
from PIL import Image

from tfwm.images.arrays import as_samples, plane


def amplify(cover, marked, factor=10):
    """Returns the absolute difference of two uint8 images, multiplied and clipped.

    Example:

    >>> cover = np.full((8, 8), 100, np.uint8)
    >>> int(amplify(cover, cover + np.uint8(3)).max())
    30
    """
    cover, marked = as_samples(cover, "cover"), as_samples(marked, "marked")
    difference = np.abs(cover.astype(np.int32) - marked) * factor
    return np.minimum(difference, 255).astype(np.uint8)


def data_uri(image, width=None):
    """Returns a uint8 image as the `data:` address of a PNG, scaled down to a width."""
    picture = Image.fromarray(image)
    if width is not None and picture.width > width:
        size = width, round(picture.height * width / picture.width)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnails(lines, width=160):
    """Returns dicts of captions and uint8 images as such dicts of addresses, see `data_uri`."""
    return [{name: data_uri(plane(image), width) for name, image in line.items()} for line in lines]
