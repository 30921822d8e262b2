"""A fingerprint of what a photo shows, which everyday edits hardly change.

As in PDQ (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
2019): the photo shrunk to 64 x 64, its 16 x 16 lowest frequencies without the mean, a bit for each
that is above their median.
"""

import base64
import binascii

import numpy as np
from PIL import Image
from scipy.fft import dctn

from tfwm.images import Animation, Photo, read_any
from tfwm.marking import Canvas

# In manifests, stores and requests. Another way to compute it gets another number.
ALGORITHM = "org.tfwm.fingerprint.1"
SIDE = 64
FREQUENCIES = 16
BITS = FREQUENCIES**2
# Up to so many different bits two photos show the same, above so many something else; in between it
# is unclear. Of 1.7 million pairs of photos none is below 84, and 99.8 % are above 104; of everyday
# edits without a crop, only black boxes over half of a photo exceed 88 (benchmarks/fingerprint.py).
SAME, OTHER = 64, 104


def fingerprint(photo, alignment=None) -> bytes:
    """Returns the fingerprint of a photo, 32 bytes.

    Saving again, resizing, tone and a mark change a few of its 256 bits; another photo has about
    half of them different. A crop or a rotation makes another picture of it.

    Args:
        photo: see `tfwm.images.read_photo`; of an animation, the first frame.
        alignment: `tfwm.marking.Alignment` at which a mark was found, which tells whether the photo
            is a mirror image or was turned by a quarter; that is undone first.

    Returns:
        32 bytes.

    Example:

    >>> len(fingerprint(np.zeros((64, 64, 3), np.uint8)))
    32
    """
    photo = read_any(photo)
    photo = photo.frames[0] if isinstance(photo, Animation) else photo
    pixels = photo.pixels
    if alignment is not None:
        pixels = np.rot90(pixels[:, ::-1] if alignment.flipped else pixels, alignment.turns)
    plane = Canvas(Photo(np.ascontiguousarray(pixels))).scaled(1.0)[..., 0]
    plane = Image.fromarray(plane).resize((SIDE, SIDE), Image.BOX)
    low = dctn(np.asarray(plane, np.float64), norm="ortho")
    low = low[1 : FREQUENCIES + 1, 1 : FREQUENCIES + 1]
    return np.packbits(low > np.median(low)).tobytes()


def to_value(fingerprint: bytes) -> str:
    """Returns a fingerprint as the value of a soft binding, base64."""
    return base64.b64encode(fingerprint).decode()


def from_value(value) -> bytes | None:
    """Returns the fingerprint of a value; `None` if it is none."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) * 8 == BITS else None


def distance(first: bytes, second: bytes) -> int:
    """Returns the number of bits in which two fingerprints differ, 0 to 256.

    Example:

    >>> distance(bytes(32), bytes([7]) + bytes(31))
    3
    """
    first, second = (np.frombuffer(value, np.uint8) for value in (first, second))
    return int(np.bitwise_count(first ^ second).sum())


def compare(photo, signed: bytes, alignment=None) -> str:
    """Tells whether a photo shows the picture that has a fingerprint.

    Args:
        photo: see `fingerprint`, also for `alignment`.
        signed: fingerprint of the other picture.

    Returns:
        `"same"`, `"another"`, or `"unclear"`, as for a crop.
    """
    return likeness(fingerprint(photo, alignment), signed, alignment)


def likeness(own: bytes, signed: bytes, alignment=None) -> str:
    """Does what `compare` does, by the photo's own fingerprint at the alignment."""
    differ = distance(own, signed)
    if differ <= SAME:
        return "same"
    is_cut = alignment is not None and (alignment.offset is not None or alignment.rotation)
    return "another" if differ > OTHER and not is_cut else "unclear"
