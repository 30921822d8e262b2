import runpy
import types
from pathlib import Path

import pytest
from PIL import Image
from skimage import data


@pytest.fixture(scope="session")
def astronaut():
    return data.astronaut()[:200, :300]


@pytest.fixture(scope="session")
def image(astronaut):
    return Image.fromarray(astronaut)


@pytest.fixture(scope="session")
def one_line():
    """Returns the message of a raised error, which is one line and says what to do."""

    def message(error):
        text = str(error.value)
        assert "\n" not in text and len(text) < 250
        return text

    return message


@pytest.fixture(scope="session")
def make():
    """Functions that make files which carry much."""
    made = runpy.run_path(str(Path(__file__).with_name("carriers.py")))
    return types.SimpleNamespace(**made)
