import numpy as np
import pytest

from tfwm.models import barrier as models
from tfwm.protection import Barrier


@pytest.fixture
def barrier():
    """Untrained, of 32 x 32 pixels, with a gray watermark."""
    embedder = models.build_embedder(3, 1, width=4, depth=2, residual_limit=0.1)
    extractor = models.build_extractor(3, 1, width=4, dilations=(1,), output="sigmoid")
    return Barrier(embedder, extractor, np.random.default_rng(0).random((32, 32, 1)), "test")


@pytest.fixture
def images():
    return np.random.default_rng(1).random((3, 40, 56, 3)).astype("float32")
