"""The scripts of the page give what Python gives, by node: keys, votes, tiles, sizes, changes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tfwm.payload import KINDS


def test_scripts_repeat_the_golden_cases(scripts, golden, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node (Node.js 20 or later)")
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps(golden))
    script = Path(__file__).with_name("golden.mjs")
    done = subprocess.run([node, script, scripts, cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "\n# pass 9\n" in done.stdout


def test_golden_cases_are_of_all_kinds(golden):
    decisions = {(case["decision"], case["message"] is None) for case in golden["votes"]}
    assert decisions >= {("present", False), ("present", True), ("absent", True)}
    assert {case["kind"] for case in golden["votes"]} >= {*KINDS}
    assert "example.org" in {case["signpost"] for case in golden["votes"]}
