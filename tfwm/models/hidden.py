"""HiDDeN: hiding data with deep networks, the baseline of most later papers.

Zhu, Kaplan, Johnson and Fei-Fei, "HiDDeN: Hiding data with deep networks", ECCV 2018. Section 3
(Fig. 2: encoder, noise layer, decoder, adversary).

Code: the authors' is in Lua for Torch (github.com/jirenz/HiDDeN); later papers compare with the
PyTorch port github.com/ando-khachatryan/HiDDeN (MIT). Nothing of either is reused; this is written
from the specification, which follows the port. Where this differs:

* A message belongs to a tile of 128 x 128 pixels, the size of the paper's images, and images may
  have any number of tiles. Each message is repeated over its own tile, and the mean before the
  logits covers that tile.
* Message bits enter as -1 and 1; the port has 0 and 1. The difference is an affine map, which the
  first convolution can undo. A bit is a logit here, above 0 for a 1; the port regresses 0 and 1.
* The last convolution of the encoder returns the residual `E(I, m) - I`. It can learn the same
  functions, as it sees the image as well, and training begins with the image instead of noise.
* Convolutions before batch normalization have no bias, which normalization would remove.
* Edges are mirrored, where the port has zeros: with zeros, bits of training crops smaller than a
  tile were hidden along the edges, of which a tile has few.
* At first each bit is read from one channel, with a gain. From random weights, a bit that nothing
  tells of yet is soon read from nowhere, and then nothing asks for it any longer.

Inside the network, pixels are `2 image - 1`.
"""

import math

import keras
import numpy as np

from tfwm.layers import DepthToSpace
from tfwm.models import parts
from tfwm.models.translators import ReflectionPadding

TILE = 128
BITS = 30
# What a bit's logit is of its channel at first, and the mean of a channel: of a normal variable's
# positive part.
GAIN, MEAN = 4.0, 1 / math.sqrt(2 * math.pi)


def _convolution(x, width, name):
    """A `parts.convolution` behind mirrored edges."""
    return parts.convolution(ReflectionPadding(1, name=f"{name}_edges")(x), width, name, "valid")


def build_embedder(
    tile_size: int = TILE,
    width: int = 64,
    depth: int = 4,
    message_length: int = BITS,
    name: str = "embedder",
) -> keras.Model:
    """Builds the encoder (Fig. 2), which embeds one message in each tile.

    Args:
        tile_size: side of a tile in pixels.
        width: channels of the hidden layers.
        depth: number of convolutions before message, features and image are joined.
        message_length: bits of a tile.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, 3) in [0, 1], "message": 0 and 1
        (batch, H / tile_size, W / tile_size, message_length), "strength": (batch,)}` and the
        watermarked image `(batch, H, W, 3)`, not clipped: `I + strength (E(I, m) - I)`.

    Example:

    >>> image, message = np.full((1, 128, 256, 3), 0.5), np.ones((1, 1, 2, 30))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(build_embedder(width=8)(inputs).shape)
    (1, 128, 256, 3)
    """
    parts.check_sizes(tile_size=tile_size, width=width, depth=depth, message_length=message_length)
    image = keras.Input((None, None, 3), name="image")
    message = keras.Input((None, None, message_length), name="message")
    strength = keras.Input((), name="strength")
    signal = parts.to_signal(image)
    x = signal
    for i in range(depth):
        x = _convolution(x, width, f"conv{i + 1}")
    # Not UpSampling2D: TFLite loses its number of channels.
    m = keras.ops.tile(parts.to_signs(message), (1, 1, 1, tile_size**2))
    m = DepthToSpace(tile_size, name="message_everywhere")(m)
    x = keras.layers.Concatenate(name="message_features_image")([m, x, signal])
    x = _convolution(x, width, "fusion_conv")
    residual = keras.layers.Conv2D(3, 1, name="residual", dtype="float32")(x)
    watermarked = parts.add_residual(image, residual, strength)
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    tile_size: int | None = TILE,
    width: int = 64,
    depth: int = 7,
    message_length: int = BITS,
    name: str = "extractor",
) -> keras.Model:
    """Builds the decoder (Fig. 2), which returns one logit for each bit of each tile.

    Args:
        tile_size: side of a tile in pixels. `None` takes the mean over the whole image, of any
            size, for training against attacks that crop or resize. The weights stay the same.
        width: channels of the hidden layers.
        depth: number of convolutions of that width, before the one to the bits.
        message_length: bits of a tile.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 3)` in [0, 1] to the logits
        `(batch, H / tile_size, W / tile_size, message_length)`, before the sigmoid, positive for
        a 1; without tiles `(batch, 1, 1, message_length)`.

    Example:

    >>> image = np.full((1, 128, 256, 3), 0.5)
    >>> tuple(build_extractor(width=8)(image).shape)
    (1, 1, 2, 30)
    >>> tuple(build_extractor(None, width=8)(image[:, :50, :70]).shape)
    (1, 1, 1, 30)
    """
    whole = tile_size is None
    parts.check_sizes(
        tile_size=1 if whole else tile_size, width=width, depth=depth, message_length=message_length
    )
    image = keras.Input((None, None, 3), name="image")
    x = parts.to_signal(image)
    for i in range(depth):
        x = _convolution(x, width, f"conv{i + 1}")
    x = _convolution(x, message_length, "bits_conv")
    # A mean over thousands of pixels needs more than the 8 bits of bfloat16.
    if whole:
        mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean", dtype="float32")
    else:
        mean = keras.layers.AveragePooling2D(tile_size, name="mean", dtype="float32")
    read = keras.layers.Conv2D(message_length, 1, name="logits", dtype="float32")
    logits = read(mean(x))
    read.set_weights(
        [GAIN * np.eye(message_length)[None, None], np.full(message_length, -GAIN * MEAN)]
    )
    return keras.Model(image, logits, name=name)
