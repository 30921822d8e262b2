"""Denoising: photos with Gaussian noise, and without."""

import dataclasses

import tensorflow as tf

from tfwm.checks import number_or_range
from tfwm.data.tasks.base import Restoration
from tfwm.ops.random import draw_strength, normal, split_seed


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

    stddev: float | tuple = 25 / 255

    def __post_init__(self):
        super().__post_init__()
        self._set(stddev=number_or_range("stddev", self.stddev))

    def pair(self, photo, seed):
        photo = self.checked(photo)
        strength_seed, noise_seed = split_seed(seed, 2)
        stddev = draw_strength(self.stddev, strength_seed, 1)
        noisy = photo + stddev * normal(tf.shape(photo), noise_seed)
        return tf.clip_by_value(noisy, 0.0, 1.0), photo
