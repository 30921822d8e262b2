import numpy as np
import pytest
import tensorflow as tf
from removal import other_watermark
from skimage import data

from tfwm.metrics import watermark_similarity


class AddedMark:
    """A mark without training: a pattern is added, and the photo's detail is what is read."""

    def __init__(self):
        self.watermark = other_watermark((32, 32, 1), seed=5)
        self.asked = 0

    def mark(self, images):
        return np.uint8(np.clip(images + 12.0 * (2 * self.watermark - 1), 0, 255))

    def read_tensor(self, images):
        gray = tf.reduce_mean(images, -1, keepdims=True)
        return 0.5 + 16 * (gray - tf.nn.avg_pool2d(gray, 9, 1, "SAME"))

    def read(self, images):
        read = self.read_tensor(tf.constant(images / np.float32(255)))
        return np.clip(read.numpy(), 0, 1)

    def similarity(self, images):
        self.asked += 1
        return watermark_similarity(self.watermark, self.read(images))


@pytest.fixture
def mark():
    return AddedMark()


@pytest.fixture(scope="session")
def photos():
    """96 pieces of a photo of half the contrast, uint8."""
    corners = np.random.default_rng(0).integers(0, 512 - 32, (96, 2))
    return np.stack([data.astronaut()[y : y + 32, x : x + 32] for y, x in corners]) // 2 + 64


@pytest.fixture
def marked(mark, photos):
    return mark.mark(photos)
