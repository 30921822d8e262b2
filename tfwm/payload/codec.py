"""Messages into the bits of all slots, and votes back into messages."""

import dataclasses
import functools
import math
import uuid

import numpy as np

from tfwm.checks import check_number
from tfwm.keys import Key
from tfwm.payload.code import ITERATIONS
from tfwm.payload.evidence import message_p_value, normal_p_value, pilot_score
from tfwm.payload.layout import (
    BOUND_SLOTS,
    CONTENT_BITS,
    MOST_SLOTS,
    SHARED_SLOTS,
    bound_places,
    code_of,
    frames_of,
    layout,
    signpost_places,
)
from tfwm.payload.message import Signature, to_bytes
from tfwm.payload.signal import llr_scale, needed_snr, snr, snr_range
from tfwm.payload.signpost import pack_name

# Chance rarely reaches this pilot score; below it, no signpost is looked for.
SIGNPOST_SCORE = 4.0
# A frame is not tried below this share of the SNR that it needs.
HOPELESS = 0.5
# The right frame of a clear reading takes a few iterations.
QUICK_ITERATIONS = 12


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The message that `Codec.decode` read, and how sure it is.

    Args:
        message: `str`, `bytes`, `int` or `uuid.UUID`, as it was embedded.
        kind: `"text"`, `"bytes"`, `"int"` or `"uuid"`.
        bit_confidence: `(8 * bytes,)` float64, for each bit of the message's data the
            probability that it is right, 0.5 to 1, by belief propagation alone, that is before
            the tag confirmed all of them.
        corrected_errors: number of code bits whose vote had the wrong sign.
        tag_p_value: upper bound on the probability that an unmarked photo, or another key,
            gives a message with a tag that fits and votes that agree as well with it.
        bound: whether the tag says that the mark is bound to its photo.
    """

    message: str | bytes | int | uuid.UUID
    kind: str
    bit_confidence: np.ndarray
    corrected_errors: int
    tag_p_value: float
    bound: bool = False


class Codec:
    """Turns messages into the bits of a network's slots, and votes back into messages.

    A message becomes a frame (kind, length, data, authentication tag), the frame a codeword of
    an error-correcting code that fills all slots, and the key whitens the codeword and spreads
    it over the slots. A quarter of the slots are pilots: bits that the key alone fixes,
    half of them 1, for finding the mark and for evidence. Nobody has to remember a size: a
    reader tries all sizes of frames, which are few.

    Slots that a `SignpostCodec` reads a public signpost from do not count as votes: they were
    given to it when the photo was marked. Nor do, in marks that are bound to their photo, 96 slots
    that the key names: their signs follow from the photo (`tfwm.marking.binding`). Then the tag is
    another one.

    | slots | pilots | sizes of frames, in bytes of data | tag |
    |---|---|---|---|
    | 192 and more | a quarter | 4, 8, 16, 24, 32, 48, 64 as they fit | 32 bits |
    | 1,011 and more, public key | a quarter | 72, of signatures only | 16 bits |
    | 46 to 191 | none | 2, 4, 7, 11 as they fit | 32 bits |

    A frame may take up to 72 % of the code bits. A frame that is too large with a tag of 32 bits
    has a tag of 24 bits; if it is still too large, it has 16 bits and may take up to 77 %.

    Args:
        slots: number of bits that the network carries, 46 or more.
        key: `Key`, or the text or bytes of one; `None` is the public key.
        bound: whether `encode` makes marks that are bound to their photo. Reading takes both.

    Attributes:
        frames: the sizes of frames that fit, each a `Frame`.
        bound_places: the slots that may be bound to the photo; none with the public key.
        pilot: `(slots,)` float32, +1 or -1 where the key fixes a bit to 1 or 0, else 0.

    Example:

    >>> codec = Codec(1024, Key("secret"))
    >>> bits = codec.encode("(c) 2026 Ada Lovelace")
    >>> codec.decode(bits - 0.5).message
    '(c) 2026 Ada Lovelace'
    """

    def __init__(self, slots, key=None, bound=False):
        what = f"at least 46 slots for a message, and {MOST_SLOTS} at most"
        self.slots = check_number("slots", slots, 46, MOST_SLOTS, what, kind=int)
        self.key = key if isinstance(key, Key) else Key(key)
        self.frames = frames_of(self.slots, self.key.is_public)
        self._signpost = _signpost_codec(self.slots) if self.slots >= SHARED_SLOTS else None
        self._pilots, self._places, self._whitening, self.pilot = layout(self.slots, self.key)
        self.bound_places = bound_places(self.slots, self.key)
        self.bound = bound and len(self.bound_places) > 0

    @property
    def max_bytes(self):
        """Largest number of bytes of a message that is no signature."""
        return max(frame.size for frame in self.frames if "bytes" in frame.kinds)

    def encode(self, message, kind=None, bound=None):
        """Returns the bits of all slots, `(slots,)` uint8 of 0 and 1.

        Args:
            message: `str`, `bytes`, an integer of at least 0 or `uuid.UUID`, of up to
                `max_bytes` bytes; or a `Signature`.
            kind: see `tfwm.payload.to_bytes`.
            bound: whether the mark is bound to its photo; by default as this codec's are.

        Raises:
            ValueError: `message` is not a message, or does not fit.
        """
        kind, data = to_bytes(message, kind)
        frame = self._frame(kind, len(data))
        code = self._code(frame)
        packed = frame.pack(kind, data, self.key, self.bound if bound is None else bound)
        bits = (self.pilot > 0).astype(np.uint8)
        bits[self._places] = code.encode(packed) ^ self._whitening
        return bits

    def signs(self, message, kind=None, bound=None):
        """Returns the signs `(slots,)` of the bits, 0 where the photo decides; see `encode`."""
        signs = 2.0 * self.encode(message, kind, bound) - 1
        return self.without_bound(signs) if (self.bound if bound is None else bound) else signs

    def decode(self, votes, thorough=True):
        """Reads the message; returns `None` if no tag fits.

        Sizes of frames that need far more signal than the pilots show are not tried, so an
        unmarked photo takes almost no time.

        Args:
            votes: `(slots,)`, log-likelihood ratios up to a factor, positive for a 1, or any
                numbers where a larger one is surer; 0 for a slot that was not seen.
            thorough: also guess bits where plain decoding fails. This takes about ten times as
                long then, and reads at about 4 % less signal.

        Returns:
            `Decoded` or `None`.
        """
        votes = self._votes(votes)
        tries = 0
        for bound in (True, False) if len(self.bound_places) else (False,):
            read = self.without_bound(votes) if bound else votes
            found, tries = self._decode(read, bound, thorough, tries)
            if found:
                return found
        return None

    def bound_bits(self, numbers, values):
        """Returns the bits that the key gives to bound slots where content has certain values.

        Args:
            numbers: of the slots among `bound_places`.
            values: of the content, below `2 ** CONTENT_BITS`.

        Returns:
            uint8 of 0 and 1, of the same shape.
        """
        entries = np.asarray(numbers) << CONTENT_BITS | values
        return self.bound_answers[entries >> 3] >> (entries & 7) & 1

    @functools.cached_property
    def bound_answers(self):
        """What `bound_bits` gives, a bit for each value of each slot, `(bytes,)` uint8."""
        size = BOUND_SLOTS << CONTENT_BITS - 3
        return np.frombuffer(self.key.stream("bound", size), np.uint8)

    def without_bound(self, votes):
        """Returns votes or signs with 0 in the slots that may be bound to the photo."""
        votes = votes.copy()
        votes[self.bound_places] = 0
        return votes

    def _decode(self, votes, bound, thorough, tries):
        """The message of one format or `None`, and how many tags were compared so far."""
        signed = votes[self._places] * (1.0 - 2.0 * self._whitening)
        if not signed.any():
            return None, tries
        signed /= math.sqrt(np.mean(signed[signed != 0] ** 2))
        for frame, result in self._results(votes, signed, thorough):
            bits, llr, converged = result
            tries += converged
            found = frame.unpack(bits, self.key, bound) if converged else None
            if found:
                break
        else:
            return None, tries
        message, kind, data = found
        agreement = signed * (2.0 * self._code(frame).encode(bits) - 1)
        start = frame.header_bits
        message_bits = frame.bits - frame.tag_bits
        decoded = Decoded(
            message=message,
            kind=kind,
            bit_confidence=1 / (1 + np.exp(-np.abs(llr[start : start + 8 * len(data)]))),
            corrected_errors=int(np.count_nonzero(agreement < 0)),
            tag_p_value=message_p_value(agreement, message_bits, frame.tag_bits, tries),
            bound=bound,
        )
        return decoded, tries

    def known_signs(self, votes, message, kind=None, bound=None):
        """Returns the signs of a message in the slots it was read from, else 0; see `margin`."""
        return np.where(self._votes(votes) == 0, 0.0, self.signs(message, kind, bound))

    def pilot_score(self, votes):
        """Standardized correlation of votes with the pilots (`evidence.pilot_score`).

        Returns 0 if there are too few slots for pilots.
        """
        return pilot_score(self.pilot[self._pilots], self._votes(votes)[self._pilots])

    def p_value(self, score, trials=1):
        """Returns the chance of such a pilot score without a mark, or with another key.

        Args:
            score: the largest `pilot_score` of all readings that were tried.
            trials: how many were tried.

        Returns:
            0 to 1; 1 if there are no pilots. Then `Decoded.tag_p_value` is the only evidence.
        """
        return normal_p_value(score, trials) if len(self._pilots) else 1.0

    def margin(self, votes, message, kind=None, bound=None):
        """Returns how far the reading of a known message is from failing.

        The signal-to-noise ratio of the votes, divided by the ratio at which one frame of this
        size in a thousand is lost with as many code bits as were seen; 0 if these are no more
        than the frame's bits. Above 1 the message reads; 2 leaves 3 dB for later changes.

        Args:
            votes: see `decode`.
            message: see `encode`, also for `kind`.
            bound: see `encode`.
        """
        signs = self.known_signs(votes, message, kind, bound)
        kind, data = to_bytes(message, kind)
        frame = self._frame(kind, len(data))
        agreement = np.asarray(votes, np.float64) * signs
        seen = int(np.count_nonzero(signs[self._places]))
        if seen <= frame.bits:
            return 0.0
        return float(snr(agreement) / needed_snr(frame.bits, seen))

    def _frame(self, kind, size):
        for frame in self.frames:
            if size <= frame.size and kind in frame.kinds:
                return frame
        if kind == "signature":
            raise ValueError(
                "A signature is for everybody, and long: leave out the key, and take a network "
                f"with 1,024 bits, such as photo. Received: {self.slots} bits and "
                + ("no key." if self.key.is_public else "a key.")
            )
        raise ValueError(
            f"The message takes {size} bytes, but at most {self.max_bytes} bytes fit "
            f"{self.slots} slots: shorten it."
        )

    def _results(self, votes, signed, thorough):
        """Yields frames and what their codes read, the cheapest tries first."""
        pilots = (self.pilot * votes)[self._pilots]
        lowest, highest = snr_range(pilots, share=np.mean(signed != 0))
        likely = []
        for frame in self.frames:
            needed = needed_snr(frame.bits, len(signed))
            if highest > HOPELESS * needed:
                likely.append((frame, needed, llr_scale(pilots, needed) * signed))
        results = {}
        for iterations in (QUICK_ITERATIONS, ITERATIONS):
            for frame, _, llr in likely:
                results[frame] = self._code(frame).decode(llr, iterations)
                yield frame, results[frame]
        for frame, needed, llr in likely:
            if thorough and lowest < needed:
                for result in self._code(frame).guesses(llr, results[frame][1]):
                    yield frame, result

    def _code(self, frame):
        return code_of(frame.bits, len(self._places))

    def _votes(self, votes):
        try:
            votes = np.asarray(votes, np.float64)
        except (TypeError, ValueError, OverflowError):
            votes = np.full(1, np.nan)
        if votes.shape != (self.slots,) or not np.isfinite(votes).all():
            raise ValueError(
                f"Expected {self.slots} finite votes. Received: shape {votes.shape}"
                + (", not all finite" if votes.shape == (self.slots,) else "")
            )
        return votes if self._signpost is None else self._signpost.without(votes)


class SignpostCodec:
    """The part of a network's slots that says, to everybody, whom to ask about the photo.

    A second mark on top erases the first, so both share one: three in eight slots, always the
    same, carry the signpost as a message of the public key, the others the message as ever.
    It has what `tfwm.marking.Reader` and `Judge` need of a `Codec`.

    Args:
        slots: number of bits that the network carries, 512 or more.

    Attributes:
        places: the slots of the signpost.
        pilot: as of a `Codec`, 0 outside of these.

    Example:

    >>> codec, public = Codec(1024, "secret"), SignpostCodec(1024)
    >>> votes = public.put(codec.encode("Ada"), b"ask me") - 0.5
    >>> public.decode(votes).message, codec.decode(votes).message
    (b'ask me', 'Ada')
    """

    def __init__(self, slots):
        what = f"at least {SHARED_SLOTS} slots for a signpost"
        self.slots = check_number("slots", slots, SHARED_SLOTS, MOST_SLOTS, what, kind=int)
        self.places = signpost_places(slots)
        self._codec = Codec(len(self.places))
        self._codec._signpost = None
        self.key = self._codec.key
        self.pilot = np.zeros(slots, np.float32)
        self.pilot[self.places] = self._codec.pilot

    @property
    def max_bytes(self):
        """Largest number of bytes of a signpost."""
        return self._codec.max_bytes

    def put(self, bits, message):
        """Returns the bits of all slots `(slots,)` with a signpost in its own."""
        bits = bits.copy()
        bits[self.places] = self._codec.encode(message)
        return bits

    def without(self, votes):
        """Returns votes with 0 in the slots of a signpost, if they carry one."""
        if self.pilot_score(votes) < SIGNPOST_SCORE or self.decode(votes, thorough=False) is None:
            return votes
        votes = votes.copy()
        votes[self.places] = 0
        return votes

    def decode(self, votes, thorough=True):
        """Reads the signpost; see `Codec.decode`."""
        return self._codec.decode(votes[self.places], thorough)

    def pilot_score(self, votes):
        """See `Codec.pilot_score`."""
        return self._codec.pilot_score(votes[self.places])

    def p_value(self, score, trials=1):
        """See `Codec.p_value`."""
        return self._codec.p_value(score, trials)

    def margin(self, votes, message, kind=None, bound=False):
        """See `Codec.margin`."""
        return self._codec.margin(votes[self.places], message, kind)


def encode_slots(codec, message, signpost=None):
    """Returns the bits of all slots, `(slots,)` uint8, for a message and the host to ask.

    Args:
        codec: `Codec`.
        message: see `Codec.encode`.
        signpost: name of the host, see `pack_name`; `None` leaves all slots to the message.
    """
    bits = codec.encode(message)
    if signpost is not None and isinstance(message, Signature):
        raise ValueError(
            "A signature fills the mark: leave out the signpost, or give a message instead."
        )
    return bits if signpost is None else SignpostCodec(len(bits)).put(bits, pack_name(signpost))


@functools.lru_cache(maxsize=8)
def _signpost_codec(slots):
    return SignpostCodec(slots)
