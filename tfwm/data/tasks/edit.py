"""Editing: photos with parts painted over, and whole."""

import dataclasses

import tensorflow as tf

from tfwm.checks import number_or_range
from tfwm.data.tasks.base import Restoration
from tfwm.ops.random import draw_integer, split_seed
from tfwm.ops.windows import random_window


@dataclasses.dataclass(frozen=True)
class Edit(Restoration):
    """Fills in removed parts of a photo: our stand-in for image editing.

    The paper's editing task places products in rooms, on 580 images that are not public. Here
    rectangles at random places are painted over with one gray, and the network puts something
    fitting in their place.

    Reference:
        Pathak et al., "Context encoders: feature learning by inpainting", CVPR 2016 (random
        blocks); Wu et al., "Watermarking neural networks with watermarked images", 2020, Table I.

    Args:
        channels: 1 for gray photos, 3 for colour.
        parts: number of rectangles, an integer of at least 1, or a pair to draw one per photo.
        size: sides of a rectangle as shares of the photo's, or a pair to draw each side.
        fill: gray of the removed parts, 0 to 1.

    Example:

    >>> holes, photo = Edit(parts=1, size=0.5).pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> int(tf.reduce_sum(holes) / 0.5 / 3)  # 16 x 24 pixels
    384
    """

    parts: int | tuple = (1, 3)
    size: float | tuple = (0.1, 0.35)
    fill: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        self._set(
            parts=number_or_range("parts", self.parts, low=1, high=100, kind=int),
            size=number_or_range("size", self.size, high=1.0),
        )
        if not 0 <= self.fill <= 1:
            raise ValueError(f"Expected 0 to 1. Received: fill={self.fill!r}")

    def pair(self, photo, seed):
        photo = self.checked(photo)
        count_seed, window_seed = split_seed(seed, 2)
        count = draw_integer(self.parts, count_seed, 1)
        shape = tf.concat([tf.reshape(count, (1,)), tf.shape(photo)], 0)
        windows = random_window(tf.zeros(shape), self.size, window_seed)
        removed = tf.reduce_any(windows, axis=0)
        return tf.where(removed, self.fill, photo), photo
