import runpy
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def write_released():
    """Function that writes a SavedModel as StegaStamp's authors do, see `released_stegastamp`."""
    return runpy.run_path(str(Path(__file__).with_name("released_stegastamp.py")))["write_released"]
