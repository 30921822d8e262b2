"""Image-to-image networks: surrogates that an attacker trains, and hosts that mark their outputs.

* `build_unet`: Isola et al., "Image-to-image translation with conditional adversarial networks",
  CVPR 2017 (pix2pix).
* `build_resnet`: Johnson, Alahi and Fei-Fei, "Perceptual losses for real-time style transfer and
  super-resolution", ECCV 2016, as pix2pix has it.
* `build_super_resolver`: the same paper's network that enlarges images.

Zhang et al., "Model watermarking for image processing networks", AAAI 2020, copy a model with four
surrogates: UNet is `build_unet(residual=True)` for 256 x 256 pixels, and CNet, Res9, Res16 are
`build_resnet(blocks, residual=True)` of 0, 9 and 16 blocks. Wu et al., "Watermarking neural
networks with watermarked images", use pix2pix and Johnson's network as hosts, among others.

Code: pix2pix and CycleGAN (BSD), and Zhang et al.'s; nothing of it is reused. Where these differ:

* Because of an operator's precedence, the residual blocks of Zhang's code have one convolution, not
  two. Two are the default here; `block_depth=1` is theirs.
* Theirs normalize in use by the mean statistics of the training. Here each image is normalized by
  its own statistics, in training and in use.
* Their dropout of 0.5 is an argument of the U-Net, 0 by default; the residual network has none.
* Zhang's text does not say what the "several convolutional layers" of CNet are. Here CNet is the
  residual network without blocks.

Images are in [0, 1]. Inside the networks, pixels are `2 image - 1`, and the last function is tanh.
With `residual` a network outputs a change of its input in that range, and the sum is clipped; of a
gray input that becomes a color image, the change is its chroma alone.
"""

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers import DepthToSpace
from tfwm.layers.base import Configured
from tfwm.models import parts
from tfwm.ops.color import yuv_to_rgb

# The largest V of a color in [0, 1].
LARGEST_CHROMA = 0.615


def build_unet(
    channels_in: int = 3,
    channels_out: int = 3,
    width: int = 64,
    depth: int = 8,
    normalization: str | None = "instance",
    dropout: float = 0.0,
    residual: bool = False,
    name: str = "unet",
) -> keras.Model:
    """Builds pix2pix's U-Net; the defaults are `unet_256`.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        width: channels after the first halving; the deepest layers have eight times as many.
        depth: number of halvings, from 2: 8 for 256 x 256 pixels, 6 for 64 x 64.
        normalization: `"instance"`, `"batch"` or `None`.
        dropout: rate in training in the middle of the way up, from a depth of 6; pix2pix has 0.5.
        residual: whether the network outputs a change of the input, which then needs as many
            channels, or one where the output has three: U and V are predicted, the input is Y.
        name: name of the model.

    Returns:
        `keras.Model` from `(batch, H, W, channels_in)` to `(batch, H, W, channels_out)`, both in
        [0, 1], H and W multiples of `2**depth`.

    Example:

    >>> model = build_unet(channels_in=1, width=4, depth=3)
    >>> tuple(model(np.full((1, 32, 48, 1), 0.5)).shape)
    (1, 32, 48, 3)
    """
    parts.check_sizes(channels_in=channels_in, channels_out=channels_out, width=width)
    image = keras.Input((None, None, channels_in), name="image")
    changed = _changed_channels(channels_in, channels_out, residual)
    x = parts.unet(parts.to_signal(image), changed, width, depth, normalization, dropout)
    return keras.Model(image, _finished(image, x, residual), name=name)


def build_resnet(
    blocks: int = 9,
    channels_in: int = 3,
    channels_out: int = 3,
    width: int = 64,
    block_depth: int = 2,
    normalization: str | None = "instance",
    residual: bool = False,
    name: str = "resnet",
) -> keras.Model:
    """Builds a residual network: two halvings, residual blocks, two doublings.

    Args:
        blocks: number of residual blocks: 0 (CNet), 9 or 16.
        channels_in: channels of the input.
        channels_out: channels of the output.
        width: channels at full resolution; the blocks have four times as many.
        block_depth: convolutions of a block: 2, or 1 as in Zhang's code.
        normalization: `"instance"`, `"batch"` or `None`.
        residual: see `build_unet`.
        name: name of the model.

    Returns:
        `keras.Model` from `(batch, H, W, channels_in)` to `(batch, H, W, channels_out)`, both in
        [0, 1], H and W multiples of 4, at least 8.

    Example:

    >>> tuple(build_resnet(2, width=4)(np.full((1, 32, 48, 3), 0.5)).shape)
    (1, 32, 48, 3)
    """
    parts.check_sizes(channels_in=channels_in, channels_out=channels_out, width=width)
    parts.check_sizes(block_depth=block_depth)
    one_of("normalization", normalization, parts.NORMALIZATIONS)
    _check_blocks(blocks)
    image = keras.Input((None, None, channels_in), name="image")
    x = ReflectionPadding(3, name="first_border")(parts.to_signal(image))
    x = parts.small_block(x, width, "first", normalization, 7, padding="valid")
    for i in (1, 2):
        x = parts.small_block(x, width << i, f"half{i}", normalization, strides=2)
    for i in range(blocks):
        x = _block(x, block_depth, f"block{i + 1}", normalization)
    for i in (1, 0):
        x = parts.small_block(
            x, width << i, f"double{2 - i}", normalization, strides=2, transposed=True
        )
    x = ReflectionPadding(3, name="last_border")(x)
    changed = _changed_channels(channels_in, channels_out, residual)
    x = parts.small_convolution(x, changed, 7, "last", padding="valid", dtype="float32")
    return keras.Model(image, _finished(image, x, residual), name=name)


def build_super_resolver(
    scale: int = 4,
    channels: int = 3,
    width: int = 64,
    blocks: int = 4,
    name: str = "super_resolver",
) -> keras.Model:
    """Builds a network that enlarges images: it adds detail to bilinear interpolation.

    As in Johnson's paper: a 9 x 9 convolution, residual blocks at the small size, doublings, a
    9 x 9 convolution. As in Lim et al., "Enhanced deep residual networks", CVPRW 2017, there is
    no normalization, which would remove an image's contrast. Doublings are `DepthToSpace`.

    Args:
        scale: factor on the sides, a power of 2; the paper has 4 and 8.
        channels: channels of input and output.
        width: channels of the hidden layers.
        blocks: number of residual blocks; the paper has 4.
        name: name of the model.

    Returns:
        `keras.Model` from `(batch, H, W, channels)` to `(batch, scale * H, scale * W, channels)`,
        both in [0, 1], H and W at least 5.

    Example:

    >>> tuple(build_super_resolver(width=4)(np.full((1, 16, 24, 3), 0.5)).shape)
    (1, 64, 96, 3)
    """
    parts.check_sizes(channels=channels, width=width)
    _check_blocks(blocks)
    if scale not in (2, 4, 8, 16):
        raise ValueError(f"Expected a scale of 2, 4, 8 or 16. Received: scale={scale!r}")
    image = keras.Input((None, None, channels), name="image")
    x = ReflectionPadding(4, name="first_border")(parts.to_signal(image))
    x = keras.layers.Conv2D(width, 9, activation="relu", name="first")(x)
    for i in range(blocks):
        y = keras.layers.Conv2D(
            width, 3, padding="same", activation="relu", name=f"block{i + 1}_conv1"
        )(x)
        y = keras.layers.Conv2D(width, 3, padding="same", name=f"block{i + 1}_conv2")(y)
        x = keras.layers.Add(name=f"block{i + 1}_sum")([x, y])
    for i in range(scale.bit_length() - 1):
        x = keras.layers.Conv2D(4 * width, 3, padding="same", name=f"double{i + 1}")(x)
        x = DepthToSpace(2, name=f"double{i + 1}_places")(x)
        x = keras.layers.ReLU(name=f"double{i + 1}_relu")(x)
    x = ReflectionPadding(4, name="last_border")(x)
    x = parts.small_convolution(x, channels, 9, "last", padding="valid", dtype="float32")
    x = _finished(Enlarge(scale, name="enlarged")(image), x, residual=True)
    return keras.Model(image, x, name=name)


def _check_blocks(blocks):
    if not isinstance(blocks, int) or blocks < 0:
        raise ValueError(f"Expected blocks to be an integer from 0. Received: blocks={blocks!r}")


def _changed_channels(channels_in, channels_out, residual):
    """Returns the channels of the last convolution: two where a gray input is given its chroma."""
    if not residual or channels_in == channels_out:
        return channels_out
    if (channels_in, channels_out) != (1, 3):
        raise ValueError(
            "Expected as many channels_out as channels_in with residual=True, or 1 and 3 to add "
            f"colors. Received: channels_in={channels_in}, channels_out={channels_out}"
        )
    return 2


def _finished(image, x, residual):
    """Turns the last convolution's results into pixels in [0, 1], float32."""
    x = keras.layers.Activation("tanh", name="tanh", dtype="float32")(x)
    if not residual:
        return keras.layers.Rescaling(0.5, offset=0.5, name="output", dtype="float32")(x)
    if image.shape[-1] == x.shape[-1]:
        x = keras.layers.Rescaling(0.5, name="change", dtype="float32")(x)
        x = keras.layers.Add(name="changed", dtype="float32")([image, x])
    else:
        x = AddChroma(name="colored")([image, x])
    return keras.ops.clip(x, 0.0, 1.0)


def _block(x, depth, name, normalization):
    """Adds a residual block; only one of a single convolution ends in a ReLU, as Zhang's."""
    y = x
    for i in range(1, depth + 1):
        y = ReflectionPadding(1, name=f"{name}_border{i}")(y)
        relu = i < depth or depth == 1
        y = parts.small_block(
            y, x.shape[-1], f"{name}_conv{i}", normalization, relu=relu, padding="valid"
        )
    return keras.layers.Add(name=f"{name}_sum")([x, y])


@keras.saving.register_keras_serializable(package="tfwm")
class AddChroma(Configured, keras.layers.Layer):
    """Gives a gray image its colors: BT.601 YUV whose Y is the image.

    Input shape:
        A list: the image `(batch, height, width, 1)`; U and V `(batch, height, width, 2)`, where 1
        stands for 0.615, the largest V of a color in [0, 1].

    Output shape:
        `(batch, height, width, 3)`, RGB, float32, not clipped.

    Example:

    >>> gray, none = np.full((1, 1, 1, 1), 0.5, "float32"), np.zeros((1, 1, 1, 2), "float32")
    >>> AddChroma()([gray, none]).numpy()[0, 0, 0].tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def call(self, inputs):
        light, chroma = inputs
        return yuv_to_rgb(tf.concat([light, LARGEST_CHROMA * chroma], axis=-1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], 3)


@keras.saving.register_keras_serializable(package="tfwm")
class Enlarge(Configured, keras.layers.Layer):
    """Enlarges images of any size by a whole factor, bilinearly.

    Equals `keras.layers.UpSampling2D(interpolation="bilinear")`, which Keras 3.15 cannot export
    for images of unknown size.

    Args:
        scale: factor on the sides, an integer.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, scale * height, scale * width, channels)`, float32.

    Example:

    >>> row = np.array([0.0, 1.0], "float32").reshape(1, 1, 2, 1)
    >>> Enlarge(2)(row).numpy()[0, 0, :, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """

    def __init__(self, scale, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if not isinstance(scale, int) or scale < 1:
            raise ValueError(f"Expected a scale that is an integer from 1. Received: {scale=}")
        self.scale = scale

    def call(self, inputs):
        return tf.image.resize(inputs, tf.shape(inputs)[1:3] * self.scale)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n * self.scale for n in (height, width)]
        return (batch, *sides, channels)


@keras.saving.register_keras_serializable(package="tfwm")
class ReflectionPadding(Configured, keras.layers.Layer):
    """Pads an image with its mirror image.

    The networks of Johnson, Alahi and Fei-Fei (2016) and later ones pad this way before wide
    convolutions, and not with zeros, so that no frame is visible in their outputs.

    Args:
        size: number of pixels to add on each side, less than the sides of the image.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        `(batch, height + 2 * size, width + 2 * size, channels)`.

    Example:

    >>> row = np.array([1.0, 2.0, 3.0], "float32").reshape(1, 1, 3, 1)
    >>> row = np.repeat(row, 2, axis=1)
    >>> ReflectionPadding(1)(row).numpy()[0, 0, :, 0].tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0]
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"Expected a size that is an integer from 0. Received: size={size!r}")
        self.size = size

    def call(self, inputs):
        sides = [self.size, self.size]
        return tf.pad(inputs, [[0, 0], sides, sides, [0, 0]], "REFLECT")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n + 2 * self.size for n in (height, width)]
        return (batch, *sides, channels)
