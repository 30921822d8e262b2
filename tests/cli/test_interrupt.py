"""Folder runs that are ended from outside, as the system does it."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

SCRIPT = Path(__file__).with_name("run_checker.py")
SLOW = {**os.environ, "CHECKER_SECONDS": "0.3"}


def names(folder):
    return sorted(p.name for p in Path(folder).iterdir())


@pytest.mark.parametrize("how, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_interrupted_run_goes_on(tmp_path, how, code):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    image = Image.fromarray(data.chelsea()[:256, :256])
    for number in range(30):
        image.save(photos / f"{number:02}.png")
    command = [sys.executable, str(SCRIPT), "embed", str(photos), "-o", str(out)]
    process = subprocess.Popen(
        [*command, "--message", "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=SLOW,
    )
    end = time.monotonic() + 200
    while time.monotonic() < end and len(list(out.glob("*.png"))) < 2:
        time.sleep(0.02)
    process.send_signal(getattr(signal, how))
    text, err = process.communicate(timeout=100)
    assert process.returncode == code and text == ""
    assert "run this again to go on" in err and "Traceback" not in err
    with open(out / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    done = [Path(row["output"]).name for row in rows]
    assert 2 <= len(rows) < 30 and {row["status"] for row in rows} == {"done"}
    assert names(out) == sorted([*done, "tfwm-report.csv"])  # no draft, nothing unknown
    for name in done:
        Image.open(out / name).load()


def test_killed_run_leaves_whole_files_and_a_valid_report(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(12):
        Image.fromarray(data.chelsea()[:256, :256]).save(photos / f"{number:02}.png")
    command = [sys.executable, str(SCRIPT), "embed", str(photos), "-o", str(out)]
    process = subprocess.Popen([*command, "--message", "a"], env=SLOW)
    end = time.monotonic() + 200
    while time.monotonic() < end and len(list(out.glob("*.png"))) < 3:
        time.sleep(0.02)
    process.kill()
    process.wait()
    with open(out / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and {row["status"] for row in rows} == {"done"}
    for path in out.glob("[0-9]*.png"):
        Image.open(path).load()
