"""What a report says about one photo: its numbers, its pictures, what the mark survives."""

import dataclasses
import functools

import numpy as np

from tfwm.images import read_photo
from tfwm.images.pictures import amplify, data_uri
from tfwm.images.quality import large_ssim
from tfwm.marking import Extraction
from tfwm.payload import to_bytes
from tfwm.report.confidence import cell_agreement
from tfwm.report.distortions import try_distortions
from tfwm.report.pictures import detail, eight_bit, heat_map, reduced

BITS_A_BYTE = 8


@dataclasses.dataclass
class PhotoReport:
    """The facts about one photo.

    Args:
        name: file name.
        size: `(width, height)`.
        notes: what changed when the file was read.
        strength: of the mark; `None` if the photo was only read.
        psnr: of the marked pixels to the original in dB, inf for no change; or `None`.
        ssim: the same, of 8-bit pixels.
        extraction: `tfwm.marking.Extraction` of the marked or the given photo.
        cells: share of the cells with a known bit that agree with it, 0 to 1; or `None`.
        known_cells: number of cells with a known bit.
        complete: whether these are all cells, since the message is known, or only the pilots'.
        bytes: for each byte of the message `(text, confidences of its 8 bits)`.
        distortions: list of `DistortionResult`.
        pictures: `data:` addresses by name.
        error: why the other fields are empty, or `None`.
    """

    name: str
    size: tuple | None = None
    notes: list = dataclasses.field(default_factory=list)
    strength: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    extraction: Extraction | None = None
    cells: float | None = None
    known_cells: int = 0
    complete: bool = False
    bytes: list = dataclasses.field(default_factory=list, repr=False)
    distortions: list = dataclasses.field(default_factory=list, repr=False)
    pictures: dict = dataclasses.field(default_factory=dict, repr=False)
    error: str | None = None

    @property
    def survived(self):
        """`(number that the message survives, number)` of the distortions that count."""
        counted = [result for result in self.distortions if result.counted]
        return sum(result.survives for result in counted), len(counted)

    def to_dict(self):
        """Returns plain values, ready for JSON, without pictures."""
        return {
            "photo": self.name,
            "size": self.size,
            "error": self.error,
            "strength": self.strength,
            "psnr": self.psnr,
            "ssim": self.ssim,
            "agreeing_cells": self.cells,
            "extraction": self.extraction.to_dict() if self.extraction else None,
            "distortions": [result.to_dict() for result in self.distortions],
        }


def inspect_photo(
    watermarker,
    photo,
    message=None,
    *,
    key=None,
    strength=1.0,
    psnr=None,
    suite=None,
    search="rotate",
    false_positive_rate=1e-6,
    progress=None,
) -> PhotoReport:
    """Measures everything that a report shows about one photo.

    With a message, the photo is marked; without one, it is read unchanged. The arguments are those
    of `write_report`, with a `Watermarker` and a suite or `None`.
    """
    how = {"key": key, "search": search, "false_positive_rate": false_positive_rate}
    read = functools.partial(watermarker.extract, **how)
    cover = read_photo(photo)
    if message is None:
        found = read(cover, progress=progress)
        return _describe(watermarker, cover, key, found, found.alignment, found.message, found.kind)
    tell = progress or (lambda share, text: None)
    tell(0.0, f"marking {_short(cover.name)}")
    mark = watermarker.prepare(cover, message, key=key)
    marked, strength = mark.at(strength, psnr)
    found = read(marked, search="none")
    report = _describe(watermarker, marked, key, found, mark.alignment, message)
    before, after = eight_bit(cover), eight_bit(marked)
    report.strength, report.psnr = strength, mark.psnr(marked)
    report.ssim = large_ssim(before, after)
    report.pictures |= {
        "original": data_uri(reduced(before)),
        "residual": data_uri(reduced(amplify(before, after))),
    }
    parts = zip(("original", "marked", "residual"), detail(before, after), strict=True)
    report.pictures |= {f"{name}_detail": data_uri(part) for name, part in parts}
    if suite is not None:
        report.distortions = try_distortions(
            after, suite, read, message, lambda share, text: tell(0.05 + 0.95 * share, text)
        )
    tell(1.0, "done")
    return report


def _describe(watermarker, photo, key, found, alignment, message, kind=None):
    """Returns the facts about a marked photo that need no original."""
    height, width = photo.pixels.shape[:2]
    shown = reduced(eight_bit(photo))
    report = PhotoReport(
        name=_short(photo.name),
        size=(width, height),
        notes=list(photo.notes),
        extraction=found,
        pictures={"marked": data_uri(shown)},
    )
    if found.bit_confidence is not None:
        data = to_bytes(found.message, found.kind)[1]
        report.bytes = [
            (_printed(data, i, found.kind), bits.tolist())
            for i, bits in enumerate(np.reshape(found.bit_confidence, (-1, BITS_A_BYTE)))
        ]
    if alignment is not None:
        bound = found.message is None or found.binding is not None
        network, codec = watermarker.network, watermarker.codec(key, bound)
        agreement = cell_agreement(network, codec, photo, alignment, message, kind)
        if agreement is not None and agreement.known:
            report.cells, report.known_cells = agreement.agreeing, agreement.known
            report.complete = agreement.complete
            place = agreement.corner, agreement.plane_shape, network.block_shape
            layer = heat_map(agreement.cells, *place, alignment, shown.shape[:2])
            report.pictures["map"] = data_uri(layer)
    return report


def _printed(data, index, kind):
    """Returns a byte as a printable letter, or else as two hexadecimal digits."""
    byte = data[index : index + 1]
    if kind == "text" and 32 <= byte[0] < 127:
        return byte.decode().replace(" ", "␣")
    return byte.hex()


def _short(name):
    return name.replace("\\", "/").rsplit("/", 1)[-1]
