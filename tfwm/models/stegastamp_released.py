"""The extractor of StegaStamp as its authors' code has it, for the weights that they released.

Tancik, Mildenhall and Ng, "StegaStamp: Invisible hyperlinks in physical photographs", CVPR 2020.
Official code: github.com/tancik/StegaStamp (MIT), with the spatial transformer of the package
`stn` (MIT). Nothing of either is reused. `tfwm.models.stegastamp` differs in two points, which
released weights do not fit: there the dense layer of the spatial transformer sees means of the
features, and its map follows the pixels' outer edges. The embedder is the same.
"""

import keras
import numpy as np
import tensorflow as tf

from tfwm.models import parts
from tfwm.ops.warp import sample_bilinear

# Of the convolutions: name, kernel's side, stride, input and output channels.
LOCATE = (
    ("locate_conv1", 3, 2, 3, 32),
    ("locate_conv2", 3, 2, 32, 64),
    ("locate_conv3", 3, 2, 64, 128),
)
READ = (
    ("conv1", 3, 2, 3, 32),
    ("conv2", 3, 1, 32, 32),
    ("conv3", 3, 2, 32, 64),
    ("conv4", 3, 1, 64, 64),
    ("conv5", 3, 2, 64, 64),
    ("conv6", 3, 2, 64, 128),
    ("conv7", 3, 2, 128, 128),
)
LOCATE_UNITS, READ_UNITS = 128, 512


def build_released_extractor(size=400, message_length=100, name="extractor"):
    """Builds the decoder of StegaStamp's authors.

    At 400 x 400 pixels, 41 of its 52.5 million weights are one dense layer.

    Args:
        size: height and width of the image in pixels, a multiple of 16.
        message_length: number of bits.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, size, size, 3)` in [0, 1] to the logits
        `(batch, 1, 1, message_length)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_released_extractor(32, 8)(np.full((1, 32, 32, 3), 0.5)).shape)
    (1, 1, 1, 8)
    """
    parts.check_sizes(size=size, message_length=message_length)
    image = keras.Input((size, size, 3), name="image")
    signal = keras.layers.Rescaling(1.0, offset=-0.5, name="pixels")(image)
    x = keras.layers.Flatten(name="locate_all")(_convolutions(signal, LOCATE))
    x = keras.layers.Dense(LOCATE_UNITS, "relu", name="locate_dense")(x)
    x = keras.layers.Dense(
        6,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant([1, 0, 0, 0, 1, 0]),
        name="locate_map",
    )(x)
    x = GridTransformer(name="transformer")([signal, x])
    x = keras.layers.Flatten(name="all")(_convolutions(x, READ))
    x = keras.layers.Dense(READ_UNITS, "relu", name="dense")(x)
    x = keras.layers.Dense(message_length, name="bits")(x)
    logits = keras.layers.Reshape((1, 1, message_length), name="logits")(x)
    return keras.Model(image, logits, name=name)


def _convolutions(x, table):
    for name, kernel, stride, _, width in table:
        x = keras.layers.Conv2D(width, kernel, stride, "same", activation="relu", name=name)(x)
    return x


@keras.saving.register_keras_serializable(package="tfwm")
class GridTransformer(keras.layers.Layer):
    """Resamples each image by an affine map, as the spatial transformer of the package `stn` does.

    Its places go from -1 at the center of the first pixel to 1 at that of the last but one: the
    identity enlarges by a pixel. What lies before the first pixel or from the last one on is 0.

    Call arguments:
        inputs: `[image, parameters]`: `(batch, height, width, channels)` and `(batch, 6)` with
            `a, b, c, d, e, f`; the result at `(x, y)` is the image at
            `(a x + b y + c, d x + e y + f)`.

    Output shape:
        That of the image.

    Example:

    >>> image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
    >>> identity = np.array([[1, 0, 0, 0, 1, 0]], "float32")
    >>> GridTransformer()([image, identity])[0, ..., 0].numpy().tolist()
    [[0.0, 0.5, 1.0], [1.5, 2.0, 2.5], [3.0, 3.5, 4.0]]
    """

    def call(self, inputs):
        image, parameters = inputs
        height, width = image.shape[1:3]
        y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
        x, y = x.reshape(1, 1, -1), y.reshape(1, -1, 1)
        parameters = tf.cast(parameters, tf.float32)
        a, b, c, d, e, f = (tf.reshape(p, (-1, 1, 1)) for p in tf.unstack(parameters, 6, axis=1))
        columns = (a * x + b * y + c + 1.0) * (0.5 * (width - 2))
        rows = (d * x + e * y + f + 1.0) * (0.5 * (height - 2))
        sampled = sample_bilinear(tf.cast(image, tf.float32), rows, columns)
        inside = (columns >= 0) & (columns < width - 1) & (rows >= 0) & (rows < height - 1)
        return tf.cast(sampled * tf.cast(inside, tf.float32)[..., None], image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]
