import keras
import tensorflow as tf

from tfwm.layers.seeded import SeededLayer
from tfwm.ops.random import uniform


@keras.saving.register_keras_serializable(package="tfwm")
class RandomMessage(SeededLayer):
    """Draws fresh uniform message bits for every image of a batch.

    Args:
        shape: shape of one message, for instance `(4, 4, 1)` or `(30,)`.
        seed: integer, makes the messages repeatable.

    Input shape:
        Any `(batch, ...)`; only the batch size is read.

    Output shape:
        `(batch, *shape)`, float32 zeros and ones.

    Example:

    >>> tuple(RandomMessage((30,), seed=1)(np.zeros((2, 32, 32, 1))).shape)
    (2, 30)
    """

    def __init__(self, shape, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.shape = tuple(shape)

    def call(self, inputs):
        shape = (inputs.shape[0] or tf.shape(inputs)[0], *self.shape)
        draw = uniform(shape, self.next_seed())
        return tf.cast(draw < 0.5, tf.float32)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
