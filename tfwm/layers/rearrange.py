"""Layers that move places to channels, patches to the batch, and back."""

import math

import keras
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.ops.blocks import blocks_to_space, space_to_blocks


@keras.saving.register_keras_serializable(package="tfwm")
class DepthToSpace(Configured, keras.layers.Layer):
    """Rearranges the channels of each place as a square of places.

    A 1 x 1 convolution and this layer equal a transposed convolution whose kernel and stride are
    `block_size`, and are several times as fast on CPUs. `SpaceToDepth` is its inverse.

    Args:
        block_size: side of the square.

    Input shape:
        `(batch, rows, columns, block_size**2 * channels)`.

    Output shape:
        `(batch, rows * block_size, columns * block_size, channels)`.

    Example:

    >>> tuple(DepthToSpace(2)(np.ones((1, 3, 4, 32), "float32")).shape)
    (1, 6, 8, 8)
    """

    def __init__(self, block_size, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        sides = [None if n is None else n * self.block_size for n in (rows, columns)]
        return (batch, *sides, channels // self.block_size**2)


@keras.saving.register_keras_serializable(package="tfwm")
class SpaceToDepth(Configured, keras.layers.Layer):
    """Gathers each square of places into the channels of one place: the inverse of `DepthToSpace`.

    Args:
        block_size: side of the square.

    Input shape:
        `(batch, rows * block_size, columns * block_size, channels)`.

    Output shape:
        `(batch, rows, columns, block_size**2 * channels)`.

    Example:

    >>> tuple(SpaceToDepth(2)(np.ones((1, 6, 8, 8), "float32")).shape)
    (1, 3, 4, 32)
    """

    def __init__(self, block_size, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        return tf.nn.space_to_depth(inputs, self.block_size)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if n is None else n // self.block_size for n in (height, width)]
        return (batch, *sides, channels * self.block_size**2)


@keras.saving.register_keras_serializable(package="tfwm")
class SpaceToPatches(Configured, keras.layers.Layer):
    """Moves the patches of a grid into the batch, so that the network handles each by itself.

    Args:
        patch_shape: `(rows, columns)` of a patch.

    Input shape:
        `(batch, height, width, channels)`; sides are multiples of the patch's.

    Output shape:
        `(batch * height / rows * width / columns, rows, columns, channels)`, patches
        of an image in row-major order.

    Example:

    >>> tuple(SpaceToPatches((32, 32))(np.ones((2, 64, 96, 1), "float32")).shape)
    (12, 32, 32, 1)
    """

    def __init__(self, patch_shape, **kwargs):
        super().__init__(**kwargs)
        self.patch_shape = tuple(patch_shape)

    def call(self, inputs):
        x = space_to_blocks(inputs, self.patch_shape)
        return tf.reshape(x, (-1, *self.patch_shape, inputs.shape[-1] or tf.shape(inputs)[-1]))

    def compute_output_shape(self, input_shape):
        return (None, *self.patch_shape, input_shape[-1])


@keras.saving.register_keras_serializable(package="tfwm")
class PatchesToSpace(Configured, keras.layers.Layer):
    """Puts the patches of `SpaceToPatches` back in their places.

    Args:
        grid_patch: `(rows, columns)` of a patch in the pixels of `like`.

    Call arguments:
        inputs: `[patches, like]`: `(n, rows, columns, channels)` and the tensor
            `(batch, height, width, any)` that was cut into patches of `grid_patch`.

    Output shape:
        `(batch, height / grid_patch[0] * rows, width / grid_patch[1] * columns, channels)`.

    Example:

    >>> image = np.ones((2, 64, 96, 1), "float32")
    >>> patches = SpaceToPatches((32, 32))(image)
    >>> tuple(PatchesToSpace((32, 32))([patches, image]).shape)
    (2, 64, 96, 1)
    """

    def __init__(self, grid_patch, **kwargs):
        super().__init__(**kwargs)
        self.grid_patch = tuple(grid_patch)

    def call(self, inputs):
        patches, like = inputs
        _, height, width, _ = tf.unstack(tf.shape(like))
        down, across = height // self.grid_patch[0], width // self.grid_patch[1]
        x = tf.reshape(patches, (-1, down, across, math.prod(patches.shape[1:])))
        return blocks_to_space(x, patches.shape[1:3])

    def compute_output_shape(self, input_shape):
        patches, like = input_shape
        sides = [
            None if side is None else side // grid * patch
            for side, grid, patch in zip(like[1:3], self.grid_patch, patches[1:3], strict=True)
        ]
        return (like[0], *sides, patches[-1])
