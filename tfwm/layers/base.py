"""What our layers, losses, metrics and trainers share: their configs, and numbers they count."""

import inspect

import keras
import numpy as np
import tensorflow as tf


class Configured:
    """Mixin that makes the config of a Keras object from its constructor's arguments.

    Name it before the Keras class, and keep each argument as an attribute of the same name. Keras
    objects among them, also in lists and dicts, are serialized and made again. A subclass with
    arguments of its own may leave those of its bases to `**kwargs`.
    """

    def __new__(cls, *args, **kwargs):
        new = super().__new__
        made = new(cls) if new is object.__new__ else new(cls, *args, **kwargs)
        vars(made)["_given"] = tuple(kwargs)
        return made

    def get_config(self):
        """Returns the constructor's arguments, each read from the attribute of its name."""
        return {**self.own_arguments(), **super().get_config()}

    def own_arguments(self):
        """Returns what the class itself adds to the config."""
        own, *bases = (
            inspect.signature(kind.__init__).parameters
            for kind in type(self).__mro__
            if issubclass(kind, Configured)
        )
        # What a subclass passes to its bases by itself is no argument of its constructor.
        passed = [name for name in self._given if any(name in base for base in bases)]
        names = dict.fromkeys([*own, *passed])
        return {name: _plain(getattr(self, name)) for name in names if hasattr(self, name)}

    @classmethod
    def from_config(cls, config):
        return super().from_config({name: _restored(value) for name, value in config.items()})


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return keras.saving.serialize_keras_object(value) if hasattr(value, "get_config") else value


def _restored(value):
    if isinstance(value, list):
        return [_restored(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "class_name" in value and "config" in value:
        return keras.saving.deserialize_keras_object(value)
    return {key: _restored(inner) for key, inner in value.items()}


def add_number(layer, name, value=0.0, shape=()):
    """Adds a float32 number to a layer, which is saved with the weights but not trained.

    Args:
        layer: a Keras layer or model.
        name: name of the weight.
        value: initial value.
        shape: of an array of numbers.

    Returns:
        The variable, by default a scalar; replicas of a `tf.distribute` strategy average what they
        assign.
    """
    return layer.add_weight(
        name=name,
        shape=shape,
        initializer=keras.initializers.Constant(value),
        trainable=False,
        dtype="float32",
        autocast=False,  # counted in bfloat16, 257 would be 256
        aggregation="mean",
    )


def mean_over_replicas(number, value):
    """Returns the mean of a number over the replicas of a strategy, a constant for gradients.

    It goes through a variable of `add_number`, whose assignments all replicas make together. A
    collective operation of our own may meet those of the optimizer in another order.
    """
    number.assign(tf.stop_gradient(value))
    return tf.stop_gradient(tf.convert_to_tensor(number))
