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


@pytest.fixture(scope="session")
def quadrant_network():
    """A network without training: each bit is the sign of a block's four quadrants.

    Quadrants of 4 x 4 pixels, of which two on a diagonal get lighter and two darker, bear a
    shift of a pixel; the reader looks at blocks by themselves, so it needs no patches.
    """
    from tfwm.export.base import Network

    signs = np.kron([[1, -1], [-1, 1]], np.ones((4, 4))).astype(np.float32)

    class QuadrantNetwork(Network):
        def __init__(self):
            super().__init__("quadrant", {"geometry": {"patch": (8, 8), "block": (8, 8)}})
            self.largest = 0

        def _embed(self, image, message, strength):
            self.largest = max(self.largest, image.size)
            grid = (2 * message[0, ..., 0] - 1) * strength * 8 / 255
            return (image + np.kron(grid, signs)[None, ..., None]).clip(0, 1)

        def _extract(self, image):
            batch, height, width, _ = image.shape
            blocks = image.reshape(batch, height // 8, 8, width // 8, 8)
            logits = np.einsum("niajb,ab->nij", blocks, signs)
            return logits[..., None].astype(np.float32)

    return QuadrantNetwork()


@pytest.fixture(scope="session")
def watermarker(quadrant_network):
    """A `tfwm.Watermarker` with that network."""
    from tfwm.watermarker import Watermarker

    return Watermarker(quadrant_network)
