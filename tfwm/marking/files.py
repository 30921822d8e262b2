"""Marking a file so that what was written is known to read."""

import contextlib
import dataclasses
import io
from pathlib import Path

from PIL import Image

from tfwm.images import ImageError, check_output, encode_photo, read_photo, write_encoded
from tfwm.marking.check import check_mark
from tfwm.payload import to_plain

# The strength grows by this factor until the mark reads with room to spare.
STRENGTH_STEP = 1.25
LARGEST_STRENGTH = 2.5


@dataclasses.dataclass(frozen=True)
class FileReport:
    """What was embedded in a file.

    Args:
        source: path of the photo.
        output: path of the marked file; `None` if nothing was written.
        message: what was embedded.
        strength: the strength that it took.
        psnr: dB of the marked pixels, before they were encoded.
        p_value: of the reading of the written file.
        margin: how many times the reading exceeds what its message needs.
        notes: sentences about what reading the photo changed (`tfwm.images.Photo`).
    """

    source: str
    output: str | None
    message: object
    strength: float
    psnr: float
    p_value: float
    margin: float
    notes: tuple = ()

    def to_dict(self):
        """Returns plain values, ready for JSON; bytes as hex digits, a UUID as text."""
        values = {**dataclasses.asdict(self), "message": to_plain(self.message)}
        return {**values, "notes": list(self.notes)}


def embed_file(
    watermarker,
    source,
    output,
    message,
    *,
    key=None,
    strength=1.0,
    psnr=None,
    margin=2.0,
    quality=None,
    overwrite=False,
    dry_run=False,
):
    """Marks a file and reads the result back before it is put in place.

    If the encoded file does not read with enough room to spare, the strength is raised step by
    step, up to 2.5 times; then nothing is written.

    Args:
        watermarker: `tfwm.Watermarker`.
        source: path of a photo.
        output: path of the file to write; its ending chooses the format.
        message: see `Watermarker.embed`.
        key: see `Watermarker.embed`.
        strength: the first strength that is tried.
        psnr: instead, the PSNR wanted in dB; then the strength is not raised.
        margin: how many times the reading must exceed what its message needs.
        quality: of JPEG or AVIF, 1 to 100.
        overwrite: whether an existing file, the source too, may be replaced.
        dry_run: does everything but write.

    Returns:
        `FileReport`. Raises `ImageError` if the photo cannot carry the message.
    """
    check_output(output, quality, overwrite)
    encoded, report = mark_file(
        *(watermarker, source, output, message),
        key=key,
        strength=strength,
        psnr=psnr,
        margin=margin,
        quality=quality,
    )
    if dry_run:
        return dataclasses.replace(report, output=None)
    write_encoded(encoded, output, overwrite)
    return report


def mark_file(
    watermarker,
    source,
    output,
    message,
    *,
    key=None,
    strength=1.0,
    psnr=None,
    margin=2.0,
    quality=None,
    lane=None,
):
    """Does what `embed_file` does, up to writing.

    Args: as for `embed_file`, and

        lane: context manager in which the network and the codec are used, neither of which
            bears two threads at once; reading and encoding photos go on outside of it.

    Returns:
        `(encoded, report)`: the bytes of the file, and its `FileReport`.
    """
    lane = lane or contextlib.nullcontext()
    cover = read_photo(source)
    with lane:
        mark = watermarker.prepare(cover, message, key=key)
    for marked, used in _marked(mark, strength, psnr):
        encoded = encode_photo(marked, output, quality)
        copy = _decoded(encoded)
        with lane:
            best = check_mark(watermarker, mark, marked, copy, message, key, used)
        if best.fits and best.margin >= margin:
            break
    else:
        raise ImageError(f"{Path(source)} was not marked: {_shortfall(best, margin)}.")
    return encoded, FileReport(
        source=str(source),
        output=str(output),
        message=message,
        strength=used,
        psnr=best.psnr,
        p_value=best.p_value,
        margin=best.margin,
        notes=tuple(cover.notes),
    )


def _shortfall(best, margin):
    if not best.fits:
        return best.reason
    return (
        f"at strength {best.strength:.3g} ({best.psnr:.1f} dB) {best.reason}, but {margin:g} times "
        "are wanted: raise the strength or the quality, shorten the message, or take a larger photo"
    )


def _marked(mark, strength, psnr):
    if psnr is not None:
        yield mark.at(psnr=psnr)
        return
    largest = strength * LARGEST_STRENGTH
    while strength <= largest:
        yield mark.apply(strength), strength
        strength *= STRENGTH_STEP


def _decoded(encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        image.load()
        return read_photo(image)
