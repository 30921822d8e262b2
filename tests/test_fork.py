"""TensorFlow does not live on in a forked process: networks work there, or say so at once."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

CODE = """
import json, os, signal, sys
import numpy as np
import tfwm

image = np.random.default_rng(0).integers(60, 190, (128, 160, 3)).astype("uint8")
watermarker = tfwm.load("redmark-mt")
if sys.argv[1] == "used":
    watermarker.embed(image, 1)
    keyed, barrier = tfwm.load("keyed-colorize"), tfwm.load("barrier-derain")

def marked_and_read():
    return watermarker.extract(watermarker.embed(image, 1), search="none").message

calls = {"embed": marked_and_read}
if sys.argv[1] == "used":
    gray = np.zeros((1, 64, 64, 1), "float32")
    calls |= {
        "extract": lambda: watermarker.extract(image),
        "check": lambda: watermarker.check(image, 1),
        "load": lambda: tfwm.networks.load_network("redmark-mt"),
        "mark": lambda: barrier.mark(gray.repeat(3, -1)),
        "read": lambda: barrier.read(gray.repeat(3, -1)),
        "run": lambda: keyed(gray),
        "key": lambda: keyed.reader("0123456789abcdef"),
    }
if os.fork() == 0:
    signal.alarm(50)
    for name, call in calls.items():
        try:
            told = str(call())
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
        print(json.dumps([name, told]), flush=True)
    os._exit(0)
os.wait()
"""


def run(mode):
    result = subprocess.run(
        [sys.executable, "-c", CODE, mode], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return dict(map(json.loads, result.stdout.splitlines()))


@pytest.mark.slow
def test_a_network_that_was_not_used_before_the_fork_works_there():
    assert run("loaded") == {"embed": "1"}


def test_after_use_every_way_in_is_refused_in_one_line():
    told = run("used")
    assert len(told) == 8
    for name, text in told.items():
        assert text.startswith("RuntimeError: TensorFlow ran before this process was fork"), name
        assert "spawn" in text and "\n" not in text
