import numpy as np
import pytest

from tfwm.payload import Codec, SignpostCodec, pack_name, unpack_name

SLOTS = 1024
NAMES = ["a", "tfwm.org", "c2pa.example.org", "localhost:8766", "a" * 24, "0-0"]
NOT_NAMES = [None, "", "https://a.org", "a b", "a.", "-a", "ü.de", "a:", "a:999999", "a" * 25, 3]


@pytest.fixture(scope="module")
def public():
    return SignpostCodec(SLOTS)


def noisy(bits, amplitude, seed=0):
    return amplitude * (2.0 * bits - 1) + np.random.default_rng(seed).standard_normal(len(bits))


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back(name):
    assert unpack_name(pack_name(name)) == name
    assert len(pack_name(name)) == 2 * -(-len(name) // 3)


@pytest.mark.parametrize("name", NOT_NAMES, ids=repr)
def test_what_is_no_name_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match="Expected the name of a host") as error:
        pack_name(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [None, "text", b"", b"a", b"\xff\xff", b"\x00\x00", 7])
def test_bytes_without_a_name(data):
    assert unpack_name(data) is None


def test_capitals_do_not_count():
    assert pack_name("TFWM.org") == pack_name("tfwm.org")


@pytest.mark.parametrize("secret", [None, "secret"])
def test_message_and_signpost_lie_side_by_side(public, secret):
    codec = Codec(SLOTS, secret)
    votes = noisy(public.put(codec.encode(12345678), pack_name("tfwm.org")), 2.0)
    assert codec.decode(votes).message == 12345678
    assert unpack_name(public.decode(votes).message) == "tfwm.org"
    assert codec.margin(votes, 12345678) > 2 and public.margin(votes, pack_name("tfwm.org")) > 2
    assert codec.p_value(codec.pilot_score(votes)) < 1e-12
    assert public.p_value(public.pilot_score(votes)) < 1e-12


def test_slots_of_the_signpost_do_not_count_for_the_message(public):
    codec = Codec(SLOTS, "secret")
    bits = public.put(codec.encode(1), pack_name("tfwm.org"))
    left_out = np.where(public.pilot != 0, 0, 2.0 * bits - 1)
    left_out[public.places] = 0
    assert codec.margin(2.0 * bits - 1, 1) == codec.margin(left_out, 1)


def test_votes_without_a_signpost_stay_as_they_are(public):
    for number in range(12):
        votes = noisy(Codec(SLOTS, f"key {number}").encode("Ada"), number % 3, number)
        assert public.without(votes) is votes and public.decode(votes) is None


def test_another_key_reads_nothing_beside_a_signpost(public):
    votes = noisy(public.put(Codec(SLOTS, "secret").encode("Ada"), pack_name("a.org")), 2.0)
    assert Codec(SLOTS, "other").decode(votes) is None


def test_few_slots_carry_none():
    with pytest.raises(ValueError, match="at least 512 slots for a signpost"):
        SignpostCodec(511)
    assert Codec(511, "secret").decode(2.0 * Codec(511, "secret").encode("Ada") - 1).message
