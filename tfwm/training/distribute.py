"""The choice of a distribution strategy."""

import tensorflow as tf


def training_strategy():
    """Returns a `MirroredStrategy` over the GPUs where there are several, else the default.

    Build and compile the trainer inside `strategy.scope()`.

    Example:

    >>> with training_strategy().scope():
    ...     pass
    """
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
