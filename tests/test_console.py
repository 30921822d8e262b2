import io
import json
import sys

import pytest

from tfwm.console import any_text, in_one_line, printable, say, say_json, tell, tell_json

STEERING = (
    "\x00\x07\x1b\x7f\x85\x9b\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\ufeff\udcff\ue000"
)
PLAIN = "a ä\u00a0\u3000阿达 e\u0301 \U0001f469\u200d\U0001f4bb می\u200cخواهم"


@pytest.fixture
def stream(monkeypatch):
    def make(encoding, name="stdout", errors="strict"):
        text = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors, newline="")
        monkeypatch.setattr(sys, name, text)
        return text

    return make


def written(text):
    text.flush()
    return text.buffer.getvalue()


def test_what_steers_a_terminal_is_escaped_and_letters_are_not():
    for character in STEERING:
        assert printable(f"a{character}b").isascii() and character not in printable(character)
    assert printable(PLAIN) == PLAIN and printable("a\n\tb") == "a\n\tb"
    assert in_one_line("a\n\tb\x1b") == "a\\n\\tb\\x1b"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "gbk", "utf-8"])
def test_every_console_gets_every_text(stream, encoding):
    out, err = stream(encoding), stream(encoding, "stderr")
    with any_text():
        say(PLAIN + STEERING)
        tell("note", PLAIN + STEERING)
    assert out.errors == err.errors == "strict"
    for text in (written(out), written(err)):
        text = text.decode(encoding)
        assert "\\x1b" in text and "\\u202e" in text and "\\udcff" in text and text.endswith("\n")
        assert not set(STEERING) & set(text)
        assert ("阿达" if encoding in ("gbk", "utf-8") else "\\u963f") in text


def test_posix_locale_gets_no_raw_bytes(stream):
    out = stream("utf-8", errors="surrogateescape")  # as Python opens stdout there
    with any_text():
        print("\udcff")
    assert written(out) == b"\\udcff\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_json_reads_back(stream, encoding):
    out = stream(encoding)
    values = {"name": PLAIN + STEERING, "emoji": "\U0001f469"}
    with any_text():
        say_json(json.dumps(values, ensure_ascii=False))
    text = written(out).decode(encoding)
    assert json.loads(text) == values and not set(STEERING) & set(text)
    assert ("阿达" in text) == (encoding in ("gbk", "utf-8"))


def test_no_console(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with any_text():
        say("a")
        tell("error", "b\nc")
    assert sys.stderr.getvalue() == "tfwm: error: b\\nc\n"


def test_a_line_of_json_is_one_line_whoever_reads_it(capsys, monkeypatch):
    tell_json({"path": "/a\n\x1b[2J", "status": 200})
    assert capsys.readouterr().err == '{"path": "/a\\n\\u001b[2J", "status": 200}\n'
    for gone in (None, open("/dev/full", "w")):
        monkeypatch.setattr("sys.stderr", gone)
        tell_json({"status": 200})
