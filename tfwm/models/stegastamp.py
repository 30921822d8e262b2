"""StegaStamp, and CropDefender, its successor that is easier to train and survives cropping.

Tancik, Mildenhall and Ng, "StegaStamp: Invisible hyperlinks in physical photographs", CVPR 2020,
section 3; "CropDefender: deep watermark which is more easy to train and more robust against
cropping", arXiv 2109.06651: sections 3.1 (sigmoid), 3.3, 5.2.1 (instance normalization).

Official code: github.com/tancik/StegaStamp (MIT) and the CropDefender authors'. Nothing of either
is reused; this is written from the papers and the specification. Where this differs:

* The dense layer of the spatial transformer has 41 of the decoder's 52 million weights at
  400 x 400 pixels. Here it sees the means of a grid of 8 x 8 and gives 256 features, not 128: 2.1
  million. `tfwm.models.stegastamp_released` has the authors'.
* Up-convolutions are 2 x 2, StegaStamp's; CropDefender's are 3 x 3. StegaStamp's unused tenth
  convolution is left out.
* CropDefender's text normalizes "before activation layers". Its code normalizes the residual as
  well, to mean 0 and variance 1 in every image. Here, as in the text, the residual is not.
* `output="sigmoid"`, CropDefender's `sigmoid(I - 1/2 + R)`, is far from `I` for `R = 0`.
  `"logit"`, ours, is `sigmoid(logit(I) + R)`, which is `I` for `R = 0`. It is bounded as well, and
  training does not have to learn the photo first. `"held"`, ours too, is StegaStamp's sum of a
  residual that is scaled in each image so that its error has a given size.

Inside the networks, pixels and bits are shifted by -1/2.
"""

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers import InstanceNormalization
from tfwm.models import parts
from tfwm.models.held import HeldResidual
from tfwm.ops.warp import pixel_centers, sample_bilinear

OUTPUTS = ("sum", "sigmoid", "logit", "held")
# Logits of black and white are infinite: a pixel is at least this far from both.
MARGIN = 1 / 255
# Side of the grid of means from which the spatial transformer computes its map.
LOCATION_GRID = 8


def build_embedder(
    size: int = 400,
    message_length: int = 100,
    width: int = 32,
    normalization: str | None = "instance",
    output: str = "sigmoid",
    held: dict | None = None,
    name: str = "embedder",
) -> keras.Model:
    """Builds the encoder, a U-Net that sees the message as three more channels of the image.

    Args:
        size: height and width of the image in pixels, a multiple of 16, at least 64.
        message_length: number of bits.
        width: channels at full resolution; the deepest layers have eight times as many.
        normalization: `None` as in StegaStamp, `"instance"` as in CropDefender (section 5.2.1),
            or `"batch"`, for comparisons.
        output: how image `I` and residual `R` are combined: `"sum"` (StegaStamp), `"sigmoid"`
            (CropDefender, section 3.1), `"logit"` or `"held"` (ours), see above.
        held: of `"held"`, the arguments of `tfwm.models.held.HeldResidual`.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, size, size, 3) in [0, 1], "message": 0 and
        1 (batch, 1, 1, message_length), "strength": (batch,)}` and the watermarked image
        `I + strength * change`, not clipped.

    Example:

    >>> image, message = np.full((1, 64, 64, 3), 0.5), np.ones((1, 1, 1, 8))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder(64, 8, width=4)(inputs).shape)
    (1, 64, 64, 3)
    """
    _check(size, message_length, width, normalization)
    one_of("output", output, OUTPUTS)
    image = keras.Input((size, size, 3), name="image")
    message = keras.Input((1, 1, message_length), name="message")
    strength = keras.Input((), name="strength")

    signal = keras.layers.Concatenate(name="message_and_image")(
        [_message_image(message, size, normalization), _shifted(image, "pixels")]
    )
    x, skips = signal, [signal]
    for i, (factor, stride) in enumerate(((1, 1), (1, 2), (2, 2), (4, 2), (8, 2)), 1):
        x = _convolution(x, factor * width, 3, stride, normalization, f"conv{i}")
        skips.append(x)
    skips.pop()
    for i, factor in enumerate((4, 2, 1, 1), 6):
        x = keras.layers.UpSampling2D(name=f"double{i}")(x)
        x = _convolution(x, factor * width, 2, 1, normalization, f"up{i}")
        joined = [skips.pop(), x] if i < 9 else [skips.pop(), x, skips.pop()]
        x = keras.layers.Concatenate(name=f"skip{i}")(joined)
        x = _convolution(x, factor * width, 3, 1, normalization, f"conv{i}")
    residual = keras.layers.Conv2D(3, 1, name="residual", dtype="float32")(x)

    if output == "held":
        change = HeldResidual(**(held or {"target": 36.0}), name="held")([residual, image])
    else:
        change = _change(image, residual, output)
    factor = keras.layers.Reshape((1, 1, 1), name="strength_factor", dtype="float32")(strength)
    change = keras.layers.Multiply(name="scaled_change", dtype="float32")([change, factor])
    watermarked = keras.layers.Add(name="watermarked", dtype="float32")([image, change])
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    size: int = 400,
    message_length: int = 100,
    width: int = 32,
    normalization: str | None = "instance",
    last_normalization: bool = True,
    scale_logits: bool = False,
    name: str = "extractor",
) -> keras.Model:
    """Builds the decoder: a spatial transformer aligns the image, then convolutions read it.

    Args:
        size: see `build_embedder`.
        message_length: see `build_embedder`.
        width: channels of the first convolutions; the last have four times as many.
        normalization: see `build_embedder`.
        last_normalization: whether the logits are normalized as well, to variance 1 over the bits
            (CropDefender, whose section 5.2.1 calls it the most important one). The
            cross-entropy then cannot fall below 0.313.
        scale_logits: whether a learned factor of at least 1 then multiplies the logits (ours), so
            that correct bits cost little and wrong bits dominate the loss.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, size, size, 3)` in [0, 1] to the logits
        `(batch, 1, 1, message_length)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor(64, 8, width=4)(np.full((1, 64, 64, 3), 0.5)).shape)
    (1, 1, 1, 8)
    """
    _check(size, message_length, width, normalization)
    image = keras.Input((size, size, 3), name="image")
    signal = _shifted(image, "pixels")
    x = signal
    for i, factor in enumerate((1, 2, 4), 1):
        x = _convolution(x, factor * width, 3, 2, normalization, f"locate_conv{i}")
    cells = max(size // 8 // LOCATION_GRID, 1)
    x = keras.layers.AveragePooling2D(cells, name="locate_means")(x)
    x = _dense(keras.layers.Flatten(name="locate_all")(x), 8 * width, normalization, "locate_dense")
    parameters = keras.layers.Dense(
        6,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant([1, 0, 0, 0, 1, 0]),
        name="locate_map",
        dtype="float32",
    )(x)
    x = SpatialTransformer(name="transformer")([signal, parameters])
    shapes = ((1, 2), (1, 1), (2, 2), (2, 1), (2, 2), (4, 2), (4, 2))
    for i, (factor, stride) in enumerate(shapes, 1):
        x = _convolution(x, factor * width, 3, stride, normalization, f"conv{i}")
    x = _dense(keras.layers.Flatten(name="all")(x), 16 * width, normalization, "dense")
    x = keras.layers.Dense(message_length, name="bits", dtype="float32")(x)
    if last_normalization:
        x = _normalized(x, normalization, "bits", dtype="float32")
    if scale_logits:
        x = keras.layers.Reshape((message_length, 1), name="bits_apart", dtype="float32")(x)
        # Never below 1: while the bits are at chance, a free factor falls to 0.
        more = keras.layers.Dense(
            1,
            use_bias=False,
            kernel_initializer="zeros",
            kernel_constraint="non_neg",
            name="bits_scale",
            dtype="float32",
        )(x)
        x = keras.layers.Add(name="bits_scaled", dtype="float32")([x, more])
    logits = keras.layers.Reshape((1, 1, message_length), name="logits", dtype="float32")(x)
    return keras.Model(image, logits, name=name)


def _check(size, message_length, width, normalization):
    # With fewer than 64 pixels, the last features would have one place: nothing to normalize over.
    if size < 64 or size % 16:
        raise ValueError(
            f"Expected a size that is a multiple of 16 from 64. Received: size={size!r}"
        )
    parts.check_sizes(message_length=message_length, width=width)
    one_of("normalization", normalization, parts.NORMALIZATIONS)


def _message_image(message, size, normalization):
    """Turns the message into an image of three channels, an eighth of the size, and enlarges it."""
    side = size // 8
    x = keras.layers.Flatten(name="message_bits")(_shifted(message, "signs"))
    x = _dense(x, side * side * 3, normalization, "message_dense")
    x = keras.layers.Reshape((side, side, 3), name="message_places")(x)
    return keras.layers.UpSampling2D(8, name="message_image")(x)


def _change(image, residual, output):
    if output == "sum":
        return residual
    if output == "sigmoid":
        return keras.ops.sigmoid(image - 0.5 + residual) - image
    inner = keras.ops.clip(image, MARGIN, 1 - MARGIN)
    logit = keras.ops.log(inner) - keras.ops.log(1 - inner)
    return keras.ops.sigmoid(logit + residual) - inner


def _shifted(x, name):
    return keras.layers.Rescaling(1.0, offset=-0.5, name=name)(x)


def _convolution(x, width, kernel, stride, normalization, name):
    x = keras.layers.Conv2D(
        width, kernel, stride, "same", kernel_initializer="he_normal", name=name
    )(x)
    return keras.layers.ReLU(name=f"{name}_relu")(_normalized(x, normalization, name))


def _dense(x, units, normalization, name):
    x = keras.layers.Dense(units, kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(_normalized(x, normalization, name))


def _normalized(x, normalization, name, dtype=None):
    if normalization == "instance":
        return InstanceNormalization(name=f"{name}_norm", dtype=dtype)(x)
    if normalization == "batch":
        return keras.layers.BatchNormalization(name=f"{name}_norm", dtype=dtype)(x)
    return x


@keras.saving.register_keras_serializable(package="tfwm")
class SpatialTransformer(keras.layers.Layer):
    """Resamples each image by an affine map, bilinearly, with gradients to image and map.

    The result at `(x, y)` is the image at `(a x + b y + c, d x + e y + f)`, where -1 and 1 are the
    outer edges of the image. Beyond the border the edge pixel repeats.

    Reference: Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial transformer networks",
    NIPS 2015, Eq. 1 and 5.

    Call arguments:
        inputs: `[image, parameters]`: `(batch, height, width, channels)` and
            `(batch, 6)` with `a, b, c, d, e, f`.

    Output shape:
        That of the image.

    Example:

    >>> image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    >>> mirror = np.array([[-1, 0, 0, 0, 1, 0]], "float32")
    >>> SpatialTransformer()([image, mirror]).numpy().ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """

    def call(self, inputs):
        image, parameters = inputs
        if parameters.shape[-1] != 6:
            raise ValueError(
                f"Expected parameters (batch, 6). Received: parameters of shape {parameters.shape}"
            )
        height, width = (image.shape[i] or tf.shape(image)[i] for i in (1, 2))
        y, x = (2 * pixel_centers(side) - 1 for side in (height, width))
        x, y = tf.reshape(x, (1, 1, -1)), tf.reshape(y, (1, -1, 1))
        parameters = tf.cast(parameters, tf.float32)
        a, b, c, d, e, f = (tf.reshape(p, (-1, 1, 1)) for p in tf.unstack(parameters, 6, axis=1))
        columns = (a * x + b * y + c + 1.0) * (tf.cast(width, tf.float32) / 2) - 0.5
        rows = (d * x + e * y + f + 1.0) * (tf.cast(height, tf.float32) / 2) - 0.5
        sampled = sample_bilinear(tf.cast(image, tf.float32), rows, columns)
        return tf.cast(sampled, image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]
