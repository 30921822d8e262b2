"""tfwm's own network for photographs: many weak votes instead of clean bits.

Each 8 x 8 cell of luminance carries one bit, and a message is repeated over all cells
(`tfwm.payload`). So the network need not read every cell correctly: it is trained for the
likelihood of each bit (binary cross-entropy) under strong attacks, and the sum over the copies
decides. It has no patches: each cell sees its neighbors, and its pattern fades into theirs.
"""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.models import parts

CELL = 8
# Synthesis and analysis windows reach half a cell into the neighbors.
WINDOW = 16


def build_embedder(
    width: int = 64, depth: int = 3, message_length: int = 1, name: str = "embedder"
) -> keras.Model:
    """Builds the embedding network, from image and bits to the watermarked image.

    Args:
        width: channels of the hidden layers.
        depth: number of 3 x 3 convolutions over cells, each with a skip connection.
        message_length: bits of a cell.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, 1) in [0, 1],
        "message": (batch, H / 8, W / 8, message_length) of 0 and 1, "strength": (batch,)}`, H and W
        any multiples of 8, and the watermarked image `(batch, H, W, 1)`, not clipped, as output.

    Example:

    >>> image, message = np.full((1, 64, 96, 1), 0.5), np.ones((1, 8, 12, 1))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder()(inputs).shape)
    (1, 64, 96, 1)
    """
    image = keras.Input((None, None, 1), name="image")
    message = keras.Input((None, None, message_length), name="message")
    strength = keras.Input((), name="strength")
    x = _analysis(image, width)
    x = keras.layers.Concatenate(name="cells_and_bits")([x, parts.to_signs(message)])
    x = keras.layers.Conv2D(width, 1, activation="relu", name="mix")(x)
    x = _cell_convolutions(x, width, depth)
    residual = CellSynthesis(CELL, name="synthesis", dtype="float32")(x)
    watermarked = parts.add_residual(image, residual, strength, unit=1.0)
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    width: int = 64, depth: int = 3, message_length: int = 1, name: str = "extractor"
) -> keras.Model:
    """Builds the extraction network, which returns one logit for each cell.

    Args:
        width: channels of the hidden layers.
        depth: number of 3 x 3 convolutions over cells, each with a skip connection.
        message_length: bits of a cell.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 1)` in [0, 1] to the logits
        `(batch, H / 8, W / 8, message_length)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor()(np.full((1, 64, 96, 1), 0.5)).shape)
    (1, 8, 12, 1)
    """
    image = keras.Input((None, None, 1), name="image")
    x = _analysis(image, width)
    x = _cell_convolutions(x, width, depth)
    logits = keras.layers.Conv2D(message_length, 1, name="logits", dtype="float32")(x)
    return keras.Model(image, logits, name=name)


def _analysis(image, width):
    """Computes the features of each cell from a window that overlaps the neighbors."""
    # In float32, as pixels of eight bits of precision would hide the mark.
    x = keras.layers.Rescaling(4.0, offset=-2.0, name="centre", dtype="float32")(image)
    layer = keras.layers.Conv2D(width, WINDOW, CELL, "same", name="analysis", dtype="float32")
    return keras.layers.ReLU(name="analysis_relu")(layer(x))


def _cell_convolutions(x, width, depth):
    for i in range(depth):
        y = keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{i + 1}")(x)
        x = keras.layers.Add(name=f"skip{i + 1}")([x, y])
    return x


@keras.saving.register_keras_serializable(package="tfwm")
class CellSynthesis(Configured, keras.layers.Layer):
    """Turns the features of cells into pixels; the window of each cell fades into its neighbors.

    Equals `Conv2DTranspose(1, 2 * cell, cell, padding="same", use_bias=False)`, weights included.
    It is computed as a 3 x 3 convolution over cells, which is several times as fast on CPUs.

    Args:
        cell: side of a cell in pixels, even.

    Input shape:
        `(batch, rows, columns, channels)`.

    Output shape:
        `(batch, rows * cell, columns * cell, 1)`.

    Example:

    >>> tuple(CellSynthesis(8)(np.ones((1, 3, 4, 16))).shape)
    (1, 24, 32, 1)
    """

    def __init__(self, cell=8, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cell, int) or cell < 2 or cell % 2:
            raise ValueError(
                f"Expected a cell with an even number of pixels. Received: cell={cell!r}"
            )
        self.cell = cell

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(2 * self.cell, 2 * self.cell, 1, input_shape[-1])
        )

    def call(self, inputs):
        cell, half = self.cell, self.cell // 2
        windows = tf.pad(self.kernel[:, :, 0], [[half, half], [half, half], [0, 0]])
        channels = windows.shape[-1]
        blocks = tf.reshape(windows, (3, cell, 3, cell, channels))[::-1, :, ::-1]
        kernel = tf.reshape(tf.transpose(blocks, (0, 2, 4, 1, 3)), (3, 3, channels, cell * cell))
        pixels = tf.nn.conv2d(inputs, tf.cast(kernel, inputs.dtype), 1, "SAME")
        return tf.nn.depth_to_space(pixels, cell)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, _ = input_shape
        sides = [None if n is None else n * self.cell for n in (rows, columns)]
        return (batch, *sides, 1)
