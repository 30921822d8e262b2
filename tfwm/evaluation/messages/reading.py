import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a marker read from a photo.

    Args:
        payload: the bytes of the message, or None if nothing was read.
        bits: `(payload_bits,)` of 0 and 1, for a reader that always gives bits; None counts as
            the payload's, or as guessed where there is none.
        p_value: chance that an unmarked photo looks as marked; None for a reader without
            evidence.
    """

    payload: bytes | None = None
    bits: np.ndarray | None = None
    p_value: float | None = None

    @classmethod
    def of_bits(cls, bits):
        """Returns the reading of one that gives bits and no evidence."""
        bits = np.asarray(bits).astype(np.uint8)
        return cls(np.packbits(bits).tobytes(), bits)
