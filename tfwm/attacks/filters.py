"""Attacks that filter the image: blurs, medians, sharpening."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.attacks.base import Attack, Twin, padding_name
from tfwm.checks import largest, number_or_range, odd_size
from tfwm.ops.filters import (
    filter2d,
    filter_separable,
    gaussian_kernel,
    line_kernel,
    median_filter,
    pillow_gaussian_blur,
)
from tfwm.ops.random import draw_strength, per_image, split_seed
from tfwm.ops.rounding import straight_through_clip

__all__ = ["FIRFilter", "GaussianBlur", "MeanFilter", "MedianFilter", "MotionBlur", "Sharpen"]

# The kernel of `PIL.ImageFilter.EDGE_ENHANCE`.
EDGES = [[-0.5, -0.5, -0.5], [-0.5, 5.0, -0.5], [-0.5, -0.5, -0.5]]


@keras.saving.register_keras_serializable(package="tfwm")
class GaussianBlur(Attack):
    """Blurs with a Gaussian, as `scipy.ndimage.gaussian_filter` does.

    ReDMark tests with 1, 1.6 and 2 (Table 3, where sigma is called radius). The Gaussian
    filter of MBRS (section 4.2.2) is `GaussianBlur(2, size=7, padding="reflect")`.

    Args:
        sigma: standard deviation in pixels, or a pair `(low, high)` to draw one per
            image.
        size: odd side of the kernel, pixels; by default it reaches 4 sigma. MBRS and
            StegaStamp use 7.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: see `Attack`.

    Example:

    >>> GaussianBlur(sigma=(0.5, 1.5), seed=1)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("gaussian_blur", 1.6, tolerance=0.01),)

    def __init__(self, sigma=1.0, size=None, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.sigma = number_or_range("sigma", sigma)
        self.size = None if size is None else odd_size("size", size)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        radius = self.size // 2 if self.size else int(4 * largest(self.sigma) + 0.5)
        sigma = draw_strength(self.sigma, seed, tf.shape(image)[0])
        return filter_separable(image, gaussian_kernel(sigma, radius), self.padding)


@keras.saving.register_keras_serializable(package="tfwm")
class MeanFilter(Attack):
    """Replaces every pixel by the mean of the window around it.

    ReDMark trains with 3 x 3 (section 3.3), padded with gray 128.

    Args:
        size: odd side of the window, pixels.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: not used; see `Attack`.

    Example:

    >>> MeanFilter(3)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("mean_filter", 5, tolerance=0.01),)

    def __init__(self, size=3, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        kernel = np.full(self.size, 1 / self.size, np.float32)
        return filter_separable(image, kernel, self.padding)


@keras.saving.register_keras_serializable(package="tfwm")
class MedianFilter(Attack):
    """Replaces every pixel by the median of the window around it.

    Equal to `scipy.ndimage.median_filter`, which ReDMark tests with 3, 5 and 7
    (Table 3). The gradient goes to the pixel that was chosen.

    Args:
        size: odd side of the window, pixels.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: not used; see `Attack`.

    Example:

    >>> MedianFilter(3)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("median_filter", 5),)

    def __init__(self, size=3, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        return median_filter(image, self.size, self.padding)


@keras.saving.register_keras_serializable(package="tfwm")
class MotionBlur(Attack):
    """Blurs along a line, as the motion of a camera does.

    The line blur of StegaStamp: a ridge with a Gaussian profile through the middle of the
    kernel, set to 0 where `|x| + |y| > size // 2`. Its code uses one kernel per batch and
    `padding="zero"`. Its defocus blur is `GaussianBlur((1.0, 3.0), size=7, padding="zero")`.

    Reference:
        Tancik et al., "StegaStamp", CVPR 2020.

    Args:
        size: odd side of the kernel, pixels.
        angle: direction of the motion, degrees counterclockwise from the right, or a pair
            `(low, high)` to draw one per image.
        sigma: standard deviation across the line, pixels, or a pair.
        padding: what lies beyond the border; see `FIRFilter`.
        seed: see `Attack`.

    Example:

    >>> MotionBlur(size=9, seed=1)(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    twins = (
        Twin(differs="no distortion moves the camera alone; print_photo does so among others"),
    )

    def __init__(
        self,
        size=7,
        angle=(0.0, 180.0),
        sigma=(0.25, 1.0),
        padding="symmetric",
        seed=None,
        **kwargs,
    ):
        super().__init__(seed=seed, **kwargs)
        self.size = odd_size("size", size)
        self.angle = number_or_range("angle", angle, low=-360.0, high=360.0)
        self.sigma = number_or_range("sigma", sigma)
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        batch = tf.shape(image)[0]
        angle, sigma = (
            tf.broadcast_to(draw_strength(value, part, batch), (batch,))
            for value, part in zip((self.angle, self.sigma), split_seed(seed, 2), strict=True)
        )
        return filter2d(image, line_kernel(angle, sigma, self.size // 2), self.padding)


@keras.saving.register_keras_serializable(package="tfwm")
class Sharpen(Attack):
    """Sharpens with an unsharp mask, as `PIL.ImageFilter.UnsharpMask` does.

    `image + percent / 100 * (image - blurred)` where the two differ by more than the
    threshold. The result is clipped to [0, 1] with a straight-through gradient.
    ReDMark tests with radius 1, 5 and 10 and these defaults (Table 3).

    Args:
        radius: standard deviation of the blur, pixels, or a pair `(low, high)` to
            draw one per image.
        percent: strength in percent, or a pair `(low, high)`.
        threshold: smallest difference that is sharpened, in gray levels of 255.
        seed: see `Attack`.

    Example:

    >>> Sharpen(radius=5, percent=150)(tf.ones((2, 32, 32, 1))).shape
    TensorShape([2, 32, 32, 1])
    """

    twins = (Twin("sharpening", 5, tolerance=0.3),)

    def __init__(self, radius=2.0, percent=150.0, threshold=3, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.radius = number_or_range("radius", radius)
        self.percent = number_or_range("percent", percent)
        self.threshold = threshold

    def apply(self, image, seed, cover=None):
        radius_seed, percent_seed = split_seed(seed, 2)
        batch = tf.shape(image)[0]
        radius = draw_strength(self.radius, radius_seed, batch)
        factor = per_image(draw_strength(self.percent, percent_seed, batch)) / 100
        blurred = pillow_gaussian_blur(image, radius, largest(self.radius))
        detail = image - blurred
        strong = tf.abs(tf.round(255 * image) - tf.round(255 * blurred)) > self.threshold
        return straight_through_clip(tf.where(strong, image + factor * detail, image))


@keras.saving.register_keras_serializable(package="tfwm")
class FIRFilter(Attack):
    """Filters every channel with a given kernel, without clipping.

    Args:
        kernel: 2D list or array with odd sides; it is correlated with the image, without
            normalization.
        padding: what lies beyond the border: `"symmetric"` (cba|abc, "reflect" of
            SciPy), `"reflect"` (cb|abc), `"edge"` (aa|abc) or `"zero"`.
        seed: not used; see `Attack`.

    Example:

    >>> attack = FIRFilter([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    >>> attack(tf.ones((2, 32, 32, 3))).shape
    TensorShape([2, 32, 32, 3])
    """

    twins = (
        Twin("edge_enhance", make=lambda level: FIRFilter(EDGES), tolerance=0.25, border=0.02),
    )

    def __init__(self, kernel, padding="symmetric", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        array = np.asarray(kernel, np.float32)
        if array.ndim != 2 or array.shape[0] % 2 == 0 or array.shape[1] % 2 == 0:
            raise ValueError(
                "Expected a 2D kernel of odd sides, such as [[0, 1, 0]]. "
                f"Received: kernel of shape {array.shape}"
            )
        self.kernel = array.tolist()
        self.padding = padding_name(padding)

    def apply(self, image, seed, cover=None):
        return filter2d(image, self.kernel, self.padding)
