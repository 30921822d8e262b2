"""Keras reads every network file of ours once `tfwm.models` is imported."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

import tfwm.models

FILES = sorted((Path(__file__).parents[2] / "saved_models").glob("*/*.keras"))


def test_files_are_there():
    assert len(FILES) == 28


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_file_loads(path):
    model = keras.saving.load_model(path, compile=False)
    assert model.count_params() > 0


def test_all_systems_are_there():
    for name in tfwm.models.__all__:
        assert getattr(tfwm.models, name).__name__ == f"tfwm.models.{name}"


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )


def test_models_follow_a_plain_import():
    result = run("import tfwm; tfwm.models.mbrs.build_extractor(width=8); print('built')")
    assert result.stdout.strip().endswith("built"), result.stderr


def test_plain_import_after_keras_registers_all_layers():
    code = "import keras; import tfwm; keras.saving.load_model({!r}, compile=False); print('read')"
    result = run(code.format(str(FILES[0])))
    assert result.stdout.strip().endswith("read"), result.stderr
