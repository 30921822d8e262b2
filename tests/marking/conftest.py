import runpy
from pathlib import Path

import pytest

from tfwm.watermarker import Watermarker

CHECKER = Path(__file__).parents[1] / "cli" / "checker_network.py"


@pytest.fixture
def checker():
    """A `Watermarker` with a network without training or TensorFlow."""
    return Watermarker(runpy.run_path(str(CHECKER))["CheckerNetwork"]())
