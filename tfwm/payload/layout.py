"""Which slot of a mark carries what: pilots, code bits, a signpost, or signs of the photo."""

import functools
import hashlib

import numpy as np

from tfwm.keys import Key
from tfwm.payload.code import Code
from tfwm.payload.frame import Frame
from tfwm.payload.message import SIGNATURE_BYTES

# All of this is part of the format of marked photos.
SIZES = (4, 8, 16, 24, 32, 48, 64)
SMALL_SIZES = (2, 4, 7, 11)
PILOT_SLOTS = 192
TAG_BITS = (32, 24, 16)
COMFORTABLE_RATE = 0.72
HIGHEST_RATE = 0.77
# A signature is proof in itself: its tag only saves looking at what is none.
SIGNATURE_TAG_BITS, SIGNATURE_RATE = 16, 0.78
MOST_SLOTS = 1 << 16
# Of so many slots or more, three in eight may carry a public signpost instead of the message.
SHARED_SLOTS = 512
SIGNPOST_SHARE = 3, 8
# And so many of a secret key's code slots outside of these may be bound to the photo: in each cell,
# its own surroundings ask for a sign, by as many bits of what they show.
BOUND_SLOTS = 96
CONTENT_BITS = 16
# Behind the filter of a key, a mark has one of so many patterns, another in each photo: the mean of
# some photos of one key shows little of any.
PATTERNS = 16


def pilot_count(slots):
    """Returns the number of pilots among so many slots."""
    return slots // 8 * 2 if slots >= PILOT_SLOTS else 0


@functools.lru_cache(maxsize=16)
def frames_of(slots, public):
    """Returns the sizes of frames that fit, each a `Frame`; with `public`, of signatures too."""
    length = slots - pilot_count(slots)
    frames, smallest = [], 1
    for size in SIZES if slots >= PILOT_SLOTS else SMALL_SIZES:
        for tag_bits in TAG_BITS:
            frame = Frame(size, smallest, tag_bits)
            rate = HIGHEST_RATE if tag_bits == TAG_BITS[-1] else COMFORTABLE_RATE
            if frame.bits <= rate * length:
                frames.append(frame)
                break
        smallest = size + 1
    signed = Frame(SIGNATURE_BYTES, SIGNATURE_BYTES, SIGNATURE_TAG_BITS, ("signature",))
    if public and signed.bits <= SIGNATURE_RATE * length:
        frames.append(signed)
    return tuple(frames)


@functools.lru_cache(maxsize=64)
def code_of(information_bits, length):
    """Returns the error-correcting code of these sizes."""
    return Code(information_bits, length)


@functools.lru_cache(maxsize=32)
def layout(slots, key):
    """Returns pilot slots, code slots in order, whitening of the code bits, and the pilot."""
    order = key.permutation(f"places {slots}", slots)
    pilots, places = np.split(order, [pilot_count(slots)])
    pilot = np.zeros(slots, np.float32)
    pilot[pilots] = np.repeat([1, -1], len(pilots) // 2)
    whitening = key.bits(f"whitening {slots}", len(places))
    return _frozen(pilots, places, whitening, pilot)


@functools.lru_cache(maxsize=8)
def signpost_places(slots):
    """Returns the slots of a signpost, the same for all keys, in ascending order."""
    share, of = SIGNPOST_SHARE
    order = Key(None).permutation(f"signpost {slots}", slots)
    return _frozen(np.sort(order[: slots * share // of]))[0]


@functools.lru_cache(maxsize=32)
def bound_places(slots, key):
    """Returns the slots that may be bound to the photo, in the key's order."""
    if key.is_public or slots < SHARED_SLOTS:
        return np.zeros(0, int)
    taken = np.union1d(layout(slots, key)[0], signpost_places(slots))
    order = key.permutation(f"bound {slots}", slots)
    return _frozen(order[~np.isin(order, taken)][:BOUND_SLOTS])[0]


@functools.lru_cache(maxsize=8)
def pattern_signs(slots, key):
    """Returns the signs `(PATTERNS, slots)` of a key's patterns; of the first, all are 1."""
    bits = key.bits(f"patterns {slots}", (PATTERNS - 1) * slots).reshape(-1, slots)
    return _frozen(np.float32(1) - 2 * np.pad(bits, ((1, 0), (0, 0))))[0]


def pattern_of(key, pixels):
    """Returns the number of the pattern that a photo gets: by its pixels, which only `key` maps."""
    digest = hashlib.blake2b(np.ascontiguousarray(pixels), digest_size=16).hexdigest()
    return key.stream(f"pattern {digest}", 1)[0] % PATTERNS


def _frozen(*arrays):
    for array in arrays:
        array.setflags(write=False)
    return arrays
