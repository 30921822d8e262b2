"""Numbers that layers and trainers count or adapt during training."""

import keras


def add_number(layer, name, value=0.0):
    """Adds a float32 number to a layer, which is saved with the weights but not trained.

    Args:
        layer: a Keras layer or model.
        name: name of the weight.
        value: initial value.

    Returns:
        The variable, a scalar; replicas of a `tf.distribute` strategy average what they assign.
    """
    return layer.add_weight(
        name=name,
        shape=(),
        initializer=keras.initializers.Constant(value),
        trainable=False,
        dtype="float32",
        aggregation="mean",
    )
