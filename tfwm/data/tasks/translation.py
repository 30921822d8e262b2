"""Tasks that translate images: gray photos or edges to photos."""

import dataclasses
import math

import tensorflow as tf

from tfwm.checks import number_or_range
from tfwm.data.tasks.base import Restoration, Task, checked_field, number
from tfwm.ops.color import rgb_to_gray
from tfwm.ops.filters import filter_separable, gaussian_kernel


@dataclasses.dataclass(frozen=True)
class Colorize(Task):
    """Gives a gray photo its colours: the input is the BT.601 luma of the target.

    Reference:
        Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR
        2017 (there in Lab); Wu et al., "Watermarking neural networks with watermarked images",
        2020, Table I.

    Example:

    >>> gray, colour = Colorize().pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> gray.shape
    TensorShape([32, 48, 1])
    """

    channels_in = 1

    def pair(self, photo, seed):
        photo = self.checked(photo)
        return rgb_to_gray(photo), photo


@dataclasses.dataclass(frozen=True)
class EdgesToPhoto(Restoration):
    """Makes a photo of its edges: the input is 1 on thin edges, 0 elsewhere.

    The edges are those of Canny: maxima of the Sobel gradient across the edge, kept where they
    are strong, or hang together with strong ones.

    Reference:
        Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR
        2017, section 3.3 (there with learned edges); Canny, "A computational approach to edge
        detection", IEEE TPAMI 1986, as in `skimage.feature.canny`.

    Args:
        channels: channels of the photo, 1 or 3; the edges, of its luma, have one.
        sigma: of the blur before, pixels.
        thresholds: a weak and a strong gradient, in units of the Sobel filter's sum, which is 4
            at a step from 0 to 1.

    Example:

    >>> edges, photo = EdgesToPhoto().pair(tf.zeros((32, 48, 3)), seed=(0, 1))
    >>> edges.shape
    TensorShape([32, 48, 1])
    """

    sigma: float = checked_field(1.5, number, high=math.inf)
    thresholds: tuple = checked_field((0.1, 0.3), number_or_range)

    @property
    def channels_in(self):
        return 1

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.thresholds, tuple):
            raise ValueError(f"Expected a pair (weak, strong). Received: {self.thresholds!r}")

    def pair(self, photo, seed):
        photo = self.checked(photo)
        gray = photo if self.channels == 1 else rgb_to_gray(photo)
        kernel = gaussian_kernel(self.sigma, max(1, int(4 * self.sigma + 0.5)))
        gradient = tf.image.sobel_edges(filter_separable(gray[None], kernel))[0, :, :, 0]
        strength = _thin(gradient[..., 0], gradient[..., 1])
        weak, strong = self.thresholds
        edges = _connect(strength > weak, strength > strong)
        return tf.cast(edges, tf.float32)[..., None], photo


def _thin(down, right):
    """Returns the gradient's length where it is the largest across the edge, else 0."""
    length = tf.sqrt(down**2 + right**2)
    padded = tf.pad(length, ((1, 1), (1, 1)))
    height, width = tf.unstack(tf.shape(length))

    def neighbour(row, column):
        return padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]

    # Between the neighbour along the steeper axis and the one on the diagonal.
    steep, flat = tf.abs(down), tf.abs(right)
    share = tf.math.divide_no_nan(tf.minimum(steep, flat), tf.maximum(steep, flat))
    same = down * right >= 0
    largest = length > 0
    for sign in (1, -1):
        diagonal = tf.where(same, neighbour(sign, sign), neighbour(sign, -sign))
        other_diagonal = tf.where(same, neighbour(sign, sign), neighbour(-sign, sign))
        vertical = neighbour(sign, 0) * (1 - share) + diagonal * share
        horizontal = neighbour(0, sign) * (1 - share) + other_diagonal * share
        largest &= length >= tf.where(steep >= flat, vertical, horizontal)
    return tf.where(largest, length, 0.0)


def _connect(weak, strong):
    """Returns the weak pixels that hang together with strong ones, corners included."""

    def grow(kept, _):
        image = tf.cast(kept, tf.float32)[None, ..., None]
        wider = tf.nn.max_pool2d(image, 3, 1, "SAME")[0, ..., 0] > 0
        wider &= weak
        return wider, tf.reduce_any(wider != kept)

    return tf.while_loop(lambda _, changed: changed, grow, (strong, tf.constant(True)))[0]
