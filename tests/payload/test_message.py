import json
import uuid

import numpy as np
import pytest

from tfwm.payload import to_bytes, to_plain
from tfwm.payload.message import from_bytes

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("message", "kind", "data"),
    [
        ("Ada", "text", b"Ada"),
        ("ü€😀", "text", "ü€😀".encode()),
        (b"\x00\xff", "bytes", b"\x00\xff"),
        (bytearray(b"ab"), "bytes", b"ab"),
        (0, "int", b"\x00"),
        (255, "int", b"\xff"),
        (256, "int", b"\x01\x00"),
        (np.uint16(256), "int", b"\x01\x00"),
        (2**64 - 1, "int", b"\xff" * 8),
        (ID, "uuid", ID.bytes),
    ],
)
def test_messages_become_bytes_and_back(message, kind, data):
    assert to_bytes(message) == (kind, data)
    assert to_bytes(message, kind) == (kind, data)
    assert from_bytes(kind, data) == message


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [("1000", "int", 1000), ("00ff", "bytes", b"\x00\xff"), (str(ID), "uuid", ID)],
)
def test_texts_stand_for_other_kinds(text, kind, message):
    assert to_bytes(text, kind) == to_bytes(message)


@pytest.mark.parametrize(
    ("message", "kind", "error"),
    [
        ("", None, "at least one character or byte"),
        (b"", None, "at least one character or byte"),
        (-1, None, "at least 0. Received: -1"),
        (1.5, None, "Received: 1.5 of type float"),
        (True, None, "type bool"),
        (None, None, "type NoneType"),
        ("a", "string", "one of"),
        (b"a", "text", "kind 'text'. Received: a bytes"),
        ("ten", "int", "Expected digits"),
        ("xyz", "bytes", "Expected hexadecimal digits"),
        ("1234", "uuid", "Expected a UUID"),
    ],
)
def test_rejects_what_is_no_message(message, kind, error):
    with pytest.raises(ValueError, match=error) as caught:
        to_bytes(message, kind)
    assert "\n" not in str(caught.value)


def test_bytes_that_no_message_has_give_none():
    assert from_bytes("text", b"\xff") is None
    assert from_bytes("int", b"\x00\x01") is None
    assert from_bytes("uuid", b"short") is None


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (memoryview(b"abcd"), "61626364"),
        (bytearray(b"abcd"), "61626364"),
        (np.int64(5), 5),
        (uuid.UUID(int=9), str(uuid.UUID(int=9))),
        ("text", "text"),
    ],
)
def test_every_message_is_plain_for_json(message, plain):
    assert json.loads(json.dumps(to_plain(message))) == plain
