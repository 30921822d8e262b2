"""The job by Apache Beam, with a real network, and with a worker that is killed."""

import csv
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

pytest.importorskip("apache_beam", reason="needs Apache Beam, the extra job")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = runpy.run_path(str(ROOT / "benchmarks" / "job.py"))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    image = Image.fromarray(data.astronaut())
    for number in range(24):
        left, top = 50 * (number % 6), 60 * (number // 6)
        image.crop((left, top, left + 192, top + 192)).save(folder / f"{number:02d}.jpg")
    return folder


def start(*words):
    environment = {**os.environ, "TFWM_KEY": "secret", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tfwm", "job", "embed", *map(str, words), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)


def test_a_worker_that_is_killed_costs_nothing(photos, tmp_path):
    out = tmp_path / "out"
    running = start(photos, out, "--message", "Ada", "--workers", 2, "--shard", 2)
    while len(list(out.glob(".tfwm-job/*/ledger/*"))) < 4 and running.poll() is None:
        time.sleep(0.1)
    os.kill(BENCHMARK["workers_of"](running.pid)[0], signal.SIGKILL)
    told = json.loads(running.communicate()[0])
    assert told["attempts"] == 2 and told["done"] == 24 and told["failed"] == 0
    with open(out / "tfwm-report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == sorted(p.name for p in photos.iterdir())
    assert sorted(p.name for p in out.glob("*.jpg")) == [row["output"] for row in rows]


def test_a_job_that_is_killed_goes_on(photos, tmp_path):
    out = tmp_path / "out"
    words = photos, out, "--message", "Ada", "--workers", 2, "--shard", 2
    running = start(*words)
    while len(list(out.glob(".tfwm-job/*/ledger/*"))) < 2 and running.poll() is None:
        time.sleep(0.1)
    workers = BENCHMARK["workers_of"](running.pid)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):  # they end with it
        time.sleep(0.1)
    told = json.loads(start(*words).communicate()[0])
    assert told["photos"] == told["done"] == 24 and told["before"] >= 4
