"""MBRS: robust to real JPEG by mini-batches of real and simulated JPEG.

Jia, Fang and Zhang, "MBRS: Enhancing robustness of DNN-based watermarking by mini-batch of real
and simulated JPEG compression", ACM Multimedia 2021. Section 3.2 (Fig. 2: message processor,
encoder, decoder, adversary), section 3.4 (strength factor), section 4.3 (diffusion).

Official code: github.com/jzyustc/MBRS (MIT). Nothing of it is reused; written from paper and
specification. Where the two differ:

* The blocks are the code's, bottlenecks without reduction; the paper says only "SE blocks".
* The decoder ends in a plain 3 x 3 convolution, as in the text. The code's ends in batch
  normalization and ReLU, whose outputs for a 0 have no gradient.
* A bit is a logit here, and has a place in a grid. The paper's square message `sqrt(L) x sqrt(L)`
  is the grid of a square image; here images and grids may be any rectangle of blocks.
* The last convolution returns the residual `E(I, m) - I`. It can learn the same functions, as it
  sees the image as well, and training begins with the image instead of noise.

Transposed convolutions are computed as 1 x 1 convolutions and `DepthToSpace`, with equal results.
Inside the network, pixels are `2 image - 1`.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfwm.checks import one_of
from tfwm.layers import DepthToSpace, SpaceToDepth
from tfwm.layers.base import Configured
from tfwm.models import parts

DIFFUSIONS = (None, "dense", "repeat")


def build_embedder(
    block_size: int = 16,
    width: int = 64,
    depth: int = 4,
    diffusion: str | None = None,
    message_length: int = 30,
    tile_size: int = 128,
    name: str = "embedder",
) -> keras.Model:
    """Builds the embedding network (Fig. 2): message processor and encoder.

    Without diffusion, each block of the image carries one bit of its own. With diffusion, each
    tile carries `message_length` bits, and each block a part of all of them: `"dense"` is the
    paper's learned layer (section 4.3); `"repeat"` puts the bits into a rectangle of blocks
    and repeats it over the tile (`MessageSpread`).

    Args:
        block_size: side of a block in pixels, a power of 2; the paper has 16, and 8 with
            diffusion.
        width: channels of the hidden layers.
        depth: number of SE blocks in each part.
        diffusion: `None`, `"dense"` or `"repeat"`.
        message_length: bits of a tile, with diffusion.
        tile_size: side of a tile in pixels, with diffusion.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, 3) in [0, 1], "message": 0 and 1,
        "strength": (batch,)}` and the watermarked image `(batch, H, W, 3)`, not clipped:
        `I + strength (E(I, m) - I)`. The message is `(batch, H / block_size, W / block_size, 1)`,
        or with diffusion `(batch, H / tile_size, W / tile_size, message_length)`.

    Example:

    >>> image, message = np.full((1, 64, 96, 3), 0.5), np.ones((1, 4, 6, 1))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder(width=8)(inputs).shape)
    (1, 64, 96, 3)
    """
    doublings = _check(block_size, diffusion, tile_size)
    image = keras.Input((None, None, 3), name="image")
    bits = 1 if diffusion is None else message_length
    message = keras.Input((None, None, bits), name="message")
    strength = keras.Input((), name="strength")

    signal = parts.to_signal(image)
    x = parts.convolution(signal, width, "image_conv")
    x = _blocks(x, width, depth, "image_block")

    m = _spread(parts.to_signs(message), diffusion, tile_size // block_size)
    m = parts.convolution(m, width, "message_conv")
    for i in range(doublings):
        m = _doubled(m, width, f"message_up{i + 1}")
    m = _blocks(m, width, max(depth - doublings, 1) + depth, "message_block")

    x = keras.layers.Concatenate(name="image_and_message")([x, m])
    x = parts.convolution(x, width, "fusion_conv")
    x = keras.layers.Concatenate(name="features_and_image")([x, signal])
    # Training begins at about 30 dB, where the networks can learn a message.
    faint = keras.initializers.VarianceScaling(0.01, "fan_avg", "uniform")
    residual = keras.layers.Conv2D(
        3, 1, kernel_initializer=faint, name="residual", dtype="float32"
    )(x)
    watermarked = parts.add_residual(image, residual, strength)
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    block_size: int = 16,
    width: int = 64,
    depth: int = 4,
    diffusion: str | None = None,
    message_length: int = 30,
    tile_size: int = 128,
    name: str = "extractor",
) -> keras.Model:
    """Builds the extraction network (Fig. 2), which returns one logit for each bit.

    Args:
        block_size: see `build_embedder`.
        width: channels at full resolution; they double with each halving.
        depth: see `build_embedder`.
        diffusion: see `build_embedder`.
        message_length: see `build_embedder`.
        tile_size: see `build_embedder`.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 3)` in [0, 1] to logits of the message's shape,
        before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor(width=8)(np.full((1, 64, 96, 3), 0.5)).shape)
    (1, 4, 6, 1)
    """
    halvings = _check(block_size, diffusion, tile_size)
    image = keras.Input((None, None, 3), name="image")
    x = parts.convolution(parts.to_signal(image), width, "conv")
    x = _block(x, width, "block")
    for i in range(halvings):
        x = _block(x, width << i, f"block{i + 1}_same")
        x = _block(x, width << i + 1, f"block{i + 1}_half", stride=2)
    x = parts.convolution(x, width, "narrow_conv")
    x = _blocks(x, width, max(depth - halvings, 0), "last_block")
    x = keras.layers.Conv2D(1, 3, padding="same", name="places", dtype="float32")(x)
    side = tile_size // block_size
    if diffusion == "repeat":
        spread = MessageSpread(message_length, side, name="gather", dtype="float32")
        x = spread(x, inverse=True)
    elif diffusion == "dense":
        x = SpaceToDepth(side, name="tiles")(x)
        x = keras.layers.Conv2D(message_length, 1, name="gather", dtype="float32")(x)
    return keras.Model(image, x, name=name)


def _check(block_size, diffusion, tile_size):
    """Checks the arguments; returns the base-2 logarithm of `block_size`."""
    one_of("diffusion", diffusion, DIFFUSIONS)
    power = block_size.bit_length() - 1
    if power < 1 or block_size != 1 << power:
        raise ValueError(
            f"Expected a block_size of 2, 4, 8, 16, ... Received: block_size={block_size!r}"
        )
    if diffusion and tile_size % block_size:
        raise ValueError(
            "Expected a tile_size that is a multiple of the block_size. "
            f"Received: tile_size={tile_size!r}, block_size={block_size}"
        )
    return power


def _spread(signs, diffusion, side):
    """Spreads the bits of each tile over its grid of `side x side` blocks."""
    if diffusion == "dense":
        x = keras.layers.Conv2D(side * side, 1, name="spread")(signs)
        return DepthToSpace(side, name="places")(x)
    if diffusion == "repeat":
        return MessageSpread(signs.shape[-1], side, name="spread")(signs)
    return signs


def _doubled(x, width, name):
    x = keras.layers.Conv2D(4 * width, 1, use_bias=False, name=name)(x)
    x = parts.normalize(DepthToSpace(2, name=f"{name}_places")(x), name)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _blocks(x, width, count, name):
    for i in range(count):
        x = _block(x, width, f"{name}{i + 1}")
    return x


def _block(x, width, name, stride=1):
    """Adds a residual bottleneck without reduction, with squeeze and excitation."""
    y = x
    for i, (size, step) in enumerate(((1, stride), (3, 1), (1, 1)), 1):
        layer = f"{name}_conv{i}"
        y = keras.layers.Conv2D(width, size, step, "same", use_bias=False, name=layer)(y)
        y = parts.normalize(y, layer)
        if i < 3:
            y = keras.layers.ReLU(name=f"{layer}_relu")(y)
    y = SqueezeExcite(name=f"{name}_gate")(y)
    if stride > 1 or x.shape[-1] != width:
        x = keras.layers.Conv2D(width, 1, stride, use_bias=False, name=f"{name}_shortcut")(x)
        x = parts.normalize(x, f"{name}_shortcut")
    x = keras.layers.Add(name=f"{name}_sum")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


@keras.saving.register_keras_serializable(package="tfwm")
class MessageSpread(Configured, keras.layers.Layer):
    """Repeats the bits of each tile over its whole area; inversely, sums what each place reads.

    A tile is a square grid of places. The bits form a rectangle, one bit in each place, and the
    rectangle repeats over the tile, so any part of the tile of that size holds every bit. This
    is a fixed form of MBRS's diffusion (section 4.3), and `inverse` is its transpose. Nothing
    is learned.

    Args:
        length: bits of a tile.
        side: places along a side of a tile; `side**2` is at least `length`.

    Call arguments:
        inputs: signs of the bits `(batch, tile rows, tile columns, length)`; with `inverse`
            logits `(batch, tile rows * side, tile columns * side, 1)`.
        inverse: whether to sum the logits of each bit.

    Output shape:
        The other of the two shapes above.

    Attributes:
        rectangle: `(rows, columns)`, as square as possible. If it has more places than there
            are bits, the first bits repeat in the rest.

    Example:

    >>> spread = MessageSpread(30, 32)
    >>> places = spread(np.ones((1, 1, 2, 30), "float32"))
    >>> tuple(places.shape), tuple(spread(places, inverse=True).shape), spread.rectangle
    ((1, 32, 64, 1), (1, 1, 2, 30), (5, 6))
    """

    def __init__(self, length, side, **kwargs):
        super().__init__(**kwargs)
        if length < 1 or side**2 < length:
            raise ValueError(
                "Expected a length of at least 1 and at most side**2. "
                f"Received: length={length!r}, side={side!r}"
            )
        self.length = length
        self.side = side
        rows = math.isqrt(length)
        self.rectangle = (rows, math.ceil(length / rows))
        row, column = np.mgrid[:side, :side]
        bit = row % self.rectangle[0] * self.rectangle[1] + column % self.rectangle[1]
        self._bit_of_place = bit.ravel() % length

    def call(self, inputs, inverse=False):
        places = np.eye(self.length, dtype="float32")[self._bit_of_place]
        places = tf.constant(places[None, None], inputs.dtype)
        if inverse:
            return tf.nn.conv2d(tf.nn.space_to_depth(inputs, self.side), places, 1, "VALID")
        x = tf.nn.conv2d(inputs, tf.transpose(places, (0, 1, 3, 2)), 1, "VALID")
        return tf.nn.depth_to_space(x, self.side)

    def compute_output_spec(self, inputs, inverse=False):
        batch, rows, columns, _ = inputs.shape
        resize = (lambda n: n // self.side) if inverse else (lambda n: n * self.side)
        sides = [None if n is None else resize(n) for n in (rows, columns)]
        shape = (batch, *sides, self.length if inverse else 1)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable(package="tfwm")
class SqueezeExcite(Configured, keras.layers.Layer):
    """Scales each channel by a gate that depends on the means of all channels.

    Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018; MBRS's blocks
    contain it (section 3.2).

    Args:
        ratio: the hidden layer has `channels // ratio` units, at least one.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        That of the input.

    Example:

    >>> tuple(SqueezeExcite()(np.ones((2, 8, 12, 16), "float32")).shape)
    (2, 8, 12, 16)
    """

    def __init__(self, ratio=8, **kwargs):
        super().__init__(**kwargs)
        if ratio < 1:
            raise ValueError(f"Expected a ratio of at least 1. Received: ratio={ratio!r}")
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        hidden = max(channels // self.ratio, 1)
        policy = self.dtype_policy
        self.squeeze = keras.layers.Dense(hidden, activation="relu", dtype=policy)
        self.excite = keras.layers.Dense(channels, activation="sigmoid", dtype=policy)
        self.squeeze.build((None, channels))
        self.excite.build((None, self.squeeze.units))

    def call(self, inputs):
        gate = self.excite(self.squeeze(ops.mean(inputs, axis=(1, 2))))
        return inputs * gate[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape
