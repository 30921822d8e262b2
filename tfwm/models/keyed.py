"""The extraction network of watermarked networks: reads a host's mark only with the key.

Wu, Liu, Yao and Zhang, "Watermarking neural networks with watermarked images", IEEE TCSVT 2021,
section II-A (Figs. 2 to 4): E_A sees the image, E_B sees the key, E_C returns the watermark. There
is no official code, and the text does not say the widths, which are in the figures. We chose:

* An inception-residual block has branches of 1 x 1, 3 x 3 and 5 x 5, all of `width` channels with
  ReLU; a 1 x 1 convolution of their concatenation is added to the input; ReLU.
* E_A's last convolution is linear. Its image is resized to the watermark's size without loss: the
  pixels of each rectangle become the channels of one place.
* E_C has two 3 x 3 convolutions of `2 * width` and `width` channels, and one to the watermark.
* Key bits enter as -1 and 1. The paper's ranges are [-1, 1] (tanh). Here images and watermarks are
  in [0, 1], so the paper's losses are twice as large, and its blank, 0, is mid-gray here, 0.5.

**Why a few wrong bits can spoil the whole watermark.** In the paper's form (`keying="plain"`),
E_B and E_C are 3 x 3 convolutions over the map of the key. A place sees the few bits around it, so
eight wrong bits in another corner do not reach it: only the area around them can turn blank. A
larger view is not enough either. The agreement of a key with one wrong bit of 256 with the
right key is 254 of 256, and a unit that sums all agreements separates the two only after each of
its weights has grown to several units, and its threshold to hundreds.

So with `keying="mixed"`, the default, a fixed public matrix first mixes the bits (`KeyMixing`). Any
key that differs, by one bit or by half of them, then agrees with the right key by chance only,
`128 +- 8` of 256. A unit whose weights follow the right key sums to `n` weights for the right key,
and to about `sqrt(n)` weights for any other. So small weights separate them, and what is learned
from some wrong keys holds for all. Two dense layers follow, which reach every place of the
watermark and return E_B's features for each block. E_C stays the paper's.

The network learns the key long before it learns the mark in the images. Until then the best answer
to the right key, by the L1 norm and the paper's weights 1 and 0.5, is the whole watermark for any
image: tanh saturates, and learning stops. With squared errors, which the paper allows as well, the
best answer is two thirds of the watermark, and training continues.

In both forms the training has one watermark and one key, so the network can memorize them. The
image shows whether it is marked, and where; the key unlocks the output; the picture itself comes
from the network. A person with the network's weights can find bits that unlock it. The evidence of
ownership is that the network and the commitment to the key are older than the dispute, and that
unmarked images and other keys show nothing.
"""

import hashlib
import math

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.layers import DepthToSpace
from tfwm.layers.seeded import SeededLayer
from tfwm.models import parts
from tfwm.ops.random import split_seed, uniform

KEYINGS = ("mixed", "plain")
KEY_CHANNELS = 48
# Units between the mixed key and the features of its blocks.
KEY_UNITS = 64


def key_length(watermark_size=64, block=4):
    """Returns the number of bits of a key: one for each block of the watermark.

    Args:
        watermark_size: `(height, width)` in pixels, or one number for both.
        block: side of a block in pixels.

    Example:

    >>> key_length(64), key_length((32, 48))
    (256, 96)
    """
    rows, columns = _key_shape(_pair("watermark_size", watermark_size), block)
    return rows * columns


def build_extractor(
    image_size=256,
    watermark_size=64,
    image_channels: int = 3,
    watermark_channels: int = 1,
    width: int = 64,
    block: int = 4,
    keying: str = "mixed",
    name: str = "extractor",
) -> keras.Model:
    """Builds the extraction network E.

    Args:
        image_size: `(height, width)` of the images in pixels, or one number for both; multiples of
            the watermark's.
        watermark_size: `(height, width)` of the watermark, or one number; multiples of `block`.
        image_channels: channels of the images.
        watermark_channels: 1 for a gray watermark or a QR code, 3 for color.
        width: channels of the hidden layers of E_A and E_C.
        block: side in pixels of the square of the watermark that belongs to one key bit.
        keying: how E_B sees the key: `"plain"`, by convolutions as in the paper, or `"mixed"`
            (ours), see above.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, image_channels) in [0, 1], "key":
        (batch, key_length(watermark_size, block)), 0 and 1}` and the watermark
        `(batch, h, w, watermark_channels)` in [0, 1]; 0.5 means no watermark.

    Example:

    >>> extractor = build_extractor((64, 96), (32, 48), width=4)
    >>> key = np.zeros((1, key_length((32, 48))))
    >>> tuple(extractor({"image": np.full((1, 64, 96, 3), 0.5), "key": key}).shape)
    (1, 32, 48, 1)
    """
    parts.check_sizes(
        image_channels=image_channels, watermark_channels=watermark_channels, width=width
    )
    image_size = _pair("image_size", image_size)
    watermark_size = _pair("watermark_size", watermark_size)
    key_shape = _key_shape(watermark_size, block)
    if any(n % m for n, m in zip(image_size, watermark_size, strict=True)):
        raise ValueError(
            "Expected an image_size whose sides are multiples of the watermark's. "
            f"Received: image_size={image_size}, watermark_size={watermark_size}"
        )
    one_of("keying", keying, KEYINGS)
    image = keras.Input((*image_size, image_channels), name="image")
    key = keras.Input((key_shape[0] * key_shape[1],), name="key")

    # In float32: bfloat16's eight bits of precision would hide the mark.
    pixels = parts.to_signal(image, dtype="float32")
    x = _convolution(pixels, width, "image_first", dtype="float32")
    for i in (1, 2):
        x = _inception_residual(x, width, f"image_block{i}")
    x = keras.layers.Conv2D(image_channels, 3, padding="same", name="image_last")(x)
    x = _gathered(x, image_size, watermark_size)

    features = _mixed_key if keying == "mixed" else _plain_key
    x = keras.layers.Concatenate(name="image_and_key")([x, features(key, key_shape, block)])
    x = _convolution(x, 2 * width, "read1")
    x = _convolution(x, width, "read2")
    x = keras.layers.Conv2D(
        watermark_channels, 3, padding="same", activation="tanh", name="read3", dtype="float32"
    )(x)
    watermark = keras.layers.Rescaling(0.5, offset=0.5, name="watermark", dtype="float32")(x)
    return keras.Model({"image": image, "key": key}, watermark, name=name)


def _pair(key, size):
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise ValueError(
            f"Expected one side in pixels or a pair (height, width). Received: {key}={size!r}"
        )
    return pair


def _key_shape(watermark_size, block):
    parts.check_sizes(block=block)
    if any(n % block for n in watermark_size):
        raise ValueError(
            "Expected a watermark_size whose sides are multiples of the block. "
            f"Received: watermark_size={watermark_size}, block={block}"
        )
    return tuple(n // block for n in watermark_size)


def _convolution(x, width, name, kernel=3, dtype=None):
    return keras.layers.Conv2D(
        width, kernel, padding="same", activation="relu", name=name, dtype=dtype
    )(x)


def _inception_residual(x, width, name):
    branches = [_convolution(x, width, f"{name}_{k}x{k}", k) for k in (1, 3, 5)]
    y = keras.layers.Concatenate(name=f"{name}_branches")(branches)
    y = keras.layers.Conv2D(width, 1, name=f"{name}_merge")(y)
    y = keras.layers.Add(name=f"{name}_sum")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def _gathered(x, image_size, watermark_size):
    """Gathers the rectangle of pixels of each place of the watermark into channels."""
    (height, width), (rows, columns) = image_size, watermark_size
    channels = x.shape[-1] * width // columns
    # Steps of rank 4: as `tfwm.ops.blocks.space_to_blocks`.
    x = keras.ops.reshape(x, (-1, height // rows, columns, channels))
    x = keras.ops.transpose(x, (0, 2, 1, 3))
    return keras.ops.reshape(x, (-1, rows, columns, channels * (height // rows)))


def _key_map(signs, key_shape, block):
    """Repeats each bit over its square of `block x block` places."""
    x = keras.layers.Reshape((*key_shape, 1), name="key_places")(signs)
    return DepthToSpace(block, name="key_map")(keras.ops.tile(x, (1, 1, 1, block**2)))


def _plain_key(key, key_shape, block):
    x = _key_map(parts.to_signs(key), key_shape, block)
    x = _convolution(x, KEY_CHANNELS, "key1")
    return _convolution(x, KEY_CHANNELS, "key2")


def _mixed_key(key, key_shape, block):
    signs = KeyMixing(name="signs")(key)
    x = keras.layers.Dense(KEY_UNITS, activation="relu", name="key_dense1")(signs)
    rows, columns = key_shape
    # Three channels at the watermark's size: enough to draw any picture.
    x = keras.layers.Dense(rows * columns * block**2 * 3, name="key_dense2")(x)
    x = keras.layers.Reshape((rows, columns, block**2 * 3), name="key_blocks")(x)
    x = DepthToSpace(block, name="key_drawing")(x)
    x = keras.layers.Concatenate(name="key_all")([_key_map(signs, key_shape, block), x])
    return _convolution(x, KEY_CHANNELS, "key1")


@keras.saving.register_keras_serializable(package="tfwm")
class KeyMixing(keras.layers.Layer):
    """Mixes the bits of a key, so that one flipped bit flips about half of the results.

    Each result is the parity of about half of the key's bits, `(-1)^(M k)`, where `M` is a fixed
    and public matrix of bits, made by SHAKE-256. `M` is a product of triangular matrices with
    ones on the diagonal, so it has an inverse, and different keys have different results. The
    layer hides nothing. It makes keys that differ little look as different as random keys.

    Input shape:
        `(batch, length)`, 0 and 1.

    Output shape:
        `(batch, length)`, -1 and 1.

    Example:

    >>> key = np.zeros((1, 256), "float32")
    >>> other = key.copy()
    >>> other[0, 17] = 1
    >>> flipped = np.asarray(KeyMixing()(key)) != np.asarray(KeyMixing()(other))
    >>> bool(100 < flipped.sum() < 156)
    True
    """

    def build(self, input_shape):
        self._matrix = _mixing_matrix(input_shape[-1])

    def call(self, inputs):
        # Sums of a thousand bits need float32. The cosine is the sign, and unlike a remainder
        # tolerates the error that quantized weights add to a sum.
        bits = tf.cast(inputs, tf.float32)
        sums = tf.matmul(bits, tf.constant(self._matrix.T))
        return tf.cast(tf.cos(math.pi * sums), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def _mixing_matrix(length):
    """Returns the bits `(length, length)`, which trained weights rely on: never change them."""
    seed = f"tfwm key mixing {length}".encode()
    stream = hashlib.shake_256(seed).digest(math.ceil(2 * length**2 / 8))
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))[: 2 * length**2]
    # Fast and exact: sums stay far below 2**24.
    lower, upper = bits.reshape(2, length, length).astype(np.float32)
    one = np.eye(length, dtype=np.float32)
    return (np.tril(lower, -1) + one) @ (np.triu(upper, 1) + one) % 2


@keras.saving.register_keras_serializable(package="tfwm")
class WrongKeys(SeededLayer):
    """Flips a few random bits of each key: the wrong keys of Wu et al. 2020, section III-A.

    For each key it draws first the number of flipped bits, 1 to `flipped_bits`, then the bits.

    Args:
        flipped_bits: largest number of flipped bits; the paper has 8.
        seed: integer that makes the wrong keys repeatable.

    Input shape:
        `(batch, bits)` of 0 and 1.

    Output shape:
        That of the input.

    Example:

    >>> keys = np.zeros((5, 256), "float32")
    >>> flipped = WrongKeys(8)(keys).numpy().sum(axis=1)
    >>> bool((flipped >= 1).all() and (flipped <= 8).all())
    True
    """

    def __init__(self, flipped_bits=8, seed=None, **kwargs):
        kwargs.setdefault("autocast", False)
        super().__init__(seed=seed, **kwargs)
        if flipped_bits < 1:
            raise ValueError(
                f"Expected at least 1 flipped bit. Received: flipped_bits={flipped_bits}"
            )
        self.flipped_bits = flipped_bits

    def call(self, keys):
        count_seed, place_seed = split_seed(self.next_seed(), 2)
        batch, bits = tf.shape(keys)[0], tf.shape(keys)[1]
        counts = 1 + tf.cast(uniform((batch, 1), count_seed) * self.flipped_bits, tf.int32)
        order = tf.argsort(uniform((batch, bits), place_seed), axis=1)
        ranks = tf.argsort(order, axis=1)
        return tf.where(ranks < counts, 1 - keys, keys)

    def compute_output_shape(self, input_shape):
        return input_shape
