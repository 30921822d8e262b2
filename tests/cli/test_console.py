"""What commands print in consoles of every kind, in processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

SCRIPT = Path(__file__).with_name("run_checker.py")
MESSAGE = "© 阿达 \U0001f4f7"
KEY = "ключ"
CONSOLES = {
    "ascii": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
    "posix": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
}
STEERING = b"\x1b\x07\x9b"


def tfwm(console, *arguments, code=0, **options):
    result = subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, **CONSOLES[console]},
        capture_output=True,
        **options,
    )
    assert result.returncode == code and b"Traceback" not in result.stderr, result
    return result.stdout, result.stderr


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(data.chelsea()[:256, :256]).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize(
    "console",
    ["cp1252", *(pytest.param(c, marks=pytest.mark.slow) for c in CONSOLES if c != "cp1252")],
)
def test_every_console_gets_the_message(console, photo, tmp_path):
    marked = tmp_path / "mårked.png"
    out, err = tfwm(console, "embed", photo, "-o", marked, "--message", MESSAGE, "--key", KEY)
    assert b"rked.png: " in out and not err
    out, err = tfwm(console, "extract", marked, "--key", KEY)
    told = {"cp1252": b"\xa9 \\u963f", "utf-8": "© 阿达".encode()}.get(console, b"\\xa9 \\u963f")
    assert out.startswith(told) and not err
    out, _ = tfwm(console, "extract", marked, "--key", KEY, "--json")
    encoding = "ascii" if console == "posix" else console
    assert json.loads(out.decode(encoding))["message"] == MESSAGE
    _, err = tfwm(console, "extract", tmp_path / "né\x1b[31m\u202e.png", code=2)
    assert err.startswith(b"tfwm: error: ") and err.count(b"\n") == 1 and b"\\x1b[31m" in err
    _, err = tfwm(console, "embed", photo, "--mes\x1b[31m\u202e", code=2)
    assert err.startswith(b"tfwm: error: ") and b"\x1b" not in err and b"\xe2\x80\xae" not in err


@pytest.mark.slow
def test_every_command_and_its_help_print_everywhere(photo):
    for arguments in (["list"], ["list", "--json"], ["embed", "--help"], ["train", "--help"]):
        for console in ("ascii", "cp1252", "posix"):
            out, err = tfwm(console, *arguments)
            assert out and not err, (console, arguments)
    for command in ("verify", "report", "figures", "evaluate", "keyed prove", "barrier read"):
        words = {"figures": [], "evaluate": []}.get(command, [])
        _, err = tfwm("ascii", *command.split(), *words, "né\x1b\udcff", code=2)
        assert err.splitlines()[-1].startswith(b"tfwm: error: ") and err.isascii(), command
        assert b"\x1b" not in err and b"codec" not in err, (command, err)


def test_folder_with_names_of_any_bytes(photo, tmp_path):
    folder, out = os.fsencode(tmp_path / "in"), tmp_path / "out"
    os.mkdir(folder)
    names = [b"a.png", b"b\xff.png", b"c\x1b]0;x\x07\n.png", b"\\udcff.png", b"=1+1.png"]
    names += ["ü.png".encode(), "ü.png".encode("latin-1"), b"z" * 251 + b".png"]
    for name in names:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(photo.read_bytes())
    (tmp_path / "in" / "bad\x9b.png").write_bytes(b"bad")
    run = ["embed", folder, "-o", out, "--message", MESSAGE, "--key", KEY]
    for console in ("ascii", "posix", "utf-8"):
        text, err = tfwm(console, *run, code=2)
        assert not set(STEERING) & set(text.replace("ü".encode(), b"")) and b"1 failed" in text
        assert err.count(b"\n") == 1 and not set(STEERING) & set(err)
    assert text.startswith(f"0 done, {len(names)} skipped ({len(names)} done before)".encode())
    assert sorted(os.listdir(os.fsencode(out))) == sorted([*names, b"tfwm-report.csv"])
    report = (out / "tfwm-report.csv").read_text("utf-8")
    assert "\nb\\udcff.png," in report and "\n'=1+1.png," in report
    found, err = tfwm("utf-8", "extract", out, "--search", "none", "--key", KEY)
    assert found.count(b"\tpresent\t") == len(names) and not set(b"\x1b\x07") & set(found)
    found = json.loads(tfwm("ascii", "extract", out, "--search", "none", "--json", "--key", KEY)[0])
    assert {os.fsencode(row["photo"]) for row in found["photos"]} == {
        os.path.join(os.fsencode(out), name) for name in names
    }


def test_a_reader_that_goes_and_a_full_disk(tmp_path):
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 141
    if not os.path.exists("/dev/full"):
        return
    with open("/dev/full", "wb") as full:
        result = subprocess.run([sys.executable, SCRIPT, "list"], stdout=full, stderr=-1)
    assert result.returncode == 2 and result.stderr.startswith(b"tfwm: error: ")
    assert result.stderr.count(b"\n") == 1


def test_messages_that_are_no_text(photo, tmp_path):
    output = tmp_path / "a.png"
    _, err = tfwm("utf-8", "embed", photo, "-o", output, "--message", b"a\xff", code=2)
    assert b"Expected a message of Unicode text" in err and err.count(b"\n") == 1
    _, err = tfwm("utf-8", "embed", photo, "-o", output, "--message", "a", "--key", b"\xff", code=2)
    assert b"Expected a key of Unicode text" in err and not output.exists()


def test_report_of_a_utf_8_console_in_another(photo, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(photo, tmp_path / "in" / "\xe9\u202e.png")
    tfwm("utf-8", "embed", tmp_path / "in", "-o", tmp_path / "out", "--message", "x", "--key", KEY)
    out, _ = tfwm("posix", "verify", tmp_path / "out", "--key", KEY)
    assert b"1 as written" in out
