"""Somebody who trains a host further to be rid of its mark, simulated while the host is trained."""

import keras
import tensorflow as tf

from tfwm.checks import check_number
from tfwm.layers.base import Configured, add_number, mean_over_replicas

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


@keras.saving.register_keras_serializable(package="tfwm")
class FineTuned(Configured, keras.layers.Layer):
    """Gives the outputs of a host that somebody has fine-tuned on clean pairs of its task.

    Each training step takes one step of Adam on the task's loss alone, which changes a copy of the
    host's weights. After `steps` of them it starts again from the weights that the host has then.
    The copy is kept as its difference from the host's weights, a constant for gradients: what is
    wanted of the fine-tuned host's outputs is learned by the host itself, as in first-order MAML
    (Finn et al., "Model-agnostic meta-learning", ICML 2017, section 5.2), which Tamirisa et al.,
    "Tamper-resistant safeguards for open-weight LLMs", ICLR 2025, turn against fine-tuning.

    Args:
        host: `keras.Model` from an image to an image; built.
        loss: Keras loss of the task.
        steps: number of steps after which the copy starts again.
        learning_rate: of Adam.

    Call arguments:
        image: the host's input.
        target: what its output should be.

    Returns:
        The output of the fine-tuned host, of the target's shape.
    """

    def __init__(self, host, loss, steps=300, learning_rate=3e-4, **kwargs):
        super().__init__(**kwargs)
        self.host = host
        self.loss = keras.losses.get(loss)
        self.steps = check_number("steps", steps, 1, 10**9, "at least 1 step", kind=int)
        self.learning_rate = check_number(
            "learning_rate", learning_rate, 0, 1, "a learning_rate from 0 to 1"
        )

    def build(self, *shapes):
        self.change, self.first, self.second, self.mean = (
            [
                add_number(self, f"{name}_{i}", shape=weight.shape)
                for i, weight in enumerate(self.host.trainable_variables)
            ]
            for name in ("change", "first", "second", "mean")
        )
        self.taken = add_number(self, "taken")
        self.built = True

    def call(self, image, target):
        own = [tf.convert_to_tensor(w.value) for w in self.host.trainable_variables]
        tuned = [
            w + tf.stop_gradient(tf.convert_to_tensor(d))
            for w, d in zip(own, self.change, strict=True)
        ]
        others = self.host.non_trainable_variables
        with tf.GradientTape() as tape:
            tape.watch(tuned)
            output, _ = self.host.stateless_call(tuned, others, image, training=True)
            # Keras divides a loss by the number of replicas, whose gradients are averaged here.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            loss = self.loss(target, output) * replicas
        self._step(tape.gradient(loss, tuned))
        return output

    def _step(self, gradients):
        """Takes a step of Adam, or starts again."""
        taken = tf.convert_to_tensor(self.taken)
        go_on = tf.cast(taken < self.steps, tf.float32)
        number = taken + 1.0
        rate = self.learning_rate * tf.sqrt(1 - BETA_2**number) / (1 - BETA_1**number)
        slots = zip(self.change, self.first, self.second, self.mean, gradients, strict=True)
        for change, first, second, mean, gradient in slots:
            gradient = mean_over_replicas(mean, gradient)  # so that theirs stay equal
            moment = BETA_1 * tf.convert_to_tensor(first) + (1 - BETA_1) * gradient
            squares = BETA_2 * tf.convert_to_tensor(second) + (1 - BETA_2) * tf.square(gradient)
            moved = tf.convert_to_tensor(change) - rate * moment / (tf.sqrt(squares) + EPSILON)
            for slot, value in ((first, moment), (second, squares), (change, moved)):
                slot.assign(go_on * value)
        self.taken.assign(go_on * number)
