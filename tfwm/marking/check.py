"""Options and reports of marked files, and the check that a mark still reads once it is saved."""

import contextlib
import dataclasses
import io
import math
import warnings

from tfwm.checks import check_number, one_of
from tfwm.files import in_place, other_names
from tfwm.images import Encoding, Photo, decode_photo, to_uint8, write_encoded
from tfwm.payload import SignpostCodec, pack_name, to_plain

# A marked photo should at least survive an ordinary re-saving.
CHECK_QUALITY = 75
# What a photo that is marked already gets: nothing, a mark over the first, or one beside it.
BESIDE = "beside"
OVER = False, True, BESIDE
# Of the room to spare that a mark must have, what is asked of one that shares the photo: the other
# one needs as much.
BESIDE_ROOM = 0.625


@dataclasses.dataclass(frozen=True)
class Check:
    """Whether a photo can carry a message.

    Args:
        fits: whether the message was read back from a copy of the marked photo, and from the
            photo itself with the room to spare that `embed_file` asks for.
        reason: one sentence.
        strength: the strength that was tried.
        psnr: dB of the marked photo.
        p_value: of that reading.
        margin: how many times the reading exceeds what its message needs; below 1 it fails.
        smooth: share of the photo that is smooth or clipped, where a mark can be seen.
        notes: sentences, such as about a photo that is smooth for the most part.
    """

    fits: bool
    reason: str
    strength: float
    psnr: float
    p_value: float
    margin: float
    smooth: float | None = None
    notes: tuple = ()

    def without(self, objection):
        """Returns the check, refused if there is an `EarlierMark.objection`, not `None`."""
        if objection is None:
            return self
        return dataclasses.replace(self, fits=False, reason=objection)

    def with_room(self, room, wanted):
        """Returns the check, refused if the undamaged file reads with too little room to spare."""
        if not self.fits or room >= wanted:
            return self
        reason = (
            f"at strength {self.strength:.3g} ({self.psnr:.1f} dB) the message is read with "
            f"{_times(room)} times the signal that it needs, and {wanted:g} times are wanted: "
            "shorten it, or take a larger photo"
        )
        return dataclasses.replace(self, fits=False, reason=reason)

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "notes": list(self.notes)}


@dataclasses.dataclass(frozen=True)
class EmbedOptions:
    """How a message is embedded in a file.

    Args:
        key: secret text or bytes; with `None` everybody can read the mark.
        strength: factor on the mark; the first strength that is tried.
        psnr: instead, the PSNR wanted in dB; then the strength is not raised.
        margin: how many times the reading must exceed what its message needs.
        quality: of JPEG, AVIF or WebP, 1 to 100; by default the source's own compression if the
            photo comes from a file of that format and the mark reads so, else 95, 90, lossless.
        subtle: whether smooth and clipped parts get less of the mark, see `Watermarker.embed`.
        signpost: name of the host to ask about the photo, see `Watermarker.embed`.
        over: what becomes of an earlier mark, see `Watermarker.embed`.
    """

    key: str | bytes | None = None
    strength: float = 1.0
    psnr: float | None = None
    margin: float = 2.0
    quality: int | None = None
    subtle: bool = False
    signpost: str | None = None
    over: bool | str = False

    def __post_init__(self):
        check_number("margin", self.margin, 0, 1e6, "a margin of at least 0")
        one_of("over", self.over, OVER)
        if self.signpost is not None:
            pack_name(self.signpost)

    @property
    def placing(self):
        """The options that `Watermarker.prepare` takes."""
        return {name: getattr(self, name) for name in ("key", "subtle", "signpost", "over")}

    @property
    def room(self):
        """How many times the reading must exceed what the message needs, with half of the cells."""
        return self.margin * (BESIDE_ROOM if self.over == BESIDE else 1)


@dataclasses.dataclass(frozen=True)
class FileReport:
    """The result of marking a file.

    Args:
        source: path of the photo.
        output: path of the marked file; `None` if nothing was written.
        message: the message that was embedded.
        strength: the strength that it took.
        psnr: dB of the marked pixels, before they were encoded.
        p_value: of the reading of the written file.
        margin: how many times the reading exceeds what its message needs.
        notes: sentences about what reading and writing changed or dropped (`tfwm.images.Photo`).
        encoding: `tfwm.images.Encoding` of the written file.
        size: of that file in bytes.
        source_size: of the photo's file in bytes, or `None`.
    """

    source: str
    output: str | None
    message: object
    strength: float
    psnr: float
    p_value: float
    margin: float
    notes: tuple = ()
    encoding: Encoding | None = None
    size: int | None = None
    source_size: int | None = None

    @contextlib.contextmanager
    def written(self):
        """A context in which its file is written: if that fails, what was kept of it goes."""
        try:
            yield
        except BaseException:
            self.withdraw()
            raise

    def put(self, encoded, source, output, overwrite=False):
        """Writes its file, whole or not at all.

        Args:
            encoded: bytes of the file.
            source: what the photo was read from.
            output: path, or binary file object.
            overwrite: whether an existing file may be replaced.

        Returns:
            The report, with a note if the source keeps other names.
        """
        notes = ()
        with self.written():
            if hasattr(output, "write"):
                output.write(encoded)
            else:
                notes = other_names(source, output)
                write_encoded(encoded, in_place(source, output), overwrite)
        return dataclasses.replace(self, notes=(*self.notes, *notes))

    def withdraw(self):
        """Takes back what was kept of a file that could not be written: here, nothing."""

    def to_dict(self):
        """Returns plain values, ready for JSON; bytes as hex digits, a UUID as text."""
        values = dataclasses.asdict(dataclasses.replace(self, message=to_plain(self.message)))
        encoding = self.encoding and self.encoding.to_dict()
        return {**values, "notes": list(self.notes), "encoding": encoding}


def room_to_spare(codec, votes, message, signpost=None):
    """Returns the margin of a message, or that of its signpost if it has less; see `Codec`."""
    margin = codec.margin(votes, message)
    if signpost is None:
        return margin
    return min(margin, SignpostCodec(codec.slots).margin(votes, pack_name(signpost)))


def check_votes(codec, votes, message, strength, psnr, signpost=None, trials=1):
    """Returns the `Check` of a marked photo, from the votes `(slots,)` of its saved copy.

    Message and signpost must both be read, and the one with less room to spare counts. `trials` are
    the patterns of which the votes are those that fit best.
    """
    found = codec.decode(votes)
    p_value = codec.p_value(codec.pilot_score(votes), trials)
    if found is not None:
        p_value = min(p_value, 2 * found.tag_p_value)  # as `Judge` counts it
    margin = room_to_spare(codec, votes, message, signpost)
    fits = found is not None and found.message == message
    if signpost is not None:
        read = SignpostCodec(codec.slots).decode(votes)
        fits = fits and read is not None and read.message == pack_name(signpost)
    if fits:
        what = "the message is" if signpost is None else "message and signpost are"
        needs = "it needs" if signpost is None else "they need"
        reason = f"{what} read with {_times(margin)} times the signal that {needs}"
    else:
        reason = why_unreadable(strength, psnr)
    return Check(fits, reason, strength, psnr, p_value, margin)


def why_unreadable(strength, psnr):
    """Returns the clause for a marked photo whose message does not read back."""
    if psnr == math.inf:
        return (
            f"at strength {strength:.3g} not one pixel changes (is the photo black or white all "
            "over, or the strength too small?)"
        )
    return (
        f"at strength {strength:.3g} the message does not read back "
        "(the photo is too small or too flat, or the strength, PSNR or quality that was asked for "
        "too low): shorten it or take a larger photo"
    )


def warn_unreadable(name, strength, psnr):
    """Warns the caller of `embed` of a marked photo whose message does not read back."""
    warnings.warn(f"{name}: {why_unreadable(strength, psnr)}", stacklevel=3)


def _times(margin):
    """A margin in words; rounded down, so that one below 2 never reads as 2."""
    return f"{math.floor(10 * margin) / 10:.1f}"


def resaved(photo, quality=CHECK_QUALITY):
    """Returns a photo as it comes back from a JPEG file, without its transparency."""
    buffer = io.BytesIO()
    Photo(to_uint8(photo.pixels)).to_pil().save(buffer, "JPEG", quality=quality)
    return decode_photo(buffer.getvalue())
