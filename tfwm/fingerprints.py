"""A fingerprint of what a photo shows, which everyday edits hardly change.

As in PDQ (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
2019): the photo shrunk to 64 x 64, its 16 x 16 lowest frequencies without the mean, a bit for each
that is above their median.
"""

import base64
import binascii
import math

import numpy as np
from PIL import Image

from tfwm.images import Animation, Photo, read_any
from tfwm.marking import Canvas

# In manifests, stores and requests. Another way to compute it gets another number.
ALGORITHM = "org.tfwm.fingerprint.1"
SIDE = 64
FREQUENCIES = 16
BITS = FREQUENCIES**2
# A bit is clear if its frequency is so far from the median, in levels of 8 bits at norm 1, that a
# mark and JPEG hardly turn it: flat pictures and gradients have few. Plain shapes on a plain ground
# have clear bits, and the same ones for all shapes alike: there, few pixels of the 64 x 64 differ
# from their neighbors by more than 2 levels, at most 8 % of them. Of 2,500 photos each had 185
# clear bits or more, and of 1,850 two were so plain.
CLEAR, CLEAR_BITS = 2.0, BITS // 2
STEP, BUSY_SHARE = 2.0, 0.1
# Up to so many different bits two photos show the same, above so many something else; in between it
# is unclear. Of 1.7 million pairs of photos none is below 84, and 99.8 % are above 104; of everyday
# edits without a crop, only black boxes over half of a photo exceed 88 (benchmarks/fingerprint.py).
SAME, OTHER = 64, 104


def fingerprint(photo, alignment=None) -> bytes | None:
    """Returns the fingerprint of a photo, 32 bytes, or `None` if it shows too little for one.

    Saving again, resizing, tone and a mark change a few of its 256 bits; another photo has about
    half of them different. A crop or a rotation makes another picture of it. Flat pictures,
    gradients and plain shapes on white are all alike, and have none.

    Args:
        photo: see `tfwm.images.read_photo`; of an animation, the first frame.
        alignment: `tfwm.marking.Alignment` at which a mark was found, which tells whether the photo
            is a mirror image or was turned by a quarter; that is undone first.

    Returns:
        32 bytes, or `None`.

    Example:

    >>> len(fingerprint("photo.jpg"))
    32
    >>> fingerprint(np.zeros((64, 64, 3), np.uint8)) is None
    True
    """
    plane = plane_of(photo)
    return _bits(plane if alignment is None else _turned(plane, alignment.flipped, alignment.turns))


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
    return int(distances(first, [second])[0])


def distances(value: bytes, others):
    """Returns the numbers of bits in which fingerprints differ from one.

    Args:
        value: the one, 32 bytes.
        others: sequence of fingerprints; an empty one differs in all 256 bits.

    Returns:
        `(len(others),)` integers.

    Example:

    >>> distances(bytes(32), [bytes(31) + bytes([7]), b""]).tolist()
    [3, 256]
    """
    value = np.frombuffer(value, np.uint64)
    opposite = (~value).tobytes()
    others = np.frombuffer(b"".join(other or opposite for other in others), np.uint64)
    return np.bitwise_count(others.reshape(-1, len(value)) ^ value).sum(axis=1, dtype=np.int64)


def nearest(value: bytes, parts, most: int, limit: int):
    """Returns the most similar of many fingerprints, in the memory of one part of them.

    Args:
        value: the fingerprint to look for, 32 bytes.
        parts: iterable of lists of `(number, fingerprint)`; of equals, the largest number is first.
        most: largest number of results.
        limit: largest number of bits that differ.

    Returns:
        List of `(distance, number)`.

    Example:

    >>> nearest(bytes(32), [[(1, bytes(31) + bytes([7])), (2, b"")], [(3, bytes(32))]], 9, SAME)
    [(0, 3), (3, 1)]
    """
    best = []
    for part in parts:
        numbers, known = zip(*part, strict=True)
        apart = distances(value, known)
        best += [(int(apart[n]), -numbers[n]) for n in np.flatnonzero(apart <= limit)]
        best = sorted(best)[:most]
    return [(distance, -number) for distance, number in best]


def compare(photo, signed: bytes, alignment=None, whole=False):
    """Tells whether a photo shows the picture that has a fingerprint.

    Args:
        photo: see `fingerprint`.
        signed: fingerprint of the other picture.
        alignment: at which a mark was found in the photo. Without one, the photo is compared in
            all ways to mirror it and turn it by quarters.
        whole: see `likeness`.

    Returns:
        See `likeness`.
    """
    if alignment is not None:
        return likeness(fingerprint(photo, alignment), signed, whole)
    plane = plane_of(photo)
    ways = [_bits(_turned(plane, flip, turns)) for flip in (False, True) for turns in range(4)]
    return "same" if any(likeness(own, signed) == "same" for own in ways) else "unclear"


def likeness(own: bytes | None, signed: bytes, whole=False):
    """Tells whether two fingerprints are of one picture.

    Args:
        own: of a photo, at the alignment; `None` if it has none.
        signed: of the other picture.
        whole: whether it is known that nothing was cut from the photo or added to it; only then can
            it be another one.

    Returns:
        `"same"`, `"another"`, or `"unclear"`, as for a crop.
    """
    if own is None:
        return "unclear"
    differ = distance(own, signed)
    if differ <= SAME:
        return "same"
    return "another" if differ > OTHER and whole else "unclear"


def plane_of(photo):
    """Returns the luminance of a photo in [0, 1], shrunk to 64 x 64."""
    photo = read_any(photo)
    photo = photo.frames[0] if isinstance(photo, Animation) else photo
    plane = Canvas(Photo(np.ascontiguousarray(photo.pixels))).scaled(1.0)[..., 0]
    plane = Image.fromarray(plane).resize((SIDE, SIDE), Image.BOX)
    return np.asarray(plane, np.float64)


def _turned(plane, flipped, turns):
    return np.rot90(plane[:, ::-1] if flipped else plane, turns)


def waves():
    """Returns the rows of the orthonormal DCT that are looked at: the lowest but the mean."""
    places, numbers = np.arange(SIDE) + 0.5, np.arange(1, FREQUENCIES + 1)
    return math.sqrt(2 / SIDE) * np.cos(np.pi / SIDE * np.outer(numbers, places))


def _bits(plane):
    rows = waves()
    low = rows @ plane @ rows.T
    apart = low - np.median(low)
    down, across = np.diff(plane, axis=0)[:, 1:], np.diff(plane, axis=1)[1:]
    busy = np.mean(np.hypot(down, across) > STEP / 255)
    if np.sum(np.abs(apart) >= CLEAR / 255) < CLEAR_BITS or busy < BUSY_SHARE:
        return None
    return np.packbits(low > np.median(low)).tobytes()
