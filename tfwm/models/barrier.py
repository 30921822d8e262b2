"""Barriers: networks that put an invisible watermark into everything that a model outputs.

Zhang et al., "Model watermarking for image processing networks", AAAI 2020 (arXiv 2002.11088),
section "Network structures": embedding sub-network H (UNet), extractor sub-network R (like
CEILNet). The watermark is an image. Sizes are those of the released code, whose discriminator is
`tfwm.models.critic.build_patch_critic`. Nothing of the code is reused. Where this differs:

* H's defaults are the code's, which outputs the marked image itself: training begins with noise
  and has to learn the photo first. `residual_limit`, ours, adds a bounded change instead:
  training begins at about 40 dB, and no pixel changes by more than the limit.
* R normalizes by each image's own statistics, in training and in use. All convolutions but the
  last are normalized.
* R ends in a ReLU, as in the code: a channel that is 0 in all images cannot learn any more, so it
  begins at white. `output="sigmoid"` has a gradient at every pixel and stays below 1.
* R needs 70 billion multiplications for 256 x 256 pixels, most of them in its residual blocks.
  With `halvings=2` these have a quarter of the places; half the width costs a quarter.

Both are fully convolutional. Images are in [0, 1], inside the networks as well, as in the code.
"""

import functools

import keras
import tensorflow as tf

from tfwm.checks import one_of
from tfwm.models import parts
from tfwm.ops.resample import apply_separable, resize_matrix

DILATIONS = (2, 2, 2, 2, 4, 4, 4, 4, 1)
OUTPUTS = ("relu", "sigmoid")
FITS = ("bilinear", "nearest", "tile")


def build_embedder(
    image_channels: int = 3,
    watermark_channels: int = 3,
    width: int = 64,
    depth: int = 7,
    normalization: str | None = "batch",
    residual_limit=None,
    name: str = "embedder",
) -> keras.Model:
    """Builds the embedder H, a U-Net that sees the image and the watermark.

    Args:
        image_channels: channels of the image.
        watermark_channels: channels of the watermark.
        width: channels after the first halving; the deepest layers have eight times as many.
        depth: number of halvings, from 2; the code has 7 for 256 x 256 pixels.
        normalization: `"batch"` as in the code, `"instance"` or `None`.
        residual_limit: the largest change of a pixel, in (0, 1]: the output is
            `image + residual_limit tanh(x)`, not clipped. `None` is the code's `sigmoid(x)`.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, image_channels), "message":
        (batch, H, W, watermark_channels), "strength": (batch,)}`, images in [0, 1], H and W
        multiples of `2**depth`, and the marked image `(batch, H, W, image_channels)`:
        `image + strength (H(image, message) - image)`. The message is the watermark, which
        `fit_watermark` resizes to the image.

    Example:

    >>> embedder = build_embedder(watermark_channels=1, width=4, depth=3, residual_limit=0.1)
    >>> image, watermark = np.full((1, 32, 48, 3), 0.5), np.ones((1, 32, 48, 1))
    >>> inputs = {"image": image, "message": watermark, "strength": np.ones(1)}
    >>> tuple(embedder(inputs).shape)
    (1, 32, 48, 3)
    """
    _check_channels(image_channels, watermark_channels, width)
    if residual_limit is not None and not 0 < residual_limit <= 1:
        raise ValueError(
            "Expected a residual_limit above 0 and at most 1, or None. "
            f"Received: residual_limit={residual_limit!r}"
        )
    image = keras.Input((None, None, image_channels), name="image")
    message = keras.Input((None, None, watermark_channels), name="message")
    strength = keras.Input((), name="strength")
    x = keras.layers.Concatenate(name="image_and_message")([image, message])
    x = parts.unet(x, image_channels, width, depth, normalization)
    if residual_limit is None:
        painted = keras.layers.Activation("sigmoid", name="painted", dtype="float32")(x)
        x = keras.layers.Subtract(name="residual", dtype="float32")([painted, image])
    else:
        x = keras.layers.Activation("tanh", name="residual", dtype="float32")(x)
    marked = parts.add_residual(image, x, strength, residual_limit or 1.0)
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, marked, name=name)


def build_extractor(
    image_channels: int = 3,
    watermark_channels: int = 3,
    width: int = 128,
    halvings: int = 1,
    dilations=DILATIONS,
    output: str = "relu",
    name: str = "extractor",
) -> keras.Model:
    """Builds the extractor R: convolutions, dilated residual blocks, convolutions.

    Args:
        image_channels: channels of the image.
        watermark_channels: channels of the watermark.
        width: channels of all hidden layers; a CPU can train 16 to 32.
        halvings: number of halvings before the residual blocks, from 1; the code has 1.
        dilations: distance between the pixels that a block's convolutions see, one number for
            each block.
        output: last function: `"relu"` as in the code, or `"sigmoid"`.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, image_channels)` in [0, 1] to the watermark
        `(batch, H, W, watermark_channels)`, H and W multiples of `2**halvings`.

    Example:

    >>> extractor = build_extractor(watermark_channels=1, width=4, halvings=2, dilations=(1, 2))
    >>> tuple(extractor(np.full((1, 32, 48, 3), 0.5)).shape)
    (1, 32, 48, 1)
    """
    _check_channels(image_channels, watermark_channels, width)
    parts.check_sizes(halvings=halvings)
    if not all(isinstance(n, int) and n > 0 for n in dilations):
        raise ValueError(f"Expected dilations to be integers from 1. Received: {dilations=}")
    one_of("output", output, OUTPUTS)
    image = keras.Input((None, None, image_channels), name="image")
    layer = functools.partial(parts.small_block, width=width, normalization="instance", affine=True)
    # In float32: a mark of 40 dB is as small as the steps of bfloat16 pixels.
    x = layer(image, name="conv1", dtype="float32")
    x = layer(x, name="conv2")
    for i in range(1, halvings + 1):
        x = layer(x, name=f"half{i}", strides=2)
    for i, dilation in enumerate(dilations, 1):
        y = layer(x, name=f"block{i}_conv1", dilation_rate=dilation)
        y = layer(y, name=f"block{i}_conv2", dilation_rate=dilation, relu=False)
        x = keras.layers.Add(name=f"block{i}_sum")([x, y])
        x = keras.layers.ReLU(name=f"block{i}_relu")(x)
    for i in range(1, halvings + 1):
        x = layer(x, name=f"double{i}", kernel=4, strides=2, transposed=True)
    x = layer(x, name="conv3")
    watermark = keras.layers.Conv2D(
        watermark_channels,
        1,
        activation=output,
        bias_initializer="ones" if output == "relu" else "zeros",
        name="watermark",
        dtype="float32",
    )(x)
    return keras.Model(image, watermark, name=name)


def fit_watermark(watermark, size, method="bilinear"):
    """Resizes a watermark to the size of the images to mark.

    Args:
        watermark: `(h, w, channels)` in [0, 1].
        size: `(height, width)` of the images, numbers or tensors.
        method: `"bilinear"` (antialiased, as `tfwm.ops.resample.resize_matrix`); `"nearest"`,
            which keeps the two colors of a QR code; or `"tile"`, which repeats the watermark
            at its own size from the upper left corner and crops it at the borders.

    Returns:
        float32 tensor `(height, width, channels)`.

    Example:

    >>> fit_watermark(np.eye(2)[..., None], (2, 5), "tile").numpy()[..., 0]
    array([[1., 0., 1., 0., 1.],
           [0., 1., 0., 1., 0.]], dtype=float32)
    """
    one_of("method", method, FITS)
    watermark = tf.cast(watermark, tf.float32)
    if watermark.shape.rank != 3:
        raise ValueError(
            "Expected a watermark (height, width, channels). "
            f"Received: watermark of shape {tuple(watermark.shape)}"
        )
    old = watermark.shape[:2]
    if method == "tile":
        rows, columns = (tf.range(n) % m for n, m in zip(size, old, strict=True))
        return tf.gather(tf.gather(watermark, rows), columns, axis=1)
    vertical, horizontal = (
        resize_matrix(m, n, method=method) for n, m in zip(size, old, strict=True)
    )
    return apply_separable(watermark[None], vertical, horizontal)[0]


def _check_channels(image_channels, watermark_channels, width):
    parts.check_sizes(
        image_channels=image_channels, watermark_channels=watermark_channels, width=width
    )
