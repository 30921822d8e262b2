import time
import uuid

import numpy as np
import pytest
from scipy import stats

from tfwm.payload import Codec, Key

KEY = Key("a secret")
SLOTS = 1024
MESSAGES = [
    "A",
    "Ada L.",
    "(c) 2026 Ada Lovelace",
    "© Łukasz 😀",
    "x" * 64,
    "ü" * 32,
    b"\x00",
    b"\x00" * 8,
    bytes(range(48)),
    0,
    2**32,
    2**64 - 1,
    2**512 - 1,
    uuid.UUID(int=2**100 + 7),
]


@pytest.fixture(scope="module")
def codec():
    return Codec(SLOTS, KEY)


def noisy(codec, message, amplitude, seed):
    noise = np.random.default_rng(seed).standard_normal(codec.slots)
    return amplitude * (2.0 * codec.encode(message) - 1) + noise


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: repr(message)[:20])
def test_messages_come_back_as_they_were(codec, message):
    bits = codec.encode(message)
    assert bits.shape == (SLOTS,) and bits.dtype == np.uint8 and bits.max() == 1
    decoded = codec.decode(6.0 * bits - 3)
    assert decoded.message == message and type(decoded.message) is type(message)
    assert decoded.corrected_errors == 0
    assert decoded.tag_p_value < 2**-32
    assert (decoded.bit_confidence > 0.99).all() and (decoded.bit_confidence <= 1).all()


@pytest.mark.parametrize("slots", [46, 64, 100, 191, 192, 256, 1000, 2048])
def test_every_size_of_frame_fits_any_number_of_slots(slots):
    codec = Codec(slots, KEY)
    assert codec.max_bytes == codec.frames[-1].size
    for frame in codec.frames:
        for length in (frame.smallest, frame.size):
            data = bytes(range(1, length + 1))
            decoded = codec.decode(2.0 * codec.encode(data) - 1)
            assert decoded.message == data
            assert len(decoded.bit_confidence) == 8 * length
            assert decoded.tag_p_value < 1e-6


def test_a_hundred_slots_carry_seven_bytes():
    assert Codec(100, KEY).max_bytes == 7
    assert Codec(256, KEY).max_bytes == 8
    assert Codec(1024, KEY).max_bytes == 64


def test_kind_of_a_text_can_be_told(codec):
    assert codec.decode(codec.encode("1234", "int") - 0.5).message == 1234
    assert np.array_equal(codec.encode("00ff", "bytes"), codec.encode(b"\x00\xff"))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("x" * 65, "takes 65 bytes, but at most 64 bytes fit 1024 slots"),
        ("ü" * 33, "takes 66 bytes"),
        (2**512, "takes 65 bytes"),
        ("", "at least one character"),
        (-5, "at least 0"),
        (1.0, "type str, bytes, int or uuid.UUID"),
    ],
)
def test_says_in_a_line_what_is_wrong_with_a_message(codec, message, error):
    with pytest.raises(ValueError, match=error) as caught:
        codec.encode(message)
    assert "\n" not in str(caught.value)


def test_says_what_is_wrong_with_slots_and_votes(codec):
    with pytest.raises(ValueError, match="at least 46 slots.*slots=30"):
        Codec(30, KEY)
    with pytest.raises(ValueError, match="Expected 1024 finite votes"):
        codec.decode(np.zeros(10))
    with pytest.raises(ValueError, match="not all finite"):
        codec.pilot_score(np.full(SLOTS, np.nan))


def test_pilot_is_a_balanced_quarter_that_bits_follow(codec):
    assert codec.pilot.shape == (SLOTS,) and codec.pilot.dtype == np.float32
    assert (codec.pilot == 1).sum() == (codec.pilot == -1).sum() == 128
    for message in ("Ada", "Grace"):
        signs = 2 * codec.encode(message).astype(int) - 1
        assert (signs * codec.pilot)[codec.pilot != 0].min() == 1
    assert not np.array_equal(codec.pilot, Codec(SLOTS, Key("b")).pilot)
    with pytest.raises(ValueError, match="read-only"):
        codec.pilot[0] = 5


def test_few_slots_have_no_pilot_and_claim_nothing_from_it():
    codec = Codec(100, KEY)
    assert not codec.pilot.any()
    assert codec.pilot_score(np.arange(100.0)) == 0
    assert codec.p_value(0.0) == 1


def test_bits_are_fixed_for_ever(codec):
    assert np.packbits(codec.encode("golden")).tobytes().hex() == (
        "668bcffd4fbf640da78208e9f1f450982a1896c4f61cddfcb47da3d229807d8374e07aeeaec16574"
        "29d44129a649eecd7d4b21e4364044b8638c7b5358930b7c958603fa8de136daf7a1c01806737d2a"
        "b9af64776e859717d3637776305a850c39a3bb66adf7da2db1d11e63989d49574edfac9d702423cb"
        "15e325b974d8933f"
    )
    assert np.packbits(Codec(100).encode(7)).tobytes().hex() == "6614446adfa29381ddefc3eb00"


def test_codewords_of_two_messages_or_keys_have_nothing_in_common(codec):
    bits = codec.encode("first message")
    code = codec.pilot == 0
    other = codec.encode("other message")
    assert 0.3 < np.mean(bits[code] == other[code]) < 0.7
    assert 0.4 < np.mean(bits == Codec(SLOTS, Key("b")).encode("first message")) < 0.6
    assert 0.4 < bits[code].mean() < 0.6


def test_wrong_key_reads_nothing(codec):
    bits = codec.encode("Ada Lovelace")
    for secret in ("b", "A secret", None):
        other = Codec(SLOTS, Key(secret))
        assert other.decode(bits - 0.5) is None
        assert abs(other.pilot_score(bits - 0.5)) < 4
    assert Codec(100, Key("b")).decode(Codec(100, KEY).encode("Ada") - 0.5) is None


def test_tag_rejects_a_codeword_of_other_data(codec):
    """A forger who knows code, places and whitening still lacks the tag."""
    frame = codec._frame("text", 3)
    right = frame.pack("text", b"Ada", KEY)
    forged = frame.pack("text", b"Eve", Key("forger"))
    forged[-32:] = right[-32:]
    bits = codec.encode("Ada")
    bits[codec._places] ^= codec._code(frame).encode(right ^ forged)
    assert codec.decode(bits - 0.5) is None


@pytest.mark.parametrize(
    ("message", "amplitude"), [("Ada", 0.56), (2**64 - 1, 0.66), ("x" * 32, 1.3), ("x" * 64, 2.3)]
)
def test_reads_through_noise(codec, message, amplitude):
    for seed in range(8):
        decoded = codec.decode(40 * noisy(codec, message, amplitude, seed))
        assert decoded is not None and decoded.message == message, seed
        assert decoded.corrected_errors > 0
        assert decoded.tag_p_value < 1e-9


def test_guesses_read_some_more(codec):
    plain = full = 0
    for seed in range(12):
        votes = noisy(codec, 2**64 - 1, 0.52, seed)
        plain += codec.decode(votes, thorough=False) is not None
        full += codec.decode(votes) is not None
    assert 1 <= plain < full


def test_corrected_errors_count_the_wrong_signs(codec):
    bits = codec.encode("Ada")
    votes = 2.0 * bits - 1
    wrong = np.random.default_rng(0).permutation(np.flatnonzero(codec.pilot == 0))[:60]
    votes[wrong] *= -1
    decoded = codec.decode(votes)
    assert decoded.message == "Ada" and decoded.corrected_errors == 60


def test_reads_with_two_thirds_of_the_slots_unseen(codec):
    votes = 2.0 * codec.encode(2**64 - 1) - 1
    votes[np.random.default_rng(0).permutation(SLOTS)[:680]] = 0
    assert codec.decode(votes).message == 2**64 - 1


def test_nothing_seen_is_nothing_read(codec):
    assert codec.decode(np.zeros(SLOTS)) is None
    assert codec.pilot_score(np.zeros(SLOTS)) == 0


def test_bit_confidence_tells_sure_from_unsure(codec):
    clear = codec.decode(noisy(codec, "Ada", 2.0, 0)).bit_confidence
    faint = codec.decode(noisy(codec, "Ada", 0.6, 0)).bit_confidence
    assert clear.mean() > faint.mean() and faint.min() >= 0.5


def uniformity(scores_to_p):
    return stats.kstest(scores_to_p, "uniform").pvalue


@pytest.mark.parametrize("votes", ["normal", "signs", "heavy", "saturated", "erased"])
def test_p_values_without_a_mark_are_uniform(votes):
    """For fixed votes and many keys, as for a photo and whoever has another key."""
    rng = np.random.default_rng(1)
    values = {
        "normal": rng.standard_normal(SLOTS),
        "signs": np.sign(rng.standard_normal(SLOTS) + 1),
        "heavy": rng.standard_t(3, SLOTS),
        "saturated": 5 + np.cumsum(rng.standard_normal(SLOTS)),
        "erased": rng.standard_normal(SLOTS) * (rng.random(SLOTS) < 0.3),
    }[votes]
    p_values = []
    for _ in range(2000):
        # What `_layout` makes of a key, without scrypt's 50 ms.
        codec = Codec(SLOTS, FastKey(rng.bytes(16)))
        p_values.append(codec.p_value(codec.pilot_score(values)))
    assert uniformity(p_values) > 1e-3


class FastKey(Key):
    def __init__(self, root):
        self.is_public = False
        self._root = root


def test_p_values_of_marks_under_other_keys_are_uniform(codec):
    bits = codec.encode("Ada") - 0.5
    rng = np.random.default_rng(2)
    codecs = [Codec(SLOTS, FastKey(rng.bytes(16))) for _ in range(2000)]
    assert uniformity([c.p_value(c.pilot_score(bits)) for c in codecs]) > 1e-3


def test_unmarked_votes_are_read_as_nothing_and_fast(codec):
    rng = np.random.default_rng(3)
    readings = rng.standard_normal((300, SLOTS))
    codec.decode(readings[0])
    start = time.process_time()
    assert all(codec.decode(votes) is None for votes in readings)
    assert time.process_time() - start < 3


def test_small_frames_give_no_false_message():
    codec = Codec(64, KEY)
    rng = np.random.default_rng(4)
    found = [codec.decode(votes, thorough=False) for votes in rng.standard_normal((300, 64))]
    assert not any(found)


def test_margin_is_one_where_reading_starts_to_fail(codec):
    message = 2**64 - 1
    assert codec.margin(codec.encode(message) - 0.5, message) > 50
    margins = [codec.margin(noisy(codec, message, 0.6, seed), message) for seed in range(20)]
    assert 0.7 < np.mean(margins) < 1.3
    doubled = [codec.margin(noisy(codec, message, 0.85, seed), message) for seed in range(20)]
    assert np.mean(doubled) == pytest.approx(2 * np.mean(margins), rel=0.1)
    assert codec.margin(-noisy(codec, message, 0.6, 0), message) == 0
    half = noisy(codec, message, 0.85, 0)
    half[::2] = 0
    assert codec.margin(half, message) == pytest.approx(doubled[0] / 2, rel=0.25)


def test_no_margin_where_fewer_bits_are_seen_than_the_frame_has(codec):
    message = "x" * 16
    votes = codec.encode(message) - 0.5
    few = np.where(np.arange(codec.slots) % 8, 0, votes)
    assert codec.margin(few, message) == 0
    assert codec.decode(few) is None


def test_codecs_of_known_keys_cost_nothing(codec):
    start = time.process_time()
    for _ in range(100):
        Codec(SLOTS, Key("a secret"))
    assert time.process_time() - start < 0.5
