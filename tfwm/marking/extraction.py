import dataclasses
import uuid

import numpy as np

from tfwm.marking.alignment import Alignment
from tfwm.payload import to_plain


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What was read from a photo, and how sure it is.

    Args:
        message: text, bytes, integer or UUID as embedded; `None` if none was readable.
        kind: `"text"`, `"bytes"`, `"int"` or `"uuid"`; `None` without a message.
        decision: `"present"`, `"absent"` or `"uncertain"`.
        reason: one sentence for the decision.
        p_value: probability that an unmarked photo, or another key, looks at least as marked.
        false_positive_rate: what `p_value` was compared with.
        margin: how many times the signal-to-noise ratio of the reading exceeds what the message
            needs; about 1 at the edge of reading.
        bit_confidence: for each bit of the message, the probability that it is right by
            error correction alone; the tag confirms all of them together.
        corrected_errors: wrong code bits that the error correction repaired.
        alignment: `tfwm.marking.Alignment` of the best reading.
        corners: `(x, y)` of the corners, in the photo, of the picture that was read, `(4, 2)`;
            `None` if it is the photo itself.
    """

    message: str | bytes | int | uuid.UUID | None
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

    def to_dict(self):
        """Returns plain values, ready for JSON; bytes as hex digits, a UUID as text."""
        known = self.bit_confidence is not None
        return {
            "message": to_plain(self.message),
            "kind": self.kind,
            "decision": self.decision,
            "reason": self.reason,
            "p_value": self.p_value,
            "false_positive_rate": self.false_positive_rate,
            "margin": self.margin,
            "bit_confidence": np.round(self.bit_confidence, 6).tolist() if known else None,
            "corrected_errors": self.corrected_errors,
            "alignment": self.alignment.to_dict() if self.alignment else None,
            "corners": None if self.corners is None else np.round(self.corners, 2).tolist(),
        }
