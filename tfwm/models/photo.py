"""The all-round network for photographs, tfwm's own: many weak votes instead of clean bits.

One bit goes into each 8 x 8 cell of luminance, and a message is repeated over all cells
(`tfwm.payload`). So the network need not read every cell: it is trained for the likelihood of
each bit (binary cross-entropy) under heavy damage, and the sum over the copies decides. It has
no patches: each cell sees its neighbours, and the pattern of a cell fades into theirs.
"""

import keras

from tfwm.layers import CellSynthesis

CELL = 8
# Synthesis and analysis windows reach half a cell into the neighbours.
WINDOW = 16


def build_embedder(width=64, depth=3, name="embedder"):
    """Builds the embedding network: image and bits to the watermarked image.

    Args:
        width: channels of the hidden layers.
        depth: number of 3 x 3 convolutions over cells, each with a skip connection.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, 1) in [0, 1],
        "message": (batch, H / 8, W / 8, 1) of 0 and 1, "strength": (batch,)}`, H and W any
        multiples of 8, and the watermarked image `(batch, H, W, 1)`, not clipped, as output.

    Example:

    >>> image, message = np.full((1, 64, 96, 1), 0.5), np.ones((1, 8, 12, 1))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder()(inputs).shape)
    (1, 64, 96, 1)
    """
    image = keras.Input((None, None, 1), name="image")
    message = keras.Input((None, None, 1), name="message")
    strength = keras.Input((), name="strength")
    x = _analysis(image, width)
    signs = keras.layers.Rescaling(2.0, offset=-1.0, name="signs")(message)
    x = keras.layers.Concatenate(name="cells_and_bits")([x, signs])
    x = keras.layers.Conv2D(width, 1, activation="relu", name="mix")(x)
    x = _cell_convolutions(x, width, depth)
    residual = CellSynthesis(CELL, name="synthesis", dtype="float32")(x)
    scale = keras.layers.Reshape((1, 1, 1), name="strength_factor")(strength)
    residual = keras.layers.Multiply(name="scaled_residual", dtype="float32")([residual, scale])
    watermarked = keras.layers.Add(name="watermarked", dtype="float32")([image, residual])
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(width=64, depth=3, name="extractor"):
    """Builds the extraction network: one logit for each cell.

    Args:
        width: channels of the hidden layers.
        depth: number of 3 x 3 convolutions over cells, each with a skip connection.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 1)` in [0, 1] to the logits
        `(batch, H / 8, W / 8, 1)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor()(np.full((1, 64, 96, 1), 0.5)).shape)
    (1, 8, 12, 1)
    """
    image = keras.Input((None, None, 1), name="image")
    x = _analysis(image, width)
    x = _cell_convolutions(x, width, depth)
    logits = keras.layers.Conv2D(1, 1, name="logits", dtype="float32")(x)
    return keras.Model(image, logits, name=name)


def _analysis(image, width):
    """Features of each cell, from a window that overlaps the neighbours."""
    # In float32, as pixels of eight bits of precision would hide the mark.
    x = keras.layers.Rescaling(4.0, offset=-2.0, name="centre", dtype="float32")(image)
    x = keras.layers.Conv2D(width, WINDOW, CELL, padding="same", name="analysis", dtype="float32")(
        x
    )
    return keras.layers.ReLU(name="analysis_relu")(x)


def _cell_convolutions(x, width, depth):
    for i in range(depth):
        y = keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{i + 1}")(x)
        x = keras.layers.Add(name=f"skip{i + 1}")([x, y])
    return x
