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
import numpy as np
import tensorflow as tf

from tfwm.layers import PatchesToSpace, SpaceToPatches
from tfwm.layers.base import Configured
from tfwm.models import parts
from tfwm.models.circular import CircularConv2D
from tfwm.ops.blocks import blocks_to_space, space_to_blocks
from tfwm.ops.transforms import block_matrix

GRAY_LEVEL = 128 / 255


def build_embedder(
    patch_shape=(32, 32),
    block_shape=(8, 8),
    transform="dct",
    width: int = 64,
    depth: int = 4,
    method: str = "direct",
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
        method: how they are computed, see `CircularConv2D`.
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

    centered = keras.layers.Rescaling(1.0, -GRAY_LEVEL, name="centre", dtype="float32")(image)
    patches = SpaceToPatches(patch_shape, name="image_patches", dtype="float32")(centered)
    bits = SpaceToPatches(grid, name="message_patches")(message)
    x = keras.layers.Concatenate(name="coefficients_and_bit")([to_blocks(patches), bits])
    x = keras.layers.Conv2D(width, 1, activation="elu", name="enc_conv1")(x)
    for i in range(depth):
        filters = coefficients if i == depth - 1 else width
        x = CircularConv2D(filters, 2, "elu", method=method, name=f"enc_conv{i + 2}")(x)
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
    method: str = "direct",
    name: str = "extractor",
) -> keras.Model:
    """Builds the extraction network (Fig. 5): one logit for each block.

    Args:
        patch_shape: `(rows, columns)` of a patch in pixels, as for the embedder.
        block_shape: `(M, N)`, rows and columns of a block.
        transform: as for the embedder.
        width: channels of the hidden convolutions.
        depth: number of circular convolutions.
        method: how they are computed, see `CircularConv2D`.
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
    centered = keras.layers.Rescaling(1.0, -GRAY_LEVEL, name="centre", dtype="float32")(image)
    x = SpaceToPatches(patch_shape, name="image_patches", dtype="float32")(centered)
    x = _as_transform(transform, block_shape)(x)
    x = keras.layers.Conv2D(width, 1, activation="elu", name="dec_conv1")(x)
    for i in range(depth):
        x = CircularConv2D(width, 2, "elu", method=method, name=f"dec_conv{i + 2}")(x)
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


@keras.saving.register_keras_serializable(package="tfwm")
class BlockTransform(Configured, keras.layers.Layer):
    """Transforms every M x N block of a gray image linearly, and back.

    The layer cuts the image into blocks, each block becomes one vector of M * N channels,
    and the transform is a 1x1 convolution over these channels. The same layer, called
    with `inverse=True`, turns coefficients back into an image, so that analysis and
    synthesis always match.

    Reference: Ahmadi et al., ReDMark, section 3.1.1 ("Transform Layer", Eq. 1).

    Args:
        block_shape: `(M, N)`, rows and columns of a block in pixels.
        transform: `"dct"`, `"hadamard"`, `"haar"`, `"random"`, `"identity"`, or an
            invertible `(M * N, M * N)` matrix (nested lists or array) whose rows
            are the basis functions.
        release: if `True`, the matrix is trained with the network and kept
            orthonormal after every step, so that its transpose is the inverse.
            The matrix must start orthonormal.
        seed: integer, for `"random"`.

    Call arguments:
        inputs: `(batch, height, width, 1)`, or with `inverse=True`
            `(batch, height / M, width / N, M * N)`.
        inverse: `True` for the synthesis.

    Output shape:
        The other of the two shapes above.

    Example:

    >>> transform = BlockTransform((8, 8), "dct")
    >>> coefficients = transform(np.ones((1, 32, 32, 1), "float32"))
    >>> tuple(coefficients.shape), float(coefficients[0, 0, 0, 0])
    ((1, 4, 4, 64), 8.0)
    """

    def __init__(self, block_shape=(8, 8), transform="dct", release=False, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.block_shape = tuple(block_shape)
        self.transform = transform if isinstance(transform, str) else np.asarray(transform).tolist()
        self.release = release
        self.seed = seed
        self._matrix = self._make_matrix()

    def _make_matrix(self):
        size = self.block_shape[0] * self.block_shape[1]
        if isinstance(self.transform, str):
            return block_matrix(self.transform, self.block_shape, self.seed)
        matrix = np.asarray(self.transform, dtype=np.float64)
        if matrix.shape != (size, size) or np.linalg.matrix_rank(matrix) < size:
            raise ValueError(
                f"Expected an invertible ({size}, {size}) matrix for blocks of "
                f"{self.block_shape}. Received: transform of shape {matrix.shape}"
            )
        return matrix

    def build(self, input_shape):
        matrix = self._matrix
        size = len(matrix)
        orthonormal = np.allclose(matrix @ matrix.T, np.eye(size), atol=1e-6)
        if self.release and not orthonormal:
            raise ValueError(
                "Expected an orthonormal matrix with release=True (for instance scipy.linalg.orth "
                "of your matrix). Received: a matrix that is not orthonormal"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, size, size),
            initializer=_constant(matrix.T),
            trainable=self.release,
            constraint=Orthonormal() if self.release else None,
        )
        self.inverse_kernel = None
        if not orthonormal:
            self.inverse_kernel = self.add_weight(
                name="inverse_kernel",
                shape=(1, 1, size, size),
                initializer=_constant(np.linalg.inv(matrix).T),
                trainable=False,
            )

    def call(self, inputs, inverse=False):
        kernel = tf.cast(self.kernel, self.compute_dtype)
        if not inverse:
            return tf.nn.conv2d(space_to_blocks(inputs, self.block_shape), kernel, 1, "VALID")
        if self.inverse_kernel is None:
            kernel = tf.transpose(kernel, (0, 1, 3, 2))
        else:
            kernel = tf.cast(self.inverse_kernel, self.compute_dtype)
        return blocks_to_space(tf.nn.conv2d(inputs, kernel, 1, "VALID"), self.block_shape)

    def compute_output_spec(self, inputs, inverse=False):
        batch, height, width, _ = inputs.shape
        rows, columns = self.block_shape
        if inverse:
            shape = (batch, height and height * rows, width and width * columns, 1)
        else:
            shape = (batch, height and height // rows, width and width // columns, rows * columns)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


def _constant(matrix):
    """Returns an initializer that is not stored: the config is enough to make the matrix again."""

    def initializer(shape, dtype=None):
        return tf.constant(matrix.reshape(shape), dtype)

    return initializer


@keras.saving.register_keras_serializable(package="tfwm")
class Orthonormal(Configured, keras.constraints.Constraint):
    """Constrains a `(1, 1, n, n)` kernel to be an orthonormal matrix.

    After every optimizer step it moves the kernel to the nearest orthonormal matrix by
    Newton-Schulz iterations, `W <- 1.5 W - 0.5 W W^T W`. They need only matrix products,
    and converge quadratically, as one step changes the matrix little.

    Args:
        iterations: number of iterations in a call. 4 leave an error near 1e-7 if the
            kernel was off by at most about 0.3.

    Example:

    >>> kernel = keras.Variable(np.eye(4, dtype="float32")[None, None] * 1.1)
    >>> fixed = Orthonormal()(kernel)
    >>> bool(np.allclose(fixed[0, 0], np.eye(4), atol=1e-6))
    True
    """

    def __init__(self, iterations=4):
        self.iterations = iterations

    def __call__(self, w):
        w = tf.convert_to_tensor(w)
        for _ in range(self.iterations):
            w = 1.5 * w - 0.5 * tf.matmul(w, tf.matmul(w, w, transpose_a=True))
        return w
