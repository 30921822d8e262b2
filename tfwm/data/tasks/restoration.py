"""Tasks that restore photos: from noise, from rain, from holes, from fewer pixels."""

import dataclasses
import math

import tensorflow as tf

from tfwm.checks import largest, number_or_range, one_of, smallest
from tfwm.data.tasks.base import Restoration, checked_field, number
from tfwm.ops.filters import box_kernel, filter2d
from tfwm.ops.random import draw_integer, draw_strength, normal, split_seed, uniform
from tfwm.ops.warp import affine_grid, sample_bilinear
from tfwm.ops.windows import random_window

# Three densities as in the paper, which gives them as amounts of Photoshop's noise (5 to 35,
# 35 to 65, 65 to 95 %); as shares of the pixels they are ours.
DENSITIES = {"light": (0.03, 0.1), "medium": (0.1, 0.25), "heavy": (0.25, 0.45)}
AIRLIGHT = 0.8  # gray that distant things fade to in haze


@dataclasses.dataclass(frozen=True)
class Denoise(Restoration):
    """Removes noise: normal noise is added to photos, clipped to [0, 1].

    Reference:
        Zhang et al., "Beyond a Gaussian denoiser", IEEE TIP 2017, tests with 15, 25 and 50 / 255.

    Args:
        channels: 1 for gray photos, 3 for colour.
        stddev: standard deviation in units of the [0, 1] range, or a pair `(low, high)` to draw
            one per photo.

    Example:

    >>> noisy, photo = Denoise(stddev=0.1).pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> noisy.shape
    TensorShape([32, 48, 3])
    """

    stddev: float | tuple = checked_field(25 / 255, number_or_range)

    def pair(self, photo, seed):
        photo = self.checked(photo)
        strength_seed, noise_seed = split_seed(seed, 2)
        stddev = draw_strength(self.stddev, strength_seed, 1)
        noisy = photo + stddev * normal(tf.shape(photo), noise_seed)
        return tf.clip_by_value(noisy, 0.0, 1.0), photo


def _density(name, value):
    if isinstance(value, str):
        value = DENSITIES[one_of(name, value, DENSITIES)]
    return number_or_range(name, value, high=0.99)


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

    density: str | float | tuple = checked_field((0.03, 0.45), _density)
    angle: float | tuple = checked_field((-30.0, 30.0), number_or_range, low=-360.0, high=360.0)
    length: float | tuple = checked_field((12.0, 36.0), number_or_range, low=1.0, high=1000.0)
    width: float | tuple = checked_field((1.0, 1.6), number_or_range, low=1.0, high=100.0)
    brightness: float | tuple = checked_field((0.25, 0.6), number_or_range, high=1.0)
    haze: float | tuple = checked_field((0.0, 0.15), number_or_range, high=1.0)
    blend: str = checked_field("screen", one_of, choices=("screen", "add"))

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

    parts: int | tuple = checked_field((1, 3), number_or_range, low=1, high=100, kind=int)
    size: float | tuple = checked_field((0.1, 0.35), number_or_range, high=1.0)
    fill: float = checked_field(0.5, number)

    def pair(self, photo, seed):
        photo = self.checked(photo)
        count_seed, window_seed = split_seed(seed, 2)
        count = draw_integer(self.parts, count_seed, 1)
        shape = tf.concat([tf.reshape(count, (1,)), tf.shape(photo)], 0)
        windows = random_window(tf.zeros(shape), self.size, window_seed)
        removed = tf.reduce_any(windows, axis=0)
        return tf.where(removed, self.fill, photo), photo


@dataclasses.dataclass(frozen=True)
class SuperResolve(Restoration):
    """Sharpens an enlarged photo: the input has been shrunk, and enlarged again.

    Both ways bicubic, the first with antialiasing. Without `enlarge` the input stays small, for
    networks that enlarge it themselves.

    Reference:
        Dong et al., "Learning a deep convolutional network for image super-resolution", ECCV
        2014 (enlarged input); Johnson et al., "Perceptual losses", ECCV 2016 (small input, x4).

    Args:
        channels: 1 for gray photos, 3 for colour.
        factor: how much smaller, an integer; the photo's sides are multiples of it.
        enlarge: whether the input is of the target's size.

    Example:

    >>> small, photo = SuperResolve(enlarge=False).pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> small.shape
    TensorShape([8, 12, 3])
    """

    factor: int = 4
    enlarge: bool = checked_field(True, one_of, choices=(True, False))

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.factor, int) or self.factor < 2:
            raise ValueError(f"Expected an integer of at least 2. Received: factor={self.factor!r}")

    def pair(self, photo, seed):
        photo = self.checked(photo)
        if any(side and side % self.factor for side in photo.shape[:2]):
            raise ValueError(
                f"Expected a photo whose sides are multiples of {self.factor}. "
                f"Received: shape={tuple(photo.shape)}"
            )
        size = tf.shape(photo)[:2]
        small = tf.image.resize(photo, size // self.factor, "bicubic", antialias=True)
        if not self.enlarge:
            sides = [side and side // self.factor for side in photo.shape[:2]]
            return tf.clip_by_value(tf.ensure_shape(small, (*sides, None)), 0.0, 1.0), photo
        large = tf.image.resize(tf.clip_by_value(small, 0.0, 1.0), size, "bicubic")
        return tf.clip_by_value(tf.ensure_shape(large, photo.shape), 0.0, 1.0), photo
