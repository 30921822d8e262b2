"""What marking a file asks for, and what it reports."""

import dataclasses

from tfwm.payload import to_plain


@dataclasses.dataclass(frozen=True)
class EmbedOptions:
    """How a message is embedded in a file.

    Args:
        key: secret text or bytes; with `None` everybody can read the mark.
        strength: factor on the mark; the first strength that is tried.
        psnr: instead, the PSNR wanted in dB; then the strength is not raised.
        margin: how many times the reading must exceed what its message needs.
        quality: of JPEG or AVIF, 1 to 100.
    """

    key: str | bytes | None = None
    strength: float = 1.0
    psnr: float | None = None
    margin: float = 2.0
    quality: int | None = None


@dataclasses.dataclass(frozen=True)
class FileReport:
    """What was embedded in a file.

    Args:
        source: path of the photo.
        output: path of the marked file; `None` if nothing was written.
        message: the message that was embedded.
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
