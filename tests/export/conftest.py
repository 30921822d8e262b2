import keras
import numpy as np
import pytest

from tfwm.export import make_card, package_network, redmark_geometry
from tfwm.models.redmark import build_embedder, build_extractor

PATCH = (16, 16)


@pytest.fixture(scope="session")
def models():
    """A small embedder and extractor with random weights; patches of 16 x 16."""
    keras.utils.set_random_seed(7)
    embedder = build_embedder(patch_shape=PATCH, width=8, depth=2)
    return embedder, build_extractor(patch_shape=PATCH, width=8, depth=1)


@pytest.fixture(scope="session")
def card():
    return make_card(
        "tiny",
        "Random weights, for tests.",
        paper="none",
        licence={"code": "MIT", "weights": "MIT"},
        training={"data": "none", "recipe": "none", "command": "none"},
        geometry=redmark_geometry(PATCH),
        strength={"default": 1.0, "guidance": "none"},
        limits=["Reads nothing."],
    )


@pytest.fixture(scope="session")
def packaged(models, card, tmp_path_factory):
    """Folder of the small network in every form; not to be changed."""
    return package_network(*models, tmp_path_factory.mktemp("networks") / "tiny", card)


@pytest.fixture
def message():
    """Bits for images of 32 x 48 pixels, batch of 2."""
    return np.random.default_rng(1).integers(0, 2, (2, 4, 6, 1)).astype(np.float32)


@pytest.fixture
def image(gray_photo):
    return np.concatenate([gray_photo[:, :32, :48], gray_photo[:, 100:132, 60:108]])
