"""The page's scripts mark and read as Python does, with one small network and by node."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from skimage import data

photo_of = runpy.run_path(str(Path(__file__).with_name("golden.py")))["photo_of"]
KEY, MESSAGE = "the owner's key", "Ada"


@pytest.fixture(scope="module")
def photos(watermarker, carry):
    """Marked, cropped, carried to another photo, and unmarked."""
    coffee, other = data.coffee(), data.astronaut()[:400, :512]
    marked = watermarker.embed(coffee, MESSAGE, key=KEY)
    return [marked, marked[37:361, 51:555], carry(marked, other), other]


def test_marks_are_bound_and_told_as_by_python(scripts, watermarker, photos, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node (Node.js 20 or later)")
    given, output = tmp_path / "in.json", tmp_path / "out.json"
    cases = {"photos": [photo_of(p) for p in photos], "key": KEY, "message": "by the page"}
    given.write_text(json.dumps(cases))
    script = Path(__file__).with_name("watermarker.mjs")
    done = subprocess.run([node, script, scripts, given, output], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(output.read_text())
    for photo, found in zip(photos, result["found"], strict=True):
        wanted = watermarker.extract(photo, key=KEY, search="crop")
        assert found["decision"] == wanted.decision and found["message"] == wanted.message
        if wanted.binding:
            assert found["reason"] == wanted.reason
            assert found["binding"]["share"] == pytest.approx(wanted.binding.share, rel=0.02)
            assert found["binding"]["most"] == pytest.approx(wanted.binding.most, rel=0.02)
    decisions = [found["decision"] for found in result["found"]]
    assert decisions == ["present", "present", "copied", "absent"]
    height, width = photos[-1].shape[:2]
    marked = np.frombuffer(bytes.fromhex(result["rgb"]), np.uint8).reshape(height, width, 3)
    read = watermarker.extract(marked, key=KEY, search="none")
    assert read.message == "by the page" and read.decision == "present" and read.binding.fits
