"""De-raining: photos with drawn rain, and without."""

import dataclasses
import math

import tensorflow as tf

from tfwm.checks import largest, number_or_range, one_of, smallest
from tfwm.data.tasks.base import Restoration
from tfwm.ops.filters import box_kernel, filter2d
from tfwm.ops.random import draw_strength, split_seed, uniform
from tfwm.ops.warp import affine_grid, sample_bilinear

# Three densities as in the paper, which gives them as amounts of Photoshop's noise (5 to 35,
# 35 to 65, 65 to 95 %); as shares of the pixels they are ours.
DENSITIES = {"light": (0.03, 0.1), "medium": (0.1, 0.25), "heavy": (0.25, 0.45)}
AIRLIGHT = 0.8  # gray that distant things fade to in haze


@dataclasses.dataclass(frozen=True)
class Derain(Restoration):
    """Removes rain: rain is drawn over photos, which are the targets.

    Rain as Zhang & Patel (2018) make it with Photoshop: sparse noise, blurred along a line of
    drawn direction and length, brightened and laid over the photo by "screen". Each photo gets
    its own rain, and haze before it. All streaks of a photo fall in one direction.

    Reference:
        Zhang & Patel, "Density-aware single image de-raining using a multi-stream dense
        network", CVPR 2018.

    Args:
        channels: 1 for gray photos, 3 for colour.
        density: share of the pixels that streaks cover, a number, a pair `(low, high)` to draw
            one per photo, or `"light"` (0.03 to 0.1), `"medium"` (to 0.25), `"heavy"` (to 0.45).
        angle: direction in degrees from straight down, counterclockwise, or a pair.
        length: of a streak, pixels, or a pair.
        width: of a streak, pixels, 1 or more, or a pair.
        brightness: of the streaks, or a pair; each streak has from half of it to all.
        haze: share that the photo has faded to light gray, or a pair.
        blend: `"screen"`, `1 - (1 - photo) (1 - rain)`, or `"add"`, clipped.

    Example:

    >>> rainy, clean = Derain(density="heavy").pair(tf.zeros((64, 96, 3)), seed=(0, 1))
    >>> rainy.shape
    TensorShape([64, 96, 3])
    """

    density: str | float | tuple = (0.03, 0.45)
    angle: float | tuple = (-30.0, 30.0)
    length: float | tuple = (12.0, 36.0)
    width: float | tuple = (1.0, 1.6)
    brightness: float | tuple = (0.25, 0.6)
    haze: float | tuple = (0.0, 0.15)
    blend: str = "screen"

    def __post_init__(self):
        super().__post_init__()
        density = self.density
        if isinstance(density, str):
            density = DENSITIES[one_of("density", density, DENSITIES)]
        self._set(
            density=number_or_range("density", density, high=0.99),
            angle=number_or_range("angle", self.angle, low=-360.0, high=360.0),
            length=number_or_range("length", self.length, low=1.0, high=1000.0),
            width=number_or_range("width", self.width, low=1.0, high=100.0),
            brightness=number_or_range("brightness", self.brightness, high=1.0),
            haze=number_or_range("haze", self.haze, high=1.0),
            blend=one_of("blend", self.blend, ("screen", "add")),
        )

    def pair(self, photo, seed):
        photo = self.checked(photo)
        rain_seed, brightness_seed, haze_seed = split_seed(seed, 3)
        rain = draw_strength(self.brightness, brightness_seed, 1)
        rain *= self.streaks(tf.shape(photo)[:2], rain_seed)
        haze = draw_strength(self.haze, haze_seed, 1)
        hazy = photo + haze * (AIRLIGHT - photo)
        if self.blend == "add":
            return tf.minimum(hazy + rain, 1.0), photo
        return 1 - (1 - hazy) * (1 - rain), photo

    def streaks(self, shape, seed):
        """Returns the layer of streaks `(height, width, 1)` in [0, 1] of brightness 1."""
        seeds = split_seed(seed, 6)
        density, angle, length, width = (
            tf.broadcast_to(draw_strength(value, part, 1), (1,))
            for value, part in zip(
                (self.density, self.angle, self.length, self.width), seeds[:4], strict=True
            )
        )
        # Drops fall straight down a square that still covers the photo when it is turned.
        side = tf.cast(tf.math.ceil(tf.norm(tf.cast(shape, tf.float32))), tf.int32) + 2
        length = tf.maximum(length / width, 1.0)
        chance = 1 - (1 - density) ** (1 / length)
        drops = tf.cast(uniform((1, side, side, 1), seeds[4]) < chance, tf.float32)
        drops *= uniform((1, side, side, 1), seeds[5], 0.5, 1.0)
        longest = math.ceil(largest(self.length) / smallest(self.width) / 2)
        kernel = box_kernel((length[0] - 1) / 2, longest) * length
        falling = tf.minimum(filter2d(drops, kernel[:, None]), 1.0)
        grid = affine_grid((side, side), angle, width, tf.zeros((1, 2)))
        top, left = tf.unstack((side - shape) // 2)
        rows, columns = (x[:, top : top + shape[0], left : left + shape[1]] for x in grid)
        return sample_bilinear(falling, rows, columns)[0]
