"""The digests in the package are those of the networks in saved_models/."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_shipped_digests_are_up_to_date(capsys):
    path = ROOT / "tools" / "shipped.py"
    if not path.is_file():
        pytest.skip("needs the checkout with tools/")
    code = runpy.run_path(str(path))["main"](["--check"])
    assert (code, capsys.readouterr().out) == (0, "")
