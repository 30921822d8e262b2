"""Reads signposts: the public part of a mark that says whom to ask about a photo.

Anybody can read one, without a key, and anybody can write one: it proves nothing about the photo
and only names the host whose detector may know more. `Watermarker.embed(signpost=...)` writes it.
"""

import dataclasses

from tfwm.checks import one_of
from tfwm.images import Animation, read_any
from tfwm.marking import STAGES, Canvas, Judge, Reader
from tfwm.marking.views import readings
from tfwm.payload import SignpostCodec, unpack_name
from tfwm.watermarker import FALSE_POSITIVE_RATE

# Where a host says which service it has (C2PA 2.4, Soft Binding Resolution API).
DISCOVERY = "/.well-known/c2pa-soft-binding-resolution"


@dataclasses.dataclass(frozen=True)
class Signpost:
    """What the public part of a photo's mark says.

    Args:
        host: name of the host to ask, or `None`.
        decision: `"present"`, `"absent"` or `"uncertain"`.
        reason: one sentence.
        p_value: probability that a photo without a signpost looks at least like this.
    """

    host: str | None
    decision: str
    reason: str
    p_value: float

    @property
    def discovery(self):
        """Address at which the host says which service it has, or `None`."""
        return self.host and f"https://{self.host}{DISCOVERY}"

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "discovery": self.discovery}


def read_signpost(
    photo,
    watermarker,
    *,
    search="rotate",
    alignment=None,
    false_positive_rate=FALSE_POSITIVE_RATE,
    damaged=False,
    progress=None,
) -> Signpost:
    """Reads whom to ask about a photo, without any key.

    Args:
        photo: see `tfwm.Watermarker.extract`, also for the other options; of an animation, the
            first frame.
        watermarker: `tfwm.Watermarker` of the network that marked it.
        alignment: where the message of the mark was found (`Extraction.alignment`): there the
            signpost lies as well, and no search is needed.

    Returns:
        `Signpost`.

    Example:

    >>> watermarker = tfwm.load()
    >>> marked = watermarker.embed("photo.jpg", 1234, key="secret", signpost="example.org")
    >>> read_signpost(marked, watermarker).host
    'example.org'
    """
    one_of("search", search, STAGES)
    copy = read_any(photo, damaged)
    copy = copy.frames[0] if isinstance(copy, Animation) else copy
    codec = SignpostCodec(watermarker.codec().slots)
    judge = Judge(codec, false_positive_rate)
    if alignment is None:
        found = readings(watermarker.network, codec, copy, None, search, progress)
    else:
        reader = Reader(watermarker.network, Canvas.of(watermarker.network, copy), codec)
        found = [("none", alignment, reader.votes(alignment), 1)]
    for reading in found:
        judge.add(*reading)
        if judge.decoded is not None:
            break
    found = judge.extraction()
    host = unpack_name(found.message)
    decision = found.decision
    if decision == "present" and host is None:
        decision = "uncertain"
    return Signpost(host, decision, REASONS[decision], found.p_value)


REASONS = {
    "present": "its public part was read and its check sum fits; anybody could have written it",
    "uncertain": "there are traces of one, too damaged for its name to be read",
    "absent": "no signpost was found",
}
