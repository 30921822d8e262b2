"""A loss that teaches a spatial transformer where an attack moved the image."""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured, add_number, mean_over_replicas
from tfwm.ops.warp import position_images

# An error that is small enough: 0.3 % of half a side.
SMALLEST = 1e-5


@keras.saving.register_keras_serializable(package="tfwm")
class AlignmentLoss(Configured, keras.layers.Layer):
    """Teaches a spatial transformer where an attack moved the image.

    StegaStamp's transformer learns only from how well the message is read. With this loss it also
    learns from the attack. The error is the mean squared difference between the transformer's map
    and the affine map that is closest to what the attack did. The embedder learns from it to add
    marks that help to locate the image. The loss is `weight log(error + 1e-5)`, which has the same
    effect while attacks are small as when they are large. It is tfwm's own; the papers have none.

    Args:
        layer: name of the extractor's layer that returns the map, `(batch, 6)`, for
            `tfwm.models.stegastamp.SpatialTransformer`.
        weight: weight of the loss.

    Call arguments:
        inputs: `[parameters, positions]`: the map, and the positions that
            `tfwm.attacks.Attack.call_with_positions` returns.

    Returns:
        The loss, a float32 scalar.

    Example:

    >>> from tfwm.attacks import RandomResizedCrop
    >>> crop = RandomResizedCrop((0.5, 0.5), 1.0)
    >>> _, positions = crop.call_with_positions(tf.ones((2, 64, 64, 3)))
    >>> layer = AlignmentLoss("locate_map")
    >>> layer([np.tile([1.0, 0, 0, 0, 1, 0], (2, 1)), positions]).shape
    TensorShape([])
    """

    def __init__(self, layer, weight=0.3, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.layer = layer
        self.weight = weight
        self.tracker = keras.metrics.Mean(name="alignment")

    def build(self, input_shape):
        self.error = add_number(self, "error")

    def call(self, inputs):
        parameters, positions = inputs
        wanted = tf.stop_gradient(affine_map(positions))
        error = tf.reduce_mean(tf.square(tf.cast(parameters, tf.float32) - wanted))
        self.tracker.update_state(error)
        # The logarithm of the mean over all replicas, with the gradient of this one's share.
        whole = mean_over_replicas(self.error, error) + SMALLEST
        return self.weight * (tf.math.log(whole) + (error - tf.stop_gradient(error)) / whole)

    def compute_output_shape(self, input_shape):
        return ()


def affine_map(positions):
    """Returns the affine maps from the places of an image to those of its moved copy.

    Args:
        positions: see `tfwm.attacks.Attack.call_with_positions`.

    Returns:
        float32 `(batch, 6)`, fitted by least squares over the pixels that show the image. With
        these numbers `tfwm.models.stegastamp.SpatialTransformer` moves the copy back.
    """
    batch = tf.shape(positions)[0]
    here = 2 * position_images(tf.shape(positions))[..., :2] - 1
    here = tf.reshape(here, (batch, -1, 2))
    values = tf.reshape(tf.cast(positions, tf.float32), (batch, -1, 3))
    known = tf.cast(abs(values[..., 2:] - 0.5) < 1e-3, tf.float32)
    there = tf.concat([2 * values[..., :2] - 1, tf.ones_like(known)], -1)
    square = tf.matmul(there * known, there, transpose_a=True)
    mixed = tf.matmul(there * known, here, transpose_a=True)
    # The ridge avoids a division by zero if no pixel of the image is left.
    ridge = 1e-3 * tf.eye(3)
    plain = tf.constant([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    solved = tf.linalg.solve(square + ridge, mixed + tf.matmul(ridge, plain))
    return tf.reshape(tf.transpose(solved, (0, 2, 1)), (batch, 6))
