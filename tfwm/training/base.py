"""The base of all trainers: named parts and settings, and what outputs are compared with."""

import keras
import tensorflow as tf

from tfwm.layers.base import Configured
from tfwm.training.distribute import worker


class Trainer(Configured, keras.Model):
    """Base of trainers, which compute by themselves what their outputs are compared with.

    Derive from it. Keep each of the constructor's arguments (Keras objects, plain values and
    arrays) as an attribute of the same name. Write `call`, which returns a dict of outputs, and
    `targets`. A `build` of your own builds what `call` does not reach, and ends with
    `super().build(input_shape)`, which makes the networks' weights where they lack, and then the
    optimizer's variables: call `compile` before `build`. In mixed precision, `call` is
    given float32 all the same, as a pixel in bfloat16 has 8 bits.
    """

    @property
    def input_dtype(self):
        return "float32"

    def targets(self, inputs, outputs):
        """Returns what the losses and metrics of `compile` compare outputs with.

        Args:
            inputs: what `call` received.
            outputs: dict, as `call` returned it.

        Returns:
            A dict with some or all keys of `outputs`; the other outputs are not compared.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `targets`.")

    def penalties(self, inputs, outputs, training):
        """Returns further losses, which are added to those of `compile`.

        They are returned, not added by `add_loss`: under a strategy, a variable that is assigned
        after `add_loss` lets other replicas clear the model's list of losses.

        Args:
            inputs, outputs: see `targets`.
            training: whether this is a training step.

        Returns:
            A list of float32 scalars, each a mean over the replica's images.
        """
        return []

    def adversary_loss(self, images, training):
        """Returns the loss of the trainer's `adversary`, in a list; it has one only in training.

        Args:
            images: the network's outputs, and what they are compared with.
            training: see `penalties`.
        """
        if not training or self.adversary is None:
            return []
        return [self.adversary(images, training=True)]

    def build(self, input_shape):
        self.built = True
        if not all(layer.built for layer in self.layers):
            inputs = keras.tree.map_shape_structure(keras.KerasTensor, input_shape)
            self.compute_output_spec(inputs, training=False)
        if getattr(self, "optimizer", None) is not None:
            # Made later, its variables would let the first step be traced twice.
            self.optimizer.build(self.trainable_variables)

    def train_step(self, data):
        return _to_reduce(super().train_step(data))

    def test_step(self, data):
        return _to_reduce(super().test_step(data))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = 0.0
        if self.loss is not None or self.losses:
            total = super().compute_loss(x, *self._compared(x, y_pred), sample_weight, training)
        penalties = self.penalties(x, y_pred, training)
        return total + sum(penalties) / tf.distribute.get_strategy().num_replicas_in_sync

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, *self._compared(x, y_pred), sample_weight)

    def _compared(self, inputs, outputs):
        targets = self.targets(inputs, outputs)
        return targets, {key: outputs[key] for key in targets}

    def compile_from_config(self, config):
        optimizer = config["optimizer"]
        if optimizer and optimizer["class_name"] == "CriticOptimizer":
            # Keras would make the optimizer a critic of its own.
            optimizer["config"]["critic"] = self.adversary.critic
        super().compile_from_config(config)

    def get_config(self):
        return {"name": self.name, **self.own_arguments()}


def _to_reduce(logs):
    """Returns logs as Keras reduces them: over several workers, it takes a mean over axis 0."""
    several = worker()[1] > 1
    return {key: value[None] for key, value in logs.items()} if several else logs


def build_part(part, *shape):
    """Builds a part that a trainer may lack and that may be built already."""
    # A checkpoint is only restored into weights that exist: a ramp's counter is one.
    if isinstance(part, keras.Layer) and not part.built:
        part.build(*shape)
