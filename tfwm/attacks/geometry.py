"""Attacks that move pixels: turning, scaling, warping, mirroring."""

import math

import keras
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin, edge_fill, needed_cover
from tfwm.checks import largest, number_or_range, one_of
from tfwm.ops.perspective import random_homography, sample_filled, unwarp
from tfwm.ops.random import draw_strength, split_seed, uniform
from tfwm.ops.resample import (
    METHODS,
    apply_separable,
    resize_and_back_matrices,
    resize_matrix,
    window_matrix,
)
from tfwm.ops.warp import affine_grid

__all__ = ["Affine", "Mirror", "PerspectiveWarp", "RandomResizedCrop", "Resize"]


@keras.saving.register_keras_serializable(package="tfwm")
class Affine(Attack):
    """Rotates, scales and shifts the image about its center, bilinearly.

    The size stays the same; beyond the border the edge pixel repeats. Small ranges teach a
    network to tolerate the misalignment that remains after a search.

    Args:
        rotation: degrees counterclockwise, or a pair `(low, high)` to draw one per image.
        scale: factor above 0, or a pair; above 1 enlarges.
        shift: pixels, or a pair; drawn separately for the two axes.
        seed: see `Attack`.

    Example:

    >>> Affine(rotation=(-2, 2), scale=(0.97, 1.03), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    moves = True
    twins = (Twin("rotation", 5, tolerance=0.7, border=0.2),)

    def __init__(self, rotation=0.0, scale=1.0, shift=0.0, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.rotation = number_or_range("rotation", rotation, low=-360.0, high=360.0)
        self.scale = number_or_range("scale", scale, low=1e-3)
        self.shift = number_or_range("shift", shift, low=-1e4)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        batch = tf.shape(image)[0]
        names = (self.rotation, self.scale, self.shift, self.shift)
        drawn = [
            tf.broadcast_to(draw_strength(value, part, batch), (batch,))
            for value, part in zip(names, split_seed(seed, 4), strict=True)
        ]
        rotation, scale, down, right = drawn
        rotation, down, right = (share * part for part in (rotation, down, right))
        scale = 1 + share * (scale - 1)
        sides = [image.shape[i] or tf.shape(image)[i] for i in (1, 2)]
        rows, columns = affine_grid(sides, rotation, scale, tf.stack([down, right], axis=-1))
        return sample_filled(image, rows, columns, edge_fill())


@keras.saving.register_keras_serializable(package="tfwm")
class Mirror(Attack):
    """Mirrors the image left-right, in every call.

    To mirror half of the images, use `RandomChoice([Mirror(), Identity()], per="image")`.
    Inside a `Ramp`, the share of mirrored images grows from none to all.

    Args:
        seed: see `Attack`.

    Example:

    >>> Mirror()(tf.reshape([0.25, 0.5, 0.75], (1, 1, 3, 1))).numpy().ravel()
    array([0.75, 0.5 , 0.25], dtype=float32)
    """

    moves = True
    twins = (Twin("mirror"),)

    def apply(self, image, seed, cover=None):
        return tf.reverse(image, [2])

    def apply_share(self, image, seed, cover=None, share=1.0):
        chosen = uniform((tf.shape(image)[0], 1, 1, 1), seed) < share
        return tf.where(chosen, self.apply(image, seed), image)


FILLS = ("white", "cover", "edge")


@keras.saving.register_keras_serializable(package="tfwm")
class PerspectiveWarp(Attack):
    """Warps the image as if its four corners had been located inexactly in a photo of it.

    StegaStamp's warp (section 3.2 of its paper): every coordinate of every corner is
    displaced by up to `offset` of the side, and the area that the displaced corners enclose
    is stretched over the image, bilinearly. Its code warps the cover before the embedder and
    warps the watermarked image back (`tfwm.ops.perspective.warp` and `unwarp`); for the
    extractor, which sees a displaced watermark, this attack is equivalent. `Ramp` scales the
    offset.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        offset: the largest displacement as a share of the side, from 0 to 0.24, or a pair
            `(low, high)` to draw one per image. The default is the paper's range, which the
            paper draws once per batch.
        fill: what appears beyond the border: `"white"` (the paper), `"cover"`, the same place
            of the cover (the improved network of CropDefender), or `"edge"`, the
            nearest pixel of the image.
        seed: see `Attack`.

    Example:

    >>> PerspectiveWarp(seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    moves = True
    twins = (Twin("perspective", differs="the real one moves corners only inwards"),)

    def __init__(self, offset=(0.0, 0.1), fill="white", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.offset = number_or_range("offset", offset, high=0.24)
        self.fill = one_of("fill", fill, FILLS)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        fill = {"white": 1.0, "edge": edge_fill()}.get(self.fill, cover)
        if self.fill == "cover":
            fill = needed_cover(self, cover)
        batch, height, width, _ = tf.unstack(tf.shape(image))
        offset_seed, corner_seed = split_seed(seed, 2)
        offset = tf.broadcast_to(share * draw_strength(self.offset, offset_seed, batch), (batch,))
        return unwarp(image, random_homography((height, width), offset, corner_seed), fill)


@keras.saving.register_keras_serializable(package="tfwm")
class RandomResizedCrop(Attack):
    """Cuts a window out of every image and resizes it to the size of the image.

    CropDefender adds this to StegaStamp (section 3.2 of its paper). Each image has its own
    window of whole pixels; the code of the paper uses one per batch. The resize is that of
    `PIL.Image.resize(size, Image.BILINEAR)` without rounding to 8 bits; a window is never
    larger than the image, so that no antialiasing is needed. Inside a `Ramp`, the area shrinks
    from the whole image.

    Args:
        area: share of the area that is kept, above 0 and up to 1, or a pair `(low, high)` to
            draw one per image.
        aspect: width by height of the window, relative to the image's, or a pair, from which
            its logarithm is drawn uniformly. It is limited so that a window of the area fits
            into the image: it is 1 for an area of 1.
        seed: see `Attack`.

    Example:

    >>> RandomResizedCrop(seed=1)(tf.ones((2, 32, 48, 3))).shape
    TensorShape([2, 32, 48, 3])
    """

    moves = True
    twins = (Twin("crop", differs="the real one does not resize the piece"),)

    def __init__(self, area=(0.6, 1.0), aspect=(3 / 4, 4 / 3), seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.area = number_or_range("area", area, low=0.01, high=1.0)
        self.aspect = number_or_range("aspect", aspect, low=0.1, high=10.0)

    def apply(self, image, seed, cover=None):
        return self.apply_share(image, seed, cover)

    def apply_share(self, image, seed, cover=None, share=1.0):
        batch = tf.shape(image)[0]
        area_seed, aspect_seed, *place_seeds = split_seed(seed, 4)
        area = tf.broadcast_to(draw_strength(self.area, area_seed, batch), (batch,))
        area = 1 - share * (1 - area)
        aspect = self._draw_aspect(area, aspect_seed)
        sides = (tf.sqrt(area / aspect), tf.sqrt(area * aspect))
        matrices = []
        for axis, side, place_seed in zip((1, 2), sides, place_seeds, strict=True):
            size = image.shape[axis] or tf.shape(image)[axis]
            whole = tf.cast(size, tf.float32)
            length = tf.clip_by_value(tf.round(side * whole), 1.0, whole)
            start = tf.floor(uniform((batch,), place_seed) * (whole - length + 1))
            matrices.append(window_matrix(size, start, length))
        return apply_separable(image, *matrices)

    def _draw_aspect(self, area, seed):
        ends = self.aspect if isinstance(self.aspect, tuple) else (self.aspect, self.aspect)
        bound = -tf.math.log(area)
        low, high = (tf.clip_by_value(math.log(end) + 0 * area, -bound, bound) for end in ends)
        return tf.exp(low + (high - low) * uniform(tf.shape(area), seed))


@keras.saving.register_keras_serializable(package="tfwm")
class Resize(Attack):
    """Resizes the image, and back to its size if `restore` is True.

    The scaled size is `int(side * scale)`. ReDMark tests with 0.5, 0.75 and 1.5 and
    back (Table 3). The PyTorch port of HiDDeN trains with
    `Resize((0.4, 0.6), restore=False, method="nearest")`.

    Args:
        scale: the factor, above 0, or a pair `(low, high)` to draw one per image.
        restore: whether to resize back. If `False`, the images keep the scaled size; a range
            then gives one size per batch, and the layer does not run under XLA.
        method: `"bilinear"`, antialiased, with the weights of
            `PIL.Image.resize(size, Image.BILINEAR)` but without rounding to 8 bits, or
            `"nearest"`, that of PyTorch's `interpolate`. Used in both directions.
        seed: see `Attack`.

    Output shape:
        That of `image`; `(batch, None, None, channels)` with `restore=False`.

    Example:

    >>> Resize(scale=(0.5, 1.5), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (
        Twin("resizing", 0.5, tolerance=0.5),
        Twin("scale", 0.5, lambda level: Resize(level, restore=False), tolerance=2),
    )

    def __init__(self, scale=0.5, restore=True, method="bilinear", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.scale = number_or_range("scale", scale, low=1e-3)
        self.restore = one_of("restore", restore, (True, False))
        self.method = one_of("method", method, METHODS)
        if not self.restore:
            self.supports_jit = False

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        scale = draw_strength(self.scale, seed, batch if self.restore else 1)
        if self.restore:
            steps = zip(*(self._there_and_back(image, axis, scale) for axis in (1, 2)), strict=True)
        else:
            scale = tf.reshape(scale, ())
            steps = [[self._there(image, axis, scale) for axis in (1, 2)]]
        for vertical, horizontal in steps:
            image = apply_separable(image, vertical, horizontal)
        return image

    def _there(self, image, axis, scale):
        size, middle, _ = self._sizes(image, axis, scale)
        return resize_matrix(size, middle, method=self.method)

    def _there_and_back(self, image, axis, scale):
        return resize_and_back_matrices(*self._sizes(image, axis, scale), method=self.method)

    def _sizes(self, image, axis, scale):
        """Returns the side of the image, the scaled side and the largest possible one."""
        size = image.shape[axis]
        if size and not isinstance(self.scale, tuple):
            middle = max(int(size * self.scale), 1)
            return size, middle, middle
        size = size or tf.shape(image)[axis]
        length = tf.cast(size, tf.float32)
        middle = tf.maximum(tf.cast(length * scale, tf.int32), 1)
        return size, middle, tf.maximum(tf.cast(length * largest(self.scale), tf.int32), 1)

    def compute_output_shape(self, image_shape, cover_shape=None):
        if self.restore:
            return image_shape
        return (image_shape[0], None, None, image_shape[-1])
