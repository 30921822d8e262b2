"""The decision whether a photo carries a mark, from all readings of it."""

import dataclasses
import math
import uuid

import numpy as np

from tfwm.checks import check_number
from tfwm.marking.bending import BENT
from tfwm.marking.binding import Binding, binding_of, binds
from tfwm.marking.canvas import Alignment
from tfwm.payload import Signature, to_plain

# Single readings with a lower score than this hold no message that the code could correct.
READABLE_SCORE = 3.0
# The best of many places reaches more than that by chance.
READABLE_FOUND = 4.5
# Above the false-positive rate, p-values up to this are called uncertain.
DOUBT = 1e-3


@dataclasses.dataclass(frozen=True)
class Extraction:
    """The message read from a photo, and the evidence for it.

    Args:
        message: text, bytes, integer, UUID or `tfwm.payload.Signature` as embedded; `None` if none
            was readable.
        kind: `"text"`, `"bytes"`, `"int"`, `"uuid"` or `"signature"`; `None` without a message.
        decision: `"present"`, `"copied"`, `"absent"` or `"uncertain"`.
        reason: one sentence for the decision.
        p_value: probability that an unmarked photo, or another key, looks at least as marked.
        false_positive_rate: the rate that `p_value` was compared with.
        margin: how many times the signal-to-noise ratio of the reading exceeds what the message
            needs; about 1 at the edge of reading.
        bit_confidence: for each bit of the message, the probability that it is right by
            error correction alone; the tag confirms all of them together.
        corrected_errors: wrong code bits that the error correction repaired.
        alignment: `tfwm.marking.Alignment` of the best reading.
        corners: `(x, y)` of the corners, in the photo, of the picture that was read, `(4, 2)`;
            `None` if it is the photo itself.
        binding: `tfwm.marking.Binding`, whether the mark was made for what this photo shows; `None`
            if marks of this key or network are not bound to their photos, or there is no mark.
        rows_read: share of the photo's rows that a damaged file held, 0 to 1.
        signer: name of the public key whose owner signed the photo, see `tfwm.signatures.verified`.
    """

    message: str | bytes | int | uuid.UUID | Signature | None
    kind: str | None
    decision: str
    reason: str
    p_value: float
    false_positive_rate: float
    margin: float | None
    bit_confidence: np.ndarray | None
    corrected_errors: int | None
    alignment: Alignment | None
    corners: np.ndarray | None = None
    binding: Binding | None = None
    rows_read: float = 1.0
    signer: str | None = None

    @property
    def authentic(self):
        """Whether the message is one that somebody with the key wrote, for whatever picture."""
        return self.message is not None and self.p_value <= self.false_positive_rate

    @property
    def found(self):
        """Whether a mark of the key is there, for whatever picture it was made."""
        return self.decision == "present" or self.authentic

    @property
    def accepted(self):
        """Whether a mark is there, and nothing says that it is another's or of another picture."""
        return self.found and self.decision not in ("copied", "absent")

    def to_dict(self):
        """Returns plain values, ready for JSON; bytes as hex digits, a UUID as text."""
        values = dataclasses.asdict(self) | {"message": to_plain(self.message)}
        values["binding"] = self.binding and self.binding.to_dict()
        for name, digits in (("bit_confidence", 6), ("corners", 2)):
            if values[name] is not None:
                values[name] = np.round(values[name], digits).tolist()
        return values


class Judge:
    """Weighs the readings of one copy at several alignments, and decides.

    Each stage of the search has its own p-value: that of its best score among all that it tried
    (Sidak). The least p-value of the stages counts, corrected for their number. A message whose
    authentication tag fits is evidence too: a random reading has one with probability
    `tag_p_value`, which is doubled because there are two ways to be convinced: chance reaches a
    p-value at most one and a half times as often as it says, and tags of 32 bits hardly ever fit.

    A mark is present if it was made for what the photo shows, where marks are bound to that; if it
    was made for something else, it was copied.

    Args:
        codec: `tfwm.payload.Codec`.
        false_positive_rate: share of unmarked photos that may be called present.
        network: that reads; without it, the binding is not looked at.
    """

    def __init__(self, codec, false_positive_rate, network=None):
        what = "a false-positive rate between 0 and 1"
        rate = check_number("false_positive_rate", false_positive_rate, 0, 1, what, open_ends=True)
        self.decoded = None
        self._codec = codec
        self._network = network if network is not None and binds(network, codec.key) else None
        self._rate = rate
        self._best = {}
        self._trials = {}
        self._readings = 0
        self._place = None, None, ()

    def add(self, stage, alignment, votes, trials, corners=None, cells=()):
        """Adds one reading.

        Args:
            stage: the stage of the search that it comes from.
            alignment: its `Alignment`.
            votes: `(slots,)`.
            trials: alignments looked at so far, in all stages and pictures.
            corners: of the picture in the photo, see `Extraction`.
            cells: the `Cells` that gave the votes, several for frames; to look at the binding.
        """
        place = alignment, corners, cells
        score = self._codec.pilot_score(votes)
        if stage != BENT:  # its places are fitted to the pilots: their score is no evidence
            earlier = sum(n for name, n in self._trials.items() if name != stage)
            self._trials[stage] = trials - earlier
            if score > self._best.get(stage, (-math.inf,))[0]:
                self._best[stage] = (score, place)
        least = READABLE_SCORE if stage == "none" else READABLE_FOUND
        if score >= least or not self._codec.pilot.any():
            self._readings += 1
            self.decoded = self._codec.decode(votes)
            self._votes, self._place = votes, place

    def extraction(self):
        """Returns the `Extraction`."""
        by_stage = {
            stage: self._codec.p_value(score, self._trials[stage])
            for stage, (score, _) in self._best.items()
        }
        if not by_stage:
            return self._result(1.0, self._place, "the photo is too small for this network")
        stage = min(by_stage, key=by_stage.get)
        p_value = -math.expm1(len(by_stage) * math.log1p(-min(by_stage[stage], 1 - 1e-16)))
        if self.decoded is None:
            return self._result(p_value, self._best[stage][1], "")
        tag = 2 * self._readings * self.decoded.tag_p_value
        return self._result(min(p_value, tag), self._place, "")

    def _result(self, p_value, place, reason):
        found = self.decoded
        alignment, corners, cells = place
        binding = None
        if found is not None and p_value <= self._rate:
            if found.bound and self._network is not None:
                binding = self._binding(cells)
            decision, why = _with_message(found, binding)
        elif p_value <= self._rate:
            binding = self._binding(cells) if self._network is not None else None
            decision, why = _without_message(self._network is not None, binding)
        elif found is not None or p_value <= max(DOUBT, self._rate):
            decision = "uncertain"
            why = "there are traces of a mark of this key, more than chance usually gives"
        else:
            decision = "absent"
            why = (
                "no mark of this key and network was found: the photo is unmarked, or was marked "
                "with another key or network, or is too damaged"
            )
        names = "message", "kind", "bit_confidence", "corrected_errors"
        return Extraction(
            **{name: getattr(found, name, None) for name in names},
            decision=decision,
            reason=reason or why,
            p_value=p_value,
            false_positive_rate=self._rate,
            margin=found and self._margin(found),
            alignment=alignment,
            corners=corners,
            binding=binding,
        )

    def _margin(self, found):
        return self._codec.margin(self._votes, found.message, found.kind, found.bound)

    def _known_signs(self, found):
        return self._codec.known_signs(self._votes, found.message, found.kind, found.bound)

    def _binding(self, cells):
        cells = [c for c in cells if c is not None]
        signs = self.decoded and self._known_signs(self.decoded)
        return binding_of(self._codec, self._network, cells, signs) if cells else None


def _with_message(found, binding):
    """Decision and reason for a message whose tag fits."""
    if not found.bound:
        return "present", "a message was read and its authentication tag fits"
    fits = binding and binding.fits
    if fits:
        return "present", "a message was read, its authentication tag fits, and so does the photo"
    if fits is False:
        return "copied", (
            "a message of this key was read, but its mark does not fit what this photo shows: it "
            "was carried here from another picture, or photo or mark were changed a lot"
        )
    if binding and binding.plain:
        return "present", (
            "a message was read and its authentication tag fits; the picture shows too little to "
            "tell whether it was made for it"
        )
    if binding:
        return "uncertain", (
            "a message of this key was read, but too little is left of its mark to tell whether it "
            "was made for this photo"
        )
    return "present", (
        "a message was read and its authentication tag fits; whether it was made for this photo "
        "was not looked at"
    )


def _without_message(bound, binding):
    """Decision and reason for a mark without a readable message."""
    why = "the mark of this key is there, but too damaged for its message to be read"
    if not bound:
        return "present", why
    if binding and binding.fits:
        return "present", f"{why}; it was made for this photo"
    return "uncertain", f"{why}, or to tell whether it was made for this photo"
