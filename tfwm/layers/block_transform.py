import keras
import numpy as np
import tensorflow as tf

from tfwm.layers.orthonormal import Orthonormal
from tfwm.ops.blocks import blocks_to_space, space_to_blocks
from tfwm.ops.transforms import block_matrix


@keras.saving.register_keras_serializable(package="tfwm")
class BlockTransform(keras.layers.Layer):
    """Linear transform of every M x N block of a gray image, and its inverse.

    The image is cut into blocks, each block becomes one vector of M * N channels,
    and the transform is a 1x1 convolution over these channels. Calling the same
    layer with `inverse=True` takes coefficients back to an image, so that analysis
    and synthesis always belong together.

    Reference: Ahmadi et al., ReDMark, section 3.1.1 ("Transform Layer", Eq. 1).

    Args:
        block_shape: `(M, N)`, rows and columns of a block in pixels.
        transform: `"dct"`, `"hadamard"`, `"haar"`, `"random"`, `"identity"`, or an
            invertible `(M * N, M * N)` matrix (nested lists or array) whose rows
            are the basis functions.
        release: if `True` the matrix is trained with the network and kept
            orthonormal after every step, so that the inverse is its transpose.
            Needs an orthonormal start.
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
                "A released transform stays orthonormal, so it must start orthonormal (for "
                "instance scipy.linalg.orth of your matrix). Received: a matrix that is not."
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
            sides = [n and n * k for n, k in ((height, rows), (width, columns))]
            return keras.KerasTensor((batch, *sides, 1), dtype=self.compute_dtype)
        sides = [n and n // k for n, k in ((height, rows), (width, columns))]
        return keras.KerasTensor((batch, *sides, rows * columns), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "block_shape": self.block_shape,
            "transform": self.transform,
            "release": self.release,
            "seed": self.seed,
        }


def _constant(matrix):
    """An initialiser that is not stored: the matrix is made again from the config."""

    def initializer(shape, dtype=None):
        return tf.constant(matrix.reshape(shape), dtype)

    return initializer
