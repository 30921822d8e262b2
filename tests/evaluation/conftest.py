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


class ColourNetwork:
    """Marks RGB: lifts or lowers the green of each cell by 8 levels for a bit.

    Without more bits, each block of 16 x 16 pixels is the cell of one bit. With more, a tile
    of 128 x 128 pixels has 64 such cells, and bit k lies in the cells k, k + bits, ...
    Shaded, the change grows from left to right, so that quality is smooth in the strength.
    """

    channels = 3

    def __init__(self, name="colour", bits=1, shaded=False):
        self.name, self.bits, self.shaded = name, bits, shaded
        side = 16 if bits == 1 else 128
        self.patch_shape = self.block_shape = (side, side)
        self.cells = side // 16
        self.bit_of = (np.arange(self.cells**2) % bits).reshape(self.cells, self.cells)

    def embed(self, image, message, strength=1.0):
        n, rows, columns, _ = message.shape
        cells = message[..., self.bit_of].transpose(0, 1, 3, 2, 4)
        grid = cells.reshape(n, rows * self.cells, columns * self.cells)
        change = np.float32(strength * 8 / 255) * (2 * grid - 1).repeat(16, 1).repeat(16, 2)
        if self.shaded:
            change *= np.linspace(0.5, 1.5, image.shape[2], dtype=np.float32)
        out = image.copy()
        out[..., 1] += change
        return out

    def extract(self, image):
        n, height, width, _ = image.shape
        rows, columns = height // self.block_shape[0], width // self.block_shape[1]
        cells = image[..., 1].reshape(n, rows, self.cells, 16, columns, self.cells, 16)
        means = cells.mean((3, 6)).transpose(0, 1, 3, 2, 4).reshape(n, rows, columns, -1) - GRAY
        spread = np.eye(self.bits)[self.bit_of.ravel()]
        return means @ spread


@pytest.fixture
def make_colour_network():
    return ColourNetwork


@pytest.fixture
def flat_colour():
    """Two constant covers of gray 128 in RGB, 160 x 200."""
    return [np.full((160, 200, 3), 128, np.uint8)] * 2


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
