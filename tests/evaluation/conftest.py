import numpy as np
import pytest

GRAY = 128 / 255


class AdditiveNetwork:
    """Lifts a block by 8 gray levels for a 1 and lowers it for a 0; reads against gray 128.

    On a constant cover of 128 everything about it is known exactly.
    """

    def __init__(self, name="additive", flipped_patch_rows=0):
        self.name = name
        self.flipped = flipped_patch_rows * 4

    def embed(self, image, message, strength=1.0):
        message = message.repeat(8, 1).repeat(8, 2)
        return image + np.float32(strength * 8 / 255) * (2 * message - 1)

    def extract(self, image):
        n, height, width, _ = image.shape
        blocks = image.reshape(n, height // 8, 8, width // 8, 8, 1).mean((2, 4)) - GRAY
        blocks[:, : self.flipped] *= -1
        return blocks


class ShadedNetwork(AdditiveNetwork):
    """Its change grows from left to right, so that quality is smooth in the strength."""

    def embed(self, image, message, strength=1.0):
        shade = np.linspace(0.5, 1.5, image.shape[2], dtype=np.float32)[:, None]
        return image + (super().embed(image, message, strength) - image) * shade


@pytest.fixture
def shaded_network():
    return ShadedNetwork("shaded")


@pytest.fixture
def network():
    return AdditiveNetwork()


@pytest.fixture
def make_network():
    return AdditiveNetwork


@pytest.fixture
def flat():
    """Two constant covers of gray 128, 512 x 512."""
    return [np.full((512, 512), 128, np.uint8)] * 2
