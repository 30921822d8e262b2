"""ReDMark: residual diffusion watermarking in a block transform domain.

Ahmadi, Norouzi, Karimi, Samavi and Emami, "ReDMark: Framework for residual diffusion
watermarking based on deep networks", Expert Systems with Applications 146, 2020.
Sections 3.1.1 (embedder, Fig. 2) and 3.1.3 (extractor, Fig. 5).

Official code: github.com/MahdiAhmadi/ReDMark (no license). Nothing of it is reused; this code
is written from the paper and the shapes of the released weights, which `tfwm convert redmark`
reads from a user's disk.

Where text and official code differ, this follows the code: the block DCT is orthonormal (the
appendix prints 1 / (M N) without the sqrt(1/2) terms), the horizontal frequency of a coefficient
comes first, the last embedding convolution has an ELU as well. Inside the network, pixels are
`image - 128 / 255`, the paper's (gray - 128) / 255.
"""

import keras

from tfwm.layers import PatchesToSpace, SpaceToPatches
from tfwm.models import parts
from tfwm.models.redmark.layers import BlockTransform, CircularConv2D

GRAY_LEVEL = 128 / 255


def build_embedder(
    patch_shape=(32, 32),
    block_shape=(8, 8),
    transform="dct",
    width: int = 64,
    depth: int = 4,
    name: str = "embedder",
) -> keras.Model:
    """Builds the embedding network (Fig. 2), which adds a message as a residual.

    The network handles each patch by itself. It transforms the patch's blocks and appends the
    message bit of each block to the coefficients. One 1x1 and `depth` circular 2x2
    convolutions follow, and the inverse transform returns the residual, which `strength`
    scales.

    Args:
        patch_shape: `(rows, columns)` of a patch in pixels, multiples of the block's.
        block_shape: `(M, N)`, rows and columns of a block; one bit goes into each.
        transform: a name or matrix for `BlockTransform`, or such a layer
            (so that it shares a released transform with the extractor).
        width: channels of the hidden convolutions.
        depth: number of circular convolutions.
        name: name of the model.

    Returns:
        `keras.Model` with the inputs `{"image": (batch, H, W, 1) in [0, 1],
        "message": (batch, H / M, W / N, 1) of 0 and 1, "strength": (batch,)}`, H and W
        any multiples of the patch's sides, and the watermarked image `(batch, H, W, 1)`,
        not clipped, as output.

    Example:

    >>> model = build_embedder()
    >>> image, message = np.full((1, 64, 96, 1), 0.5), np.ones((1, 8, 12, 1))
    >>> inputs = {"image": image, "message": message, "strength": np.ones(1)}
    >>> tuple(model(inputs).shape)
    (1, 64, 96, 1)
    """
    grid = _grid(patch_shape, block_shape)
    to_blocks = _as_transform(transform, block_shape)
    coefficients = block_shape[0] * block_shape[1]

    image = keras.Input((None, None, 1), name="image")
    message = keras.Input((None, None, 1), name="message")
    strength = keras.Input((), name="strength")

    centered = keras.layers.Rescaling(1.0, offset=-GRAY_LEVEL, name="centre", dtype="float32")(
        image
    )
    patches = SpaceToPatches(patch_shape, name="image_patches", dtype="float32")(centered)
    bits = SpaceToPatches(grid, name="message_patches")(message)
    x = keras.layers.Concatenate(name="coefficients_and_bit")([to_blocks(patches), bits])
    x = keras.layers.Conv2D(width, 1, activation="elu", name="enc_conv1")(x)
    for i in range(depth):
        filters = coefficients if i == depth - 1 else width
        x = CircularConv2D(filters, 2, activation="elu", name=f"enc_conv{i + 2}")(x)
    residual = to_blocks(x, inverse=True)
    residual = PatchesToSpace(patch_shape, name="residual", dtype="float32")([residual, image])
    watermarked = parts.add_residual(image, residual, strength, unit=1.0)
    inputs = {"image": image, "message": message, "strength": strength}
    return keras.Model(inputs, watermarked, name=name)


def build_extractor(
    patch_shape=(32, 32),
    block_shape=(8, 8),
    transform="dct",
    width: int = 64,
    depth: int = 3,
    name: str = "extractor",
) -> keras.Model:
    """Builds the extraction network (Fig. 5): one logit for each block.

    Args:
        patch_shape: `(rows, columns)` of a patch in pixels, as for the embedder.
        block_shape: `(M, N)`, rows and columns of a block.
        transform: as for the embedder.
        width: channels of the hidden convolutions.
        depth: number of circular convolutions.
        name: name of the model.

    Returns:
        `keras.Model` from an image `(batch, H, W, 1)` in [0, 1] to the logits
        `(batch, H / M, W / N, 1)`, before the sigmoid, positive for a 1.

    Example:

    >>> tuple(build_extractor()(np.full((1, 64, 96, 1), 0.5)).shape)
    (1, 8, 12, 1)
    """
    _grid(patch_shape, block_shape)
    image = keras.Input((None, None, 1), name="image")
    centered = keras.layers.Rescaling(1.0, offset=-GRAY_LEVEL, name="centre", dtype="float32")(
        image
    )
    x = SpaceToPatches(patch_shape, name="image_patches", dtype="float32")(centered)
    x = _as_transform(transform, block_shape)(x)
    x = keras.layers.Conv2D(width, 1, activation="elu", name="dec_conv1")(x)
    for i in range(depth):
        x = CircularConv2D(width, 2, activation="elu", name=f"dec_conv{i + 2}")(x)
    x = keras.layers.Conv2D(1, 1, name="dec_output", dtype="float32")(x)
    logits = PatchesToSpace(patch_shape, name="logits", dtype="float32")([x, image])
    return keras.Model(image, logits, name=name)


def _grid(patch_shape, block_shape):
    grid = tuple(p // b for p, b in zip(patch_shape, block_shape, strict=True))
    if min(grid) < 2 or any(p % b for p, b in zip(patch_shape, block_shape, strict=True)):
        raise ValueError(
            "Expected patches of at least 2 x 2 whole blocks. "
            f"Received: patch_shape={tuple(patch_shape)}, block_shape={tuple(block_shape)}"
        )
    return grid


def _as_transform(transform, block_shape):
    if isinstance(transform, BlockTransform):
        return transform
    return BlockTransform(block_shape, transform, name="transform", dtype="float32")
