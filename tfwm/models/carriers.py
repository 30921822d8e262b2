"""A relative of StegaStamp that survives crops and learns quickly: carriers instead of features.

Each bit has a carrier, a pattern over the whole photo, and the mark is their signed
sum beside a pattern that shows where the photo lies. A U-Net shapes the mark to the photo. The
extractor estimates the mark's light, finds the photo in it by the pattern (in place of StegaStamp's
learned transformer), and correlates with the carriers. Pattern and carriers are constants, so that
first weights read already; how the mark is shaped and how it is estimated is learned. tfwm's own;
the idea of carriers is that of spread-spectrum watermarking (Cox et al., "Secure spread spectrum
watermarking for multimedia", 1997), and that of giving more of the mark to bits that the photo
opposes is Malvar's and Florencio's ("Improved spread spectrum", 2003).
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from tfwm.layers import DepthToSpace, SpaceToDepth
from tfwm.layers.base import Configured
from tfwm.layers.registration import CELLS, Registration, Resample, pattern
from tfwm.models import parts
from tfwm.models.held import HeldResidual
from tfwm.ops.filters import box_means

# Carriers have so many cells a side.
GRID = 2 * CELLS
# Squares of pixels that become channels before the U-Net, and before the estimate of the mark.
FOLD, SMALL_FOLD = 4, 2
# Side of the squares whose mean and power are taken out of an image, and the least power.
NEIGHBORHOOD, LEAST_POWER = 9, 5e-5
# Size of the pattern beside that of the carriers, at first.
PATTERN_SIZE = 0.9


def build_embedder(
    size: int = 256,
    message_length: int = 100,
    width: int = 32,
    held: dict | None = None,
    name: str = "embedder",
) -> keras.Model:
    """Builds the encoder: carriers, signed by the bits, shaped by a U-Net that sees the image.

    Args:
        size: height and width of the image in pixels, a multiple of 128.
        message_length: number of bits.
        width: channels of the U-Net at a quarter of the size; its deepest layer has four times as
            many.
        held: arguments of `tfwm.models.held.HeldResidual`, by default a visible error of 38 dB.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, size, size, 3) in [0, 1], "message": 0 and
        1 (batch, 1, 1, message_length), "strength": (batch,)}` and the watermarked image
        `image + strength * residual`, not clipped.

    Example:

    >>> image, message = np.full((1, 128, 128, 3), 0.5), np.ones((1, 1, 1, 8))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder(128, 8, width=4)(inputs).shape)
    (1, 128, 128, 3)
    """
    _check(size, message_length, width)
    image = keras.Input((size, size, 3), name="image")
    message = keras.Input((1, 1, message_length), name="message")
    strength = keras.Input((), name="strength")

    signs = keras.layers.Rescaling(2.0, -1.0, name="signs", dtype="float32")(message)
    signs = keras.layers.Flatten(name="bits", dtype="float32")(signs)
    light = keras.ops.mean(Details(name="details")(image), -1, keepdims=True)
    host = _correlations(light, message_length, "host")
    amounts = Opposed(name="amounts")([signs, host])
    mark = _carried(amounts, size)
    place = PatternImage(size, name="pattern")(image)

    seen = [keras.layers.Rescaling(1.0, -0.5, name="pixels")(image), mark, place]
    folded = keras.layers.Concatenate(name="seen")(seen)
    planes = _unet(SpaceToDepth(FOLD, name="folded")(folded), width, 7 * FOLD**2)
    planes = DepthToSpace(FOLD, name="planes", dtype="float32")(planes)
    residual = Shaped(name="shaped")([planes, mark, place])
    residual = HeldResidual(**(held or {"target": 38.0}), name="held")([residual, image])

    factor = keras.layers.Reshape((1, 1, 1), name="strength_factor", dtype="float32")(strength)
    change = keras.layers.Multiply(name="change", dtype="float32")([residual, factor])
    watermarked = keras.layers.Add(name="watermarked", dtype="float32")([image, change])
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    size: int = 256,
    message_length: int = 100,
    width: int = 16,
    smallest: float = 0.64,
    name: str = "extractor",
) -> keras.Model:
    """Builds the decoder: estimates the mark, finds the photo in it, correlates with carriers.

    Args:
        size: see `build_embedder`.
        message_length: see `build_embedder`.
        width: channels of the convolutions, at half the size.
        smallest: least share of a side that a crop may keep, see `tfwm.layers.Registration`.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, size, size, 3)` in [0, 1] to the logits
        `(batch, 1, 1, message_length)`, positive for a 1.

    Example:

    >>> tuple(build_extractor(128, 8, width=4)(np.full((1, 128, 128, 3), 0.5)).shape)
    (1, 1, 1, 8)
    """
    _check(size, message_length, width)
    image = keras.Input((size, size, 3), name="image")
    mark = _estimate(Details(name="details")(image), width)
    cells = keras.layers.AveragePooling2D(size // GRID, name="cells", dtype="float32")(mark)
    _, maps = Registration(smallest, name="registration")(cells)
    mark = Resample(name="aligned", dtype="float32")([mark, maps])
    x = _correlations(mark, message_length, "read")
    x = keras.layers.Reshape((message_length, 1), name="bits_apart", dtype="float32")(x)
    x = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=_constant(2.0), name="bits_scale", dtype="float32"
    )(x)
    logits = keras.layers.Reshape((1, 1, message_length), name="logits", dtype="float32")(x)
    return keras.Model(image, logits, name=name)


def _check(size, message_length, width):
    parts.check_sizes(size=size, message_length=message_length, width=width)
    if size % GRID:
        raise ValueError(f"Expected a size that is a multiple of {GRID}. Received: size={size!r}")


def _constant(value):
    return keras.initializers.Constant(value)


def _convolution(x, width, stride, name):
    return keras.layers.Conv2D(
        width, 3, stride, "same", activation="relu", kernel_initializer="he_normal", name=name
    )(x)


def _unet(x, width, channels):
    first = _convolution(x, width, 1, "down1")
    second = _convolution(first, 2 * width, 2, "down2")
    x = _convolution(second, 4 * width, 2, "deepest")
    for factor, skip, name in ((2, second, "up2"), (1, first, "up1")):
        x = keras.layers.UpSampling2D(name=f"{name}_larger")(x)
        x = keras.layers.Concatenate(name=f"{name}_joined")([x, skip])
        x = _convolution(x, factor * width, 1, name)
    small = keras.initializers.RandomNormal(stddev=0.001)
    return keras.layers.Conv2D(
        channels, 1, kernel_initializer=small, name="planes_folded", dtype="float32"
    )(x)


def _estimate(details, width):
    """Adds an estimate of the mark's light at each pixel: at first, the details themselves."""
    x = SpaceToDepth(SMALL_FOLD, name="details_folded")(details)
    for i in range(1, 4):
        x = _convolution(x, width, 1, f"estimate{i}")
    x = keras.layers.Conv2D(
        SMALL_FOLD**2, 3, padding="same", kernel_initializer="zeros", name="more", dtype="float32"
    )(x)
    x = DepthToSpace(SMALL_FOLD, name="more_pixels", dtype="float32")(x)
    light = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=_constant(1 / 3), name="light", dtype="float32"
    )(details)
    return keras.layers.Add(name="mark", dtype="float32")([x, light])


def _correlations(image, bits, name):
    """Adds the correlations of an image with the carriers, about 1 where there is no mark."""
    cell = image.shape[1] // GRID
    x = keras.layers.AveragePooling2D(cell, name=f"{name}_cells", dtype="float32")(image)
    return Carriers(bits, reading=True, name=f"{name}_bits")(x)


def _carried(amounts, size):
    bits = amounts.shape[-1]
    x = Carriers(bits, name="carriers")(amounts)
    x = keras.layers.Rescaling(bits**-0.5, name="carriers_scaled", dtype="float32")(x)
    return keras.layers.UpSampling2D(
        size // GRID, interpolation="bilinear", name="carrier_image", dtype="float32"
    )(x)


@keras.saving.register_keras_serializable(package="tfwm")
class Carriers(Configured, keras.layers.Layer):
    """Sums carriers, or correlates with them.

    The carriers are constants: patterns of mean square 1, orthogonal to each other and to what
    registration finds, the same for a number of bits and a seed.

    Args:
        bits: number of carriers.
        reading: whether the layer goes from cells to bits; otherwise from bits to cells.
        seed: of the random numbers that are made orthogonal.

    Input shape:
        Amounts `(batch, bits)`; if reading, cells `(batch, GRID, GRID, 1)`.

    Output shape:
        Cells, the amounts' sum of carriers; if reading, correlations `(batch, bits)`: sums over
        the cells, divided by `GRID`, so that cells of chance with mean square 1 give about 1.
    """

    def __init__(self, bits, reading=False, seed=1, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.bits = bits
        self.reading = reading
        self.seed = seed

    def build(self, input_shape):
        self._patterns = carrier_patterns(self.bits, self.seed)

    def call(self, inputs):
        if self.reading:
            cells = tf.reshape(inputs, (-1, GRID**2))
            return tf.matmul(cells, self._patterns, transpose_b=True) / GRID
        return tf.reshape(tf.matmul(inputs, self._patterns), (-1, GRID, GRID, 1))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *((self.bits,) if self.reading else (GRID, GRID, 1)))


@functools.lru_cache(maxsize=4)
def carrier_patterns(bits, seed=1):
    """Returns the carriers, float32 `(bits, GRID ** 2)`, see `Carriers`."""
    values = np.random.RandomState(seed).standard_normal((GRID**2, 1 + bits))
    values[:, 0] = pattern().ravel()
    directions, triangle = np.linalg.qr(values)
    directions *= np.sign(np.diag(triangle))  # else they are a matter of the library's taste
    return np.ascontiguousarray(directions[:, 1:].T * GRID).astype("float32")


@keras.saving.register_keras_serializable(package="tfwm")
class Details(Configured, keras.layers.Layer):
    """Takes the local mean out of an image, and divides by the local deviation.

    So a mark counts alike in smooth and textured places, and tones do not change it.

    Call arguments:
        inputs: `(batch, height, width, channels)` in [0, 1].

    Output shape:
        That of the input.
    """

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def call(self, inputs):
        change = inputs - box_means(inputs, NEIGHBORHOOD)
        return change * tf.math.rsqrt(box_means(tf.square(change), NEIGHBORHOOD) + LEAST_POWER)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="tfwm")
class Opposed(Configured, keras.layers.Layer):
    """Gives more of the mark to bits that the image itself says wrong.

    The amount of a bit is `softplus(bias - weight * sign * correlation)`, then scaled to a mean
    square of 1 over the bits; weight and bias are learned.

    Call arguments:
        inputs: `[signs, correlations]`, both `(batch, bits)`: -1 and 1, and those of the image.

    Output shape:
        `(batch, bits)`, with the signs.
    """

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.weight = self.add_weight(shape=(), initializer=_constant(1.0), name="weight")
        self.bias = self.add_weight(shape=(), initializer=_constant(1.5), name="bias")

    def call(self, inputs):
        signs, correlations = inputs
        amounts = tf.nn.softplus(self.bias - self.weight * signs * correlations)
        power = tf.reduce_mean(tf.square(amounts), -1, keepdims=True)
        return signs * amounts * tf.math.rsqrt(power + 1e-6)

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@keras.saving.register_keras_serializable(package="tfwm")
class PatternImage(Configured, keras.layers.Layer):
    """Gives the pattern that registration finds, enlarged to the image, once for each image.

    Args:
        size: height and width of the image.
    """

    def __init__(self, size, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.size = size

    def build(self, input_shape):
        cells = pattern()[None, :, :, None]
        self._image = tf.image.resize(cells, (self.size, self.size)).numpy() * PATTERN_SIZE

    def call(self, inputs):
        return tf.zeros_like(inputs[..., :1]) + self._image

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


@keras.saving.register_keras_serializable(package="tfwm")
class Shaped(keras.layers.Layer):
    """Combines mark, pattern and a U-Net's planes into a residual of three channels.

    Three planes are added, three weigh the mark in each channel, and one weighs the pattern; where
    all are 0, the residual is gray, the sum of mark and pattern.

    Call arguments:
        inputs: `[planes, mark, pattern]`, with 7 channels, 1 and 1.
    """

    def call(self, inputs):
        planes, mark, place = inputs
        weights = 1.0 + planes[..., 3:]
        return planes[..., :3] + mark * weights[..., :3] + place * weights[..., 3:]

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], 3)
