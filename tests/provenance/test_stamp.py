"""The message of a generated picture."""

import pytest

from tfwm.provenance import Stamp


def test_a_stamp_is_text_that_tells_its_parts():
    stamp = Stamp("acme/image", "2.1", "Zk3vT0aLq9w")
    assert stamp.message == "gen:acme/image/2.1/Zk3vT0aLq9w"
    assert Stamp.parse(stamp.message) == stamp


def test_ids_are_random_and_fit_a_small_frame():
    ids = {Stamp("acme-image", "2.1").id for _ in range(200)}
    assert len(ids) == 200 and {len(i) for i in ids} == {11}


# The first two were read as stamps: a date, and a copyright with an address.
MESSAGES = [
    *("2026/11/28", "(c) Ada/example.org/1", "acme/2.1/Zk3vT0aLq9w", "gen:a/b", "gen:"),
    *(None, 7, b"gen:a/b/c", "", "Ada", "gen://", "gen:a//c", "gen:a/b/\n", "Gen:a/b/c"),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_other_messages_are_no_stamps(message):
    assert Stamp.parse(message) is None


@pytest.mark.parametrize(
    "parts", [("", "1"), ("a", "1/2"), ("a", 2.1), ("a", "1", "x/y"), ("a\n", "1"), (None, "1")]
)
def test_parts_that_would_not_come_back_are_refused(parts):
    with pytest.raises(ValueError, match="Expected a (generator|version|id) of printable text"):
        Stamp(*parts)
