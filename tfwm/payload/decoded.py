import dataclasses
import uuid

import numpy as np


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What `Codec.decode` read.

    Args:
        message: `str`, `bytes`, `int` or `uuid.UUID`, as it was embedded.
        kind: `"text"`, `"bytes"`, `"int"` or `"uuid"`.
        bit_confidence: `(8 * bytes,)` float64, for each bit of the message's data the
            probability that it is right, 0.5 to 1, by belief propagation alone, that is before
            the tag confirmed all of them.
        corrected_errors: number of code bits whose vote had the wrong sign.
        tag_p_value: upper bound on the probability that an unmarked photo, or another key,
            gives a message with a tag that fits and votes that agree as well with it.
    """

    message: str | bytes | int | uuid.UUID
    kind: str
    bit_confidence: np.ndarray
    corrected_errors: int
    tag_p_value: float
