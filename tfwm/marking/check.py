import dataclasses
import io

import numpy as np
from PIL import Image

from tfwm.images import Photo, read_photo

# What a marked photo should at least come back from: an ordinary re-saving.
CHECK_QUALITY = 75


@dataclasses.dataclass(frozen=True)
class Check:
    """Whether a photo can carry a message.

    Args:
        fits: whether the message was read back from a copy that was saved as JPEG 75.
        reason: one sentence.
        strength: what it was tried at.
        psnr: dB of the marked photo.
        p_value: of that reading.
        margin: how many times the reading exceeds what its message needs; below 1 it fails.
    """

    fits: bool
    reason: str
    strength: float
    psnr: float
    p_value: float
    margin: float

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return dataclasses.asdict(self)


def check_mark(watermarker, mark, marked, copy, message, key, strength):
    """Reads a copy of a marked photo and says how well that went.

    Args:
        watermarker: `tfwm.Watermarker`.
        mark: the photo's `Mark`.
        marked: what `mark.apply` gave.
        copy: `tfwm.images.Photo`, the marked photo after saving.
        message: what was embedded.
        key: see `Watermarker.embed`.
        strength: what was applied.

    Returns:
        `Check`.
    """
    codec = watermarker.codec(key)
    votes = watermarker.read_votes(copy)
    found = codec.decode(votes)
    p_value = codec.p_value(codec.pilot_score(votes))
    if found is not None:
        p_value = min(p_value, found.tag_p_value)
    margin = codec.margin(votes, message)
    fits = found is not None and found.message == message
    psnr = mark.psnr(marked)
    if fits:
        reason = f"the message is read with {margin:.1f} times the signal that it needs"
    elif psnr == float("inf"):
        reason = (
            f"at strength {strength:.3g} not one pixel changes (is the photo black or white all "
            "over, or the strength too small?)"
        )
    else:
        reason = (
            f"at strength {strength:.3g} the message does not read back "
            "(the photo is too small or too flat): shorten it or take a larger photo"
        )
    return Check(fits, reason, strength, psnr, p_value, margin)


def resaved(photo, quality=CHECK_QUALITY):
    """Returns a photo as it comes back from a JPEG file, without its transparency."""
    pixels = photo.pixels
    if pixels.dtype != np.uint8:
        top = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
        pixels = np.rint(pixels * np.float32(255 / top)).astype(np.uint8)
    buffer = io.BytesIO()
    Photo(pixels).to_pil().save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as copy:
        return read_photo(copy)
