"""Super-resolution: small photos, and large."""

import dataclasses

import tensorflow as tf

from tfwm.data.tasks.base import Restoration


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
    enlarge: bool = True

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.factor, int) or self.factor < 2:
            raise ValueError(f"Expected an integer of at least 2. Received: factor={self.factor!r}")
        if not isinstance(self.enlarge, bool):
            raise ValueError(f"Expected True or False. Received: enlarge={self.enlarge!r}")

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
