"""A fingerprint of what a photo shows, which everyday edits hardly change.

As in PDQ (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
2019): the photo shrunk to 64 x 64, its 16 x 16 lowest frequencies without the mean, a bit for each
that is above their median.
"""

import numpy as np
from PIL import Image
from scipy.fft import dctn

from tfwm.images import read_photo
from tfwm.images.photo import Photo
from tfwm.marking.canvas import Canvas

# In manifests, stores and requests. Another way to compute it gets another number.
ALGORITHM = "org.tfwm.fingerprint.1"
SIDE = 64
FREQUENCIES = 16
BITS = FREQUENCIES**2
# Two photos are the same picture up to this many different bits (benchmarks/provenance.py).
SAME = 64


def fingerprint(photo) -> bytes:
    """Returns the fingerprint of a photo, 32 bytes.

    Saving again, resizing, tone and a mark change a few of its 256 bits; another photo has about
    half of them different. A crop or a rotation makes another picture of it.

    Args:
        photo: see `tfwm.images.read_photo`.

    Returns:
        32 bytes.

    Example:

    >>> len(fingerprint(np.zeros((64, 64, 3), np.uint8)))
    32
    """
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    canvas = Canvas(photo)
    plane = Image.fromarray(canvas.scaled(1.0)[..., 0]).resize((SIDE, SIDE), Image.BOX)
    low = dctn(np.asarray(plane, np.float64), norm="ortho")
    low = low[1 : FREQUENCIES + 1, 1 : FREQUENCIES + 1]
    return np.packbits(low > np.median(low)).tobytes()


def distance(first: bytes, second: bytes) -> int:
    """Returns the number of bits in which two fingerprints differ, 0 to 256.

    Example:

    >>> distance(bytes(32), bytes([7]) + bytes(31))
    3
    """
    first, second = (np.frombuffer(value, np.uint8) for value in (first, second))
    return int(np.bitwise_count(first ^ second).sum())
