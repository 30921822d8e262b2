import uuid

import pytest

from tfwm.provenance import ALGORITHM, algorithm_of, from_value, network_of, to_value
from tfwm.provenance.binding import soft_binding

MESSAGES = "Ada", "é", b"\0\xff", 0, 2**63, uuid.UUID(int=7)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_value_gives_its_message_back(message):
    assert from_value(to_value(message)) == message


def test_messages_of_other_kinds_have_other_values():
    assert len({to_value(message) for message in ("1", b"1", 0x31)}) == 3


@pytest.mark.parametrize("value", ["", "*", "AA", "AA==", "/w==", "BAA=", "é", None, 7, "A" * 9])
def test_what_is_no_value_has_no_message(value):
    assert from_value(value) is None


def test_algorithms_name_their_network():
    assert algorithm_of("photo") == ALGORITHM == algorithm_of("/some/where/photo")
    assert network_of(ALGORITHM) == "photo"
    assert network_of("com.adobe.trustmark.P") is None and network_of(None) is None


def test_a_soft_binding_has_what_c2pa_asks_for():
    content = soft_binding(b"ada")
    assert content["alg"] == ALGORITHM
    (block,) = content["blocks"]
    assert block["value"] == "AWFkYQ==" and block["scope"]["region"]["region"]
