"""Messages into the bits of all slots, and votes back into messages."""

import dataclasses
import functools
import math
import uuid

import numpy as np

from tfwm.checks import check_number
from tfwm.keys import Key
from tfwm.payload.code import ITERATIONS, Code
from tfwm.payload.evidence import message_p_value, normal_p_value, pilot_score
from tfwm.payload.frame import Frame
from tfwm.payload.message import to_bytes
from tfwm.payload.signal import llr_scale, needed_snr, snr, snr_range
from tfwm.payload.signpost import pack_name

# All of this is part of the format of marked photos.
SIZES = (4, 8, 16, 24, 32, 48, 64)
SMALL_SIZES = (2, 4, 7, 11)
PILOT_SLOTS = 192
TAG_BITS = (32, 24, 16)
COMFORTABLE_RATE = 0.72
HIGHEST_RATE = 0.77
MOST_SLOTS = 1 << 16
# Of so many slots or more, three in eight may carry a public signpost instead of the message.
SHARED_SLOTS = 512
SIGNPOST_SHARE = 3, 8

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
    """

    message: str | bytes | int | uuid.UUID
    kind: str
    bit_confidence: np.ndarray
    corrected_errors: int
    tag_p_value: float


class Codec:
    """Turns messages into the bits of a network's slots, and votes back into messages.

    A message becomes a frame (kind, length, data, authentication tag), the frame a codeword of
    an error-correcting code that fills all slots, and the key whitens the codeword and spreads
    it over the slots. A quarter of the slots are pilots: bits that the key alone fixes,
    half of them 1, for finding the mark and for evidence. Nobody has to remember a size: a
    reader tries all sizes of frames, which are few.

    Slots that a `SignpostCodec` reads a public signpost from do not count as votes: they were
    given to it when the photo was marked.

    | slots | pilots | sizes of frames, in bytes of data | tag |
    |---|---|---|---|
    | 192 and more | a quarter | 4, 8, 16, 24, 32, 48, 64 as they fit | 32 bits |
    | 46 to 191 | none | 2, 4, 7, 11 as they fit | 32 bits |

    A frame may take up to 72 % of the code bits. A frame that is too large with a tag of 32 bits
    has a tag of 24 bits; if it is still too large, it has 16 bits and may take up to 77 %.

    Args:
        slots: number of bits that the network carries, 46 or more.
        key: `Key`, or the text or bytes of one; `None` is the public key.

    Attributes:
        frames: the sizes of frames that fit, each a `Frame`.
        pilot: `(slots,)` float32, +1 or -1 where the key fixes a bit to 1 or 0, else 0.

    Example:

    >>> codec = Codec(1024, Key("secret"))
    >>> bits = codec.encode("(c) 2026 Ada Lovelace")
    >>> codec.decode(bits - 0.5).message
    '(c) 2026 Ada Lovelace'
    """

    def __init__(self, slots, key=None):
        what = f"at least 46 slots for a message, and {MOST_SLOTS} at most"
        self.slots = check_number("slots", slots, 46, MOST_SLOTS, what, kind=int)
        self.key = key if isinstance(key, Key) else Key(key)
        self.frames = _frames(self.slots)
        self._signpost = _signpost_codec(self.slots) if self.slots >= SHARED_SLOTS else None
        self._pilots, self._places, self._whitening, self.pilot = _layout(self.slots, self.key)

    @property
    def max_bytes(self):
        """Largest number of bytes of a message."""
        return self.frames[-1].size

    def encode(self, message, kind=None):
        """Returns the bits of all slots, `(slots,)` uint8 of 0 and 1.

        Args:
            message: `str`, `bytes`, an integer of at least 0 or `uuid.UUID`, of up to
                `max_bytes` bytes.
            kind: see `tfwm.payload.to_bytes`.

        Raises:
            ValueError: `message` is not a message, or does not fit.
        """
        kind, data = to_bytes(message, kind)
        frame = self._frame(len(data))
        code = self._code(frame)
        bits = (self.pilot > 0).astype(np.uint8)
        bits[self._places] = code.encode(frame.pack(kind, data, self.key)) ^ self._whitening
        return bits

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
        signed = votes[self._places] * (1.0 - 2.0 * self._whitening)
        if not signed.any():
            return None
        signed /= math.sqrt(np.mean(signed[signed != 0] ** 2))
        tries = 0
        for frame, result in self._results(votes, signed, thorough):
            bits, llr, converged = result
            tries += converged
            found = frame.unpack(bits, self.key) if converged else None
            if found:
                break
        else:
            return None
        message, kind, data = found
        agreement = signed * (2.0 * self._code(frame).encode(bits) - 1)
        start = frame.header_bits
        message_bits = frame.bits - frame.tag_bits
        return Decoded(
            message=message,
            kind=kind,
            bit_confidence=1 / (1 + np.exp(-np.abs(llr[start : start + 8 * len(data)]))),
            corrected_errors=int(np.count_nonzero(agreement < 0)),
            tag_p_value=message_p_value(agreement, message_bits, frame.tag_bits, tries),
        )

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

    def margin(self, votes, message, kind=None):
        """Returns how far the reading of a known message is from failing.

        The signal-to-noise ratio of the votes, divided by the ratio at which one frame of this
        size in a thousand is lost with as many code bits as were seen; 0 if these are no more
        than the frame's bits. Above 1 the message reads; 2 leaves 3 dB for later changes.
        """
        votes = self._votes(votes)
        frame = self._frame(len(to_bytes(message, kind)[1]))
        agreement = votes * (2.0 * self.encode(message, kind) - 1)
        seen = int(np.count_nonzero(votes[self._places]))
        if seen <= frame.bits:
            return 0.0
        return float(snr(agreement) / needed_snr(frame.bits, seen))

    def _frame(self, size):
        for frame in self.frames:
            if size <= frame.size:
                return frame
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
        return _code(frame.bits, len(self._places))

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
        share, of = SIGNPOST_SHARE
        public = Key(None)
        self.places = np.sort(public.permutation(f"signpost {slots}", slots)[: slots * share // of])
        self._codec = Codec(len(self.places), public)
        self._codec._signpost = None
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

    def margin(self, votes, message, kind=None):
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
    return bits if signpost is None else SignpostCodec(len(bits)).put(bits, pack_name(signpost))


@functools.lru_cache(maxsize=8)
def _signpost_codec(slots):
    return SignpostCodec(slots)


def _pilot_count(slots):
    return slots // 8 * 2 if slots >= PILOT_SLOTS else 0


@functools.lru_cache(maxsize=16)
def _frames(slots):
    length = slots - _pilot_count(slots)
    frames, smallest = [], 1
    for size in SIZES if slots >= PILOT_SLOTS else SMALL_SIZES:
        for tag_bits in TAG_BITS:
            frame = Frame(size, smallest, tag_bits)
            rate = HIGHEST_RATE if tag_bits == TAG_BITS[-1] else COMFORTABLE_RATE
            if frame.bits <= rate * length:
                frames.append(frame)
                break
        smallest = size + 1
    return tuple(frames)


@functools.lru_cache(maxsize=64)
def _code(information_bits, length):
    return Code(information_bits, length)


@functools.lru_cache(maxsize=32)
def _layout(slots, key):
    """Pilot slots, code slots in order, whitening of the code bits, and the pilot."""
    order = key.permutation(f"places {slots}", slots)
    pilots, places = np.split(order, [_pilot_count(slots)])
    pilot = np.zeros(slots, np.float32)
    pilot[pilots] = np.repeat([1, -1], len(pilots) // 2)
    whitening = key.bits(f"whitening {slots}", len(places))
    for array in (pilots, places, whitening, pilot):
        array.setflags(write=False)
    return pilots, places, whitening, pilot
