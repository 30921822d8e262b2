"""What the networks of several papers share: blocks, checks, and the U-Net of pix2pix."""

import functools

import keras

from tfwm.checks import one_of
from tfwm.layers import FusedBatchNormalization, InstanceNormalization

NORMALIZATIONS = (None, "batch", "instance")
# Channels of a U-Net grow up to this many times `width`.
WIDEST = 8


def check_sizes(**sizes):
    """Raises `ValueError` if a size is not an integer above 0."""
    for key, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"Expected {key} to be an integer above 0. Received: {key}={value!r}")


def convolution(x, width, name, padding="same"):
    """Adds a 3 x 3 convolution, batch normalization and ReLU: the block of HiDDeN and MBRS.

    Args:
        x: features `(batch, rows, columns, channels)`.
        width: channels of the result.
        name: prefix of the layers' names.
        padding: see `keras.layers.Conv2D`.
    """
    x = keras.layers.Conv2D(width, 3, padding=padding, use_bias=False, name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(normalize(x, name))


def small_block(x, width, name, normalization, kernel=3, affine=False, relu=True, **arguments):
    """Adds a `small_convolution`, with a bias only without normalization, and a ReLU."""
    bias = normalization is None
    x = small_convolution(x, width, kernel, name, use_bias=bias, **arguments)
    x = normalize(x, name, normalization, affine)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def normalize(x, name, kind="batch", affine=False):
    """Normalizes the results of the layer `name` by one of `NORMALIZATIONS`.

    Args:
        x: features `(batch, rows, columns, channels)`.
        name: name of the layer before.
        kind: `"batch"`, `"instance"` or `None`.
        affine: whether instance normalization has a learned scale and offset.
    """
    if kind is None:
        return x
    if kind == "batch":
        return FusedBatchNormalization(name=f"{name}_norm")(x)
    return InstanceNormalization(affine=affine, name=f"{name}_norm")(x)


def small_convolution(x, width, kernel, name, strides=1, transposed=False, **arguments):
    """Adds a convolution as pix2pix and later networks begin it: deviation 0.02 for any size.

    Args:
        x: features `(batch, rows, columns, channels)`.
        width: channels of the result.
        kernel: side of the kernel.
        name: name of the layer.
        strides: distance between the places of the result, or with `transposed` of `x`.
        transposed: whether it enlarges.
        arguments: others of `keras.layers.Conv2D`; the padding is `"same"` by default.
    """
    layer = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    arguments = {"padding": "same", "kernel_initializer": initializer, **arguments}
    return layer(width, kernel, strides, name=name, **arguments)(x)


def to_signal(image, dtype=None):
    """Maps pixels from [0, 1] to [-1, 1]."""
    return keras.layers.Rescaling(2.0, offset=-1.0, name="pixels", dtype=dtype)(image)


def to_signs(message):
    """Maps bits to -1 and 1."""
    return keras.layers.Rescaling(2.0, offset=-1.0, name="signs")(message)


def add_residual(image, residual, strength, unit=0.5):
    """Returns `image + strength * unit * residual`, float32; 1/2 maps [-1, 1] to [0, 1]."""
    scale = strength
    if unit != 1:
        scale = keras.layers.Rescaling(unit, name="to_unit_range", dtype="float32")(scale)
    scale = keras.layers.Reshape((1, 1, 1), name="strength_factor")(scale)
    residual = keras.layers.Multiply(name="scaled_residual", dtype="float32")([residual, scale])
    return keras.layers.Add(name="watermarked", dtype="float32")([image, residual])


def unet(x, channels, width, depth, normalization, dropout=0.0):
    """Adds the U-Net of pix2pix, of any depth, up to its last convolution.

    Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017,
    section 6.1.1. Code: github.com/phillipi/pix2pix (BSD); nothing of it is reused. As there, the
    first and the innermost convolution are not normalized. Skips carry features from before the
    activation, so that the way down applies its leaky ReLU to them and the way up its plain ReLU.

    Args:
        x: image or features `(batch, H, W, any)`, sides multiples of `2**depth`.
        channels: channels of the result.
        width: channels after the first halving.
        depth: number of halvings, from 2.
        normalization: one of `NORMALIZATIONS`.
        dropout: rate after each convolution on the way up that has 8 times the width, except the
            innermost.

    Returns:
        float32 `(batch, H, W, channels)`, without bounds.
    """
    one_of("normalization", normalization, NORMALIZATIONS)
    if not isinstance(depth, int) or depth < 2:
        raise ValueError(f"Expected a depth that is an integer from 2. Received: depth={depth!r}")
    bias = normalization is None
    widths = [min(1 << i, WIDEST) * width for i in range(depth)]
    skips = []
    for i, size in enumerate(widths):
        name = f"down{i + 1}"
        if i:
            x = keras.layers.LeakyReLU(0.2, name=f"{name}_leaky")(x)
        x = small_convolution(x, size, 4, name, strides=2, use_bias=bias)
        if 0 < i < depth - 1:
            x = normalize(x, name, normalization)
        skips.append(x)
    x = skips.pop()
    double = functools.partial(small_convolution, kernel=4, strides=2, transposed=True)
    for i in range(depth - 1, 0, -1):
        name = f"up{i + 1}"
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
        x = double(x, widths[i - 1], name=name, use_bias=bias)
        x = normalize(x, name, normalization)
        if dropout and 4 <= i < depth - 1:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
        x = keras.layers.Concatenate(name=f"{name}_skip")([x, skips.pop()])
    x = keras.layers.ReLU(name="up1_relu")(x)
    return double(x, channels, name="up1", dtype="float32")
