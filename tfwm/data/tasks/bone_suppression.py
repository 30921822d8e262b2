"""Bone suppression: radiographs, and the same with weaker ribs."""

import dataclasses
import functools
import math

import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.data.sources import PhotoSequence
from tfwm.data.tasks.base import Task, checked_field, number
from tfwm.images.arrays import to_uint8

# Found by eye on ChestX-ray8. Lengths are shares of the radiograph's height.
FREQUENCIES = (7.0, 48.0)  # of ribs, cycles a height
LARGEST_ANGLE = 55.0  # between a rib and the horizontal, degrees
LARGEST_RIB = 0.08  # contrast; edges far above it, such as the diaphragm's, stay
FINE, COARSE = 0.025, 0.16  # blurs whose difference tells the dark lungs
CENTRE, RADIUS = (0.45, 0.5), (0.4, 0.42)  # where lungs can be, down and across


@dataclasses.dataclass(frozen=True)
class BoneSuppression(Task):
    """Weakens the ribs in a frontal chest radiograph: a stand-in for bone suppression.

    Pairs of radiographs with and without bones are not public, and the software that the paper
    took them from is neither. This one is made from the radiograph alone by a fixed formula, so
    that anyone gets the same pairs. Within the lungs (dark areas in the middle of the image, with
    soft borders) it takes away the component in the ribs' range of spatial frequencies (7 to 48
    cycles a height) and directions (within 55 degrees of horizontal), unless its contrast is far
    above a rib's. It works in bands as Yang et al. do in the gradient domain: the brightness of
    larger areas stays, as do upright structures such as the heart's border.

    What it is not: a separation of bone and soft tissue. Vessels that run like ribs go as well,
    ribs outside the lungs and clavicles stay, and nothing may be diagnosed from it. As a task
    for a network it is alike: find the ribs, remove them, keep all else.

    Reference:
        Yang et al., "Cascade of multi-scale convolutional neural networks for bone suppression
        of chest radiographs in gradient domain", Medical Image Analysis 35, 2017; as used by
        Zhang et al., "Model watermarking for image processing networks", AAAI 2020.

    Args:
        strength: share of the component that goes, 0 to 1.
        cut: whether pairs are crops. The lungs are found in a whole radiograph only, so that a
            "photo" of this task then has two channels, the radiograph and the same without ribs,
            made of the whole when it is read and cropped alike.

    Example:

    >>> radiograph, without_ribs = BoneSuppression().pair(tf.zeros((64, 64, 1)), seed=(0, 1))
    >>> without_ribs.shape
    TensorShape([64, 64, 1])
    """

    channels_in = 1
    channels_out = 1

    strength: float = checked_field(0.9, number)
    cut: bool = checked_field(False, one_of, choices=(True, False))

    @property
    def channels_photo(self):
        return 2 if self.cut else 1

    def pair(self, photo, seed):
        photo = self.checked(photo)
        if self.cut:
            return tuple(tf.split(photo, 2, -1))
        ribs, fine, coarse = _filter(photo)
        ribs *= tf.exp(-((ribs / LARGEST_RIB) ** 2))
        lungs = tf.sigmoid((coarse - fine - 0.01) / 0.02) * _middle(tf.shape(photo)[:2])
        return photo, tf.clip_by_value(photo - self.strength * lungs * ribs, 0.0, 1.0)

    def read(self, source):
        if not self.cut:
            return super().read(source)
        return [self._both(photo) for photo in self._whole.read(source)]

    def open(self, source):
        if not self.cut:
            return super().open(source)
        photos = self._whole.open(source)
        loads = [functools.partial(self._load, photos, i) for i in range(len(photos))]
        return PhotoSequence(photos.names, loads)

    @property
    def _whole(self):
        return dataclasses.replace(self, cut=False)

    def _load(self, photos, index):
        return self._both(photos[index])

    def _both(self, photo):
        pair = self._whole.pair(tf.image.convert_image_dtype(photo, tf.float32), (0, 0))
        return np.concatenate([to_uint8(image.numpy()) for image in pair], -1)


def _filter(photo):
    """Returns the ribs' band of `(height, width, 1)` and two blurs, all by one FFT."""
    height, width = tf.unstack(tf.shape(photo)[:2])
    edge = height // 4
    padded = tf.pad(photo[..., 0], [[edge, edge], [edge, edge]], "SYMMETRIC")
    shape = tf.shape(padded)
    unit = tf.cast(height, tf.float32)
    down = _frequencies(shape[0])[:, None] * unit
    right = _frequencies(shape[1])[None, : shape[1] // 2 + 1] * unit
    square = down**2 + right**2
    octave = 0.5 * tf.math.log(tf.maximum(square, 1e-6)) / math.log(2)
    angle = tf.atan2(tf.abs(right), tf.abs(down)) * (180 / math.pi)
    low, high = (math.log2(frequency) for frequency in FREQUENCIES)
    band = tf.sigmoid((octave - low) / 0.15) * tf.sigmoid((high - octave) / 0.15)
    band *= tf.sigmoid((LARGEST_ANGLE - angle) / 4)
    blurs = [tf.exp(-2 * (math.pi * sigma) ** 2 * square) for sigma in (FINE, COARSE)]
    spectrum = tf.signal.rfft2d(padded)
    filtered = tf.stack([spectrum * tf.cast(part, tf.complex64) for part in (band, *blurs)])
    images = tf.signal.irfft2d(filtered, shape)[:, edge : edge + height, edge : edge + width]
    return tf.unstack(images[..., None])


def _frequencies(size):
    """Returns the frequencies of an FFT in cycles a pixel, positive ones first."""
    index = tf.range(size)
    return tf.cast(tf.where(index * 2 > size, index - size, index) / size, tf.float32)


def _middle(shape):
    """Returns weights `(height, width, 1)`: 1 where lungs can be, falling to 0 at the border."""
    down, right = (
        (tf.range(size, dtype=tf.float32) + 0.5) / tf.cast(size, tf.float32)
        for size in tf.unstack(shape)
    )
    down, right = ((x - c) / r for x, c, r in zip((down, right), CENTRE, RADIUS, strict=True))
    distance = tf.abs(down[:, None, None]) ** 2.5 + tf.abs(right[None, :, None]) ** 2.5
    return tf.sigmoid((1 - distance) / 0.1)
