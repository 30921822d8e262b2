"""Photos from the standard input and to the standard output."""

import io
import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
from PIL import Image

from tfwm.images.kinds import kind_of

MESSAGE = "(c) 2026 Ada Lovelace"


def test_there_and_back(network, photo, monkeypatch, run):
    content = Path(photo).read_bytes()
    for file_format, kind in ((None, "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("keep", "JPEG")):
        chosen = ["--format", file_format] if file_format else []
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        buffer = io.BytesIO()
        with monkeypatch.context() as patch:
            stream = types.SimpleNamespace(
                buffer=buffer, isatty=lambda: False, flush=lambda: None, write=None
            )
            patch.setattr(sys, "stdout", stream)
            code, _, err = run("embed", "-", "-o", "-", "--message", MESSAGE, *chosen)
        marked = buffer.getvalue()
        assert (code, err) == (0, "") and kind_of(marked) == kind
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(marked)))
        assert run("extract", "-") == (0, f"{MESSAGE}\n", "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(marked)))
    result = json.loads(run("extract", "-", "--json")[1])
    assert (result["photo"], result["message"]) == ("-", MESSAGE)


def test_file_to_pipe_and_pipe_to_file(network, photo, monkeypatch, run, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(photo).read_bytes())))
    code, out, err = run("embed", "-", "-o", tmp_path / "a.png", "--message", MESSAGE)
    assert code == 0 and out.startswith(f"{tmp_path / 'a.png'}: ")
    assert run("extract", tmp_path / "a.png")[1] == f"{MESSAGE}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(photo).read_bytes())))
    assert run("embed", "-", "--check", "--message", MESSAGE)[1].startswith("-: yes, ")


def test_terminals_and_what_goes_alone(network, photo, monkeypatch, fails, tmp_path):
    tty = types.SimpleNamespace(isatty=lambda: True)
    for content, words in ((b"", "is empty (0 bytes)"), (b"text", "is not an image")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert words in fails("extract", "-")
    monkeypatch.setattr(sys, "stdin", tty)
    assert "reads a photo from the standard input" in fails("extract", "-")
    assert "goes alone" in fails("extract", "-", photo)
    assert "-o - takes one photo" in fails("embed", photo, photo, "-o", "-", "--message", "a")
    assert "-o - takes one photo" in fails("embed", tmp_path, "-o", "-", "--message", "a")
    assert "--json prints" in fails("embed", photo, "-o", "-", "--message", "a", "--json")
    assert "goes with a folder" in fails(
        "embed", photo, "-o", tmp_path / "a.png", "--message", "a", "--format", "jpg"
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "-o - writes a photo" in fails("embed", photo, "-o", "-", "--message", "a")


def test_pipe_as_a_photo_is_refused_at_once(network, photo, fails, tmp_path):
    os.mkfifo(tmp_path / "p.jpg")
    for arguments in (["extract"], ["embed", "-o", tmp_path / "o.png", "--message", "a"]):
        command, *rest = arguments
        assert "is a pipe: expected a file" in fails(command, tmp_path / "p.jpg", *rest)
    assert "is a pipe" in fails("extract", tmp_path / "p.jpg", photo)


def test_interrupt_while_it_waits_for_a_photo(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tfwm", "extract", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"tfwm: error: interrupted\n"
    finally:
        process.kill()


def test_key_files_may_be_pipes(network, photo, run, tmp_path):
    key = tmp_path / "key"
    read, write = os.pipe()
    os.write(write, b"secret\n")
    os.close(write)
    marked = tmp_path / "a.png"
    arguments = ["--message", MESSAGE, "--key-file", f"/dev/fd/{read}"]
    assert run("embed", photo, "-o", marked, *arguments)[0] == 0
    os.close(read)
    key.write_text("secret")
    assert run("extract", marked, "--key-file", key)[1] == f"{MESSAGE}\n"
    assert Image.open(marked).size == (451, 300)
