import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """Photos and reference outputs beside the checkout; absent on most machines."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (photos and reference outputs), which is not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def photo():
    """A real colour photo, (1, 256, 256, 3) float32 in [0, 1]."""
    from skimage import data

    return (data.astronaut()[None, :256, 100:356] / 255).astype(np.float32)


@pytest.fixture(scope="session")
def gray_photo():
    """A real gray photo, (1, 256, 256, 1) float32 in [0, 1]."""
    from skimage import data

    return (data.camera()[None, 100:356, 100:356, None] / 255).astype(np.float32)
