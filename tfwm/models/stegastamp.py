"""StegaStamp, and CropDefender, its successor that is easier to train and survives cropping.

Tancik, Mildenhall and Ng, "StegaStamp: Invisible hyperlinks in physical photographs", CVPR 2020,
section 3; "CropDefender: deep watermark which is more easy to train and more robust against
cropping", arXiv 2109.06651: sections 3.1 (sigmoid), 3.3, 5.2.1 (instance normalization).

Official code: github.com/tancik/StegaStamp (MIT) and the CropDefender authors'. Nothing of either
is reused; this is written from the papers and the specification. Where this differs:

* The dense layer of the spatial transformer has 41 of the decoder's 52 million weights at
  400 x 400 pixels. Here it sees the means of a grid of 4 x 4: 0.3 million, the same outputs.
* Up-convolutions are 2 x 2, StegaStamp's; CropDefender's are 3 x 3. StegaStamp's unused tenth
  convolution is left out.
* CropDefender's text normalizes "before activation layers". Its code normalizes the residual as
  well, to mean 0 and variance 1 in every image. Here, as in the text, the residual is not.
* `output="sigmoid"`, CropDefender's `sigmoid(I - 1/2 + R)`, is far from `I` for `R = 0`.
  `"logit"`, ours, is `sigmoid(logit(I) + R)`, which is `I` for `R = 0`. It is bounded as well, and
  training does not have to learn the photo first.

Inside the networks, pixels and bits are shifted by -1/2.
"""

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers import DepthToSpace, InstanceNormalization, SpaceToDepth
from tfwm.layers.base import Configured, add_number
from tfwm.losses.image import VisibleError
from tfwm.models import parts
from tfwm.models.registration import Registration, fine_pattern
from tfwm.ops.box import box_means
from tfwm.ops.warp import pixel_centers, sample_bilinear

OUTPUTS = ("sum", "sigmoid", "logit")
# Logits of black and white are infinite: a pixel is at least this far from both.
MARGIN = 1 / 255
# Side of the grid of means from which the spatial transformer computes its map.
LOCATION_GRID = 8
DETAIL = 9
SYNC = 0.8
WEIGHT, BIAS = 1.0, 1.5


def build_embedder(
    size: int = 400,
    message_length: int = 100,
    width: int = 32,
    normalization: str | None = "instance",
    output: str = "sigmoid",
    reduction: int = 1,
    held: tuple | None = None,
    carriers: int = 0,
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
            (CropDefender, section 3.1) or `"logit"` (ours), see above.
        reduction: 1 for the papers' network. Otherwise (ours) the U-Net works at the size divided
            by it: squares of so many pixels a side become channels, and its output becomes squares
            again. `size / reduction` is then the multiple of 16.
        held: arguments of `HeldResidual`, through which the residual goes, or `None`.
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
    _check(size, message_length, width, normalization, reduction)
    one_of("output", output, OUTPUTS)
    image = keras.Input((size, size, 3), name="image")
    message = keras.Input((1, 1, message_length), name="message")
    strength = keras.Input((), name="strength")

    signal = keras.layers.Concatenate(name="message_and_image")(
        [
            _message_image(message, size // reduction, normalization),
            _folded(_shifted(image, "pixels"), reduction, "pixels_folded"),
        ]
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
    planes = 7 if carriers else 3
    residual = keras.layers.Conv2D(planes * reduction**2, 1, name="residual", dtype="float32",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01) if carriers else "glorot_uniform")(x)
    if reduction > 1:
        residual = DepthToSpace(reduction, name="residual_unfolded", dtype="float32")(residual)
    if carriers:
        residual = _carried(residual, image, message, size, carriers)

    if held is not None:
        residual = HeldResidual(*held, name="held_residual")([residual, image])
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
    reduction: int = 1,
    details: bool = False,
    carriers: int = 0,
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
        reduction: see `build_embedder`. The spatial transformer resamples at the full size.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, size, size, 3)` in [0, 1] to the logits
        `(batch, 1, 1, message_length)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor(64, 8, width=4)(np.full((1, 64, 64, 3), 0.5)).shape)
    (1, 1, 1, 8)
    """
    _check(size, message_length, width, normalization, reduction)
    image = keras.Input((size, size, 3), name="image")
    signal = _shifted(image, "pixels")
    if details:
        signal = Details(DETAIL, name="details")(image)
    if carriers:
        plane = _plane(signal, width)
        light = keras.layers.AveragePooling2D(size // 128, name="locate_means", dtype="float32")(plane)
        _, parameters = Registration(name="registration")(light)
        x = SpatialTransformer(name="transformer", dtype="float32")([plane, parameters])
        x = _correlations(x, message_length, carriers, "carried")
        x = keras.layers.Reshape((message_length, 1), name="bits_apart", dtype="float32")(x)
        x = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0), name="bits_scale", dtype="float32")(x)
        logits = keras.layers.Reshape((1, 1, message_length), name="logits", dtype="float32")(x)
        return keras.Model(image, logits, name=name)
    x = _folded(signal, reduction, "locate_folded")
    for i, factor in enumerate((1, 2, 4), 1):
        x = _convolution(x, factor * width, 3, 2, normalization, f"locate_conv{i}")
    cells = max(size // reduction // 8 // LOCATION_GRID, 1)
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
    return _read(x, message_length, width, normalization, last_normalization, scale_logits, reduction, carriers, image, name)


def _read(x, message_length, width, normalization, last_normalization, scale_logits, reduction, carriers, image, name):
    aligned = x
    x = _folded(x, reduction, "folded")
    shapes = ((1, 2), (1, 1), (2, 2), (2, 1), (2, 2), (4, 2), (4, 2))
    for i, (factor, stride) in enumerate(shapes, 1):
        x = _convolution(x, factor * width, 3, stride, normalization, f"conv{i}")
    x = _dense(keras.layers.Flatten(name="all")(x), 16 * width, normalization, "dense")
    x = keras.layers.Dense(message_length, name="bits", dtype="float32", kernel_initializer="zeros" if carriers else "glorot_uniform")(x)
    if carriers:
        y = _correlations(aligned, message_length, carriers, "carried")
        x = keras.layers.Add(name="bits_together", dtype="float32")([x, y])
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


def _check(size, message_length, width, normalization, reduction):
    parts.check_sizes(message_length=message_length, width=width, reduction=reduction)
    # With fewer than 64 pixels, the last features would have one place: nothing to normalize over.
    if size < 64 * reduction or size % (16 * reduction):
        raise ValueError(
            f"Expected a size that is a multiple of {16 * reduction} from {64 * reduction}. "
            f"Received: size={size!r}"
        )
    one_of("normalization", normalization, parts.NORMALIZATIONS)


@keras.saving.register_keras_serializable(package="tfwm")
class Details(Configured, keras.layers.Layer):
    def __init__(self, side=9, floor=3e-4, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.side, self.floor = side, floor

    def call(self, image):
        change = image - box_means(image, self.side)
        power = box_means(tf.square(change), self.side)
        return change * tf.math.rsqrt(power + self.floor)


@keras.saving.register_keras_serializable(package="tfwm")
class CarrierInitializer(keras.initializers.Initializer):
    def __init__(self, scale=1.0, transposed=False, copies=1, seed=1):
        self.scale, self.transposed, self.copies, self.seed = scale, transposed, copies, seed

    def __call__(self, shape, dtype=None):
        bits, places = shape[::-1] if self.transposed else shape
        values = np.random.RandomState(self.seed).standard_normal((places // self.copies, bits))
        values = np.repeat(np.linalg.qr(values)[0], self.copies, 0)
        values = values if self.transposed else values.T
        return keras.ops.convert_to_tensor(values * self.scale, dtype)

    def get_config(self):
        return {"scale": self.scale, "transposed": self.transposed, "copies": self.copies, "seed": self.seed}


@keras.saving.register_keras_serializable(package="tfwm")
class Opposed(Configured, keras.layers.Layer):
    """Gives bits that the image itself says wrong more of the mark."""

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.weight = self.add_weight(shape=(), initializer=keras.initializers.Constant(WEIGHT), name="weight")
        self.bias = self.add_weight(shape=(), initializer=keras.initializers.Constant(BIAS), name="bias")

    def call(self, inputs):
        signs, host = inputs
        wanted = tf.nn.softplus(self.bias - self.weight * signs * host)
        wanted *= tf.math.rsqrt(tf.reduce_mean(tf.square(wanted), -1, keepdims=True))
        return signs * wanted

    def compute_output_shape(self, input_shape):
        return input_shape[0]

def _plane(details, width):
    """Estimates the mark's light at each pixel."""
    x = SpaceToDepth(2, name="details_folded")(details)
    for i in range(1, 4):
        x = keras.layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", activation="relu", name=f"plane_conv{i}")(x)
    x = keras.layers.Conv2D(4, 3, padding="same", kernel_initializer="zeros", name="plane_change", dtype="float32")(x)
    x = DepthToSpace(2, name="plane_unfolded", dtype="float32")(x)
    return x + keras.ops.mean(details, -1, keepdims=True)


def _correlations(details, bits, cell, name):
    y = keras.layers.AveragePooling2D(cell, name=f"{name}_means", dtype="float32")(details)
    side = y.shape[1]
    y = keras.layers.Rescaling(1 / (y.shape[-1] * side), name=f"{name}_scaled", dtype="float32")(y)
    y = keras.layers.Flatten(name=f"{name}_all", dtype="float32")(y)
    return keras.layers.Dense(bits, use_bias=False, kernel_initializer=CarrierInitializer(float(side), True, details.shape[-1]), name=f"{name}_bits", dtype="float32")(y)


def _carried(planes, image, message, size, cell):
    side = size // cell
    bits = message.shape[-1]
    signs = keras.layers.Rescaling(2.0, offset=-1.0, name="carrier_signs")(message)
    signs = keras.layers.Flatten(name="carrier_bits")(signs)
    host = _correlations(Details(DETAIL, name="host")(image), bits, cell, "host")
    wanted = Opposed(name="opposed")([signs, host])
    x = keras.layers.Dense(
        side * side, use_bias=False, kernel_initializer=CarrierInitializer(float(side)), name="carriers", dtype="float32"
    )(wanted)
    x = keras.layers.Rescaling(1 / float(np.sqrt(bits)), name="carriers_scaled", dtype="float32")(x)
    x = keras.layers.Reshape((side, side, 1), name="carrier_places", dtype="float32")(x)
    x = keras.layers.UpSampling2D(cell, interpolation="bilinear", name="carrier_image", dtype="float32")(x)
    signs = fine_pattern(64)[None, :, :, None]
    sync = keras.layers.UpSampling2D(size // 128, interpolation="bilinear", name="sync_image", dtype="float32")(
        keras.ops.convert_to_tensor(signs))
    return planes[..., :3] + x * (1.0 + planes[..., 3:6]) + SYNC * sync * (1.0 + planes[..., 6:])


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


def _folded(x, reduction, name):
    return SpaceToDepth(reduction, name=name)(x) if reduction > 1 else x


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


@keras.saving.register_keras_serializable(package="tfwm")
class HeldResidual(Configured, keras.layers.Layer):
    """Scales the residual of each image so that its visible error has a given size.

    So nothing has to balance the image's loss with the message's: the network learns only where
    the mark lies and what it looks like. In training the error's size, as a PSNR, rises linearly
    from `start` to `target` over `ramp_steps` calls; the number of calls is a weight.

    Args:
        target: `-10 log10` of the `tfwm.losses.VisibleError`, in dB.
        start: the same at the first step.
        ramp_steps: number of training steps from `start` to `target`.
        chroma_weight, masking: see `tfwm.losses.VisibleError`.

    Call arguments:
        inputs: `[residual, image]`, both `(batch, height, width, 3)`, the image in [0, 1].

    Output shape:
        That of the residual.
    """

    def __init__(
        self, target, start=None, ramp_steps=1, chroma_weight=3.0, masking=0.05, **kwargs
    ):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.target = target
        self.start = target if start is None else start
        self.ramp_steps = ramp_steps
        self.chroma_weight = chroma_weight
        self.masking = masking
        self.error = VisibleError(chroma_weight, masking)

    def build(self, input_shape):
        self.step = add_number(self, "step")

    def call(self, inputs, training=None):
        residual, image = inputs
        step = tf.convert_to_tensor(self.step)
        psnr = self.start + (self.target - self.start) * tf.minimum(step / self.ramp_steps, 1.0)
        if training:
            self.step.assign(step + 1.0)
        error = self.error.call(image, image + residual)
        scale = tf.pow(10.0, -psnr / 20.0) * tf.math.rsqrt(error + 1e-9)
        return residual * scale[:, None, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]
