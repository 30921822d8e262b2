"""Networks that others train, simulated while a marked one is trained."""

import keras
import numpy as np
import tensorflow as tf

from tfwm.checks import check_number
from tfwm.layers.base import Configured, add_number, mean_over_replicas
from tfwm.ops.jpeg import image_size
from tfwm.ops.random import normal, uniform
from tfwm.ops.resample import apply_separable, resize_matrix

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
# In float16, gradients would vanish without a factor on the loss.
FLOAT16_SCALE = 2.0**10


class _Simulated(Configured, keras.layers.Layer):
    """Trains weights of its own by Adam, one step a call, and starts again after some steps."""

    def __init__(self, loss, steps, learning_rate, **kwargs):
        kwargs["dtype"] = "float32"  # all but the network, which has a precision of its own
        super().__init__(**kwargs)
        self.loss = keras.losses.get(loss)
        self.steps = check_number("steps", steps, 1, 10**9, "at least 1 step", kind=int)
        self.learning_rate = check_number(
            "learning_rate", learning_rate, 0, 1, "a learning_rate from 0 to 1"
        )

    def add_slots(self, starts):
        """Adds what is trained, which starts at these arrays, with the state of Adam."""
        self.own, self.first, self.second, self.mean = (
            [
                add_number(self, f"{name}_{i}", start if name == "own" else 0.0, start.shape)
                for i, start in enumerate(starts)
            ]
            for name in ("own", "first", "second", "mean")
        )
        self.taken = add_number(self, "taken")
        self.built = True

    def run(self, network, variables, weights, image, target):
        """Returns the network's output with weights in place of variables, which take a step."""
        replaced = {
            id(variable): weight for variable, weight in zip(variables, weights, strict=True)
        }
        kinds = network.trainable_variables, network.non_trainable_variables
        state = [[replaced.get(id(v), v.value) for v in kind] for kind in kinds]
        half = any(layer.compute_dtype == "float16" for layer in network.layers)
        scale = FLOAT16_SCALE if half else 1.0
        with tf.GradientTape() as tape:
            tape.watch(weights)
            output, _ = network.stateless_call(*state, image, training=True)
            output = tf.cast(output, target.dtype)
            loss = tf.reduce_mean(self.loss(target, output)) * self._shares() * scale
        gradients = tape.gradient(loss, weights)
        if half:  # too large ones are left out
            gradients = [tf.where(tf.math.is_finite(g), g / scale, 0.0) for g in gradients]
        self._step(gradients)
        return output

    def _shares(self):
        """The number by which Keras has divided the loss, as if replicas' gradients were summed."""
        divided = isinstance(self.loss, keras.losses.Loss)  # and not a function
        return tf.distribute.get_strategy().num_replicas_in_sync if divided else 1

    def _step(self, gradients):
        """Takes a step of Adam, or starts again."""
        taken = tf.convert_to_tensor(self.taken)
        goes_on = self.goes_on(taken)
        number = taken + 1.0
        rate = self.learning_rate * tf.sqrt(1 - BETA_2**number) / (1 - BETA_1**number)
        starts = self.starts()
        slots = zip(self.own, self.first, self.second, self.mean, gradients, starts, strict=True)
        for own, first, second, mean, gradient, start in slots:
            gradient = mean_over_replicas(mean, gradient)  # so that theirs stay equal
            moment = BETA_1 * tf.convert_to_tensor(first) + (1 - BETA_1) * gradient
            squares = BETA_2 * tf.convert_to_tensor(second) + (1 - BETA_2) * tf.square(gradient)
            moved = tf.convert_to_tensor(own) - rate * moment / (tf.sqrt(squares) + EPSILON)
            for slot, value in ((first, moment), (second, squares), (own, moved)):
                slot.assign(tf.where(goes_on, value, start if slot is own else 0.0))
        self.taken.assign(tf.where(goes_on, number, 0.0))


@keras.saving.register_keras_serializable(package="tfwm")
class FineTuned(_Simulated):
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
        super().__init__(loss, steps, learning_rate, **kwargs)
        self.host = host

    def build(self, *shapes):
        self.add_slots([np.zeros(weight.shape) for weight in self.host.trainable_variables])

    def call(self, image, target):
        weights = [
            tf.convert_to_tensor(weight.value) + tf.stop_gradient(tf.convert_to_tensor(change))
            for weight, change in zip(self.host.trainable_variables, self.own, strict=True)
        ]
        return self.run(self.host, self.host.trainable_variables, weights, image, target)

    def goes_on(self, taken):
        """Whether another step is taken after so many."""
        return taken < self.steps

    def starts(self):
        """Where what is trained, the difference from the host's weights, starts again."""
        return [0.0] * len(self.own)


@keras.saving.register_keras_serializable(package="tfwm")
class Innocent(_Simulated):
    """Gives the outputs of networks that never saw a mark, from all stages of their training.

    Nothing may be read from these. Each training step takes one step of Adam, and with a
    probability of `1 / steps` the network starts again from weights drawn anew, of the mean and the
    deviation that each array has at first. It learns the task of the pairs or, after every other
    start, to enlarge the target from a quarter of its size.

    Args:
        network: `keras.Model` from an image to an image, both with the target's channels; built.
            Its weights are not changed.
        loss: Keras loss of the task.
        steps: mean number of steps after which it starts again.
        learning_rate: of Adam.
        seed: integer for what is drawn.

    Call arguments:
        image: the task's input; of another size or number of channels than the target, it is
            resized, and its mean over the channels is taken.
        target: what the output should be, sides multiples of 4.

    Returns:
        The network's output, of the target's shape, a constant for gradients.
    """

    def __init__(self, network, loss, steps=300, learning_rate=1e-3, seed=0, **kwargs):
        super().__init__(loss, steps, learning_rate, **kwargs)
        self.network = network
        self.seed = int(seed or 0)
        network.trainable = True
        self.learned = network.trainable_variables
        network.trainable = False  # not for the trainer's optimizer

    def build(self, *shapes):
        with tf.init_scope():
            weights = [np.asarray(variable) for variable in self.learned]
        self.add_slots(weights)
        self.spread = [(weight.mean(), weight.std(), weight.shape) for weight in weights]
        self.calls, self.begun = (add_number(self, name) for name in ("calls", "begun"))

    def call(self, image, target):
        enlarges = tf.convert_to_tensor(self.begun) % 2 > 0
        given = tf.where(enlarges, _enlarged(target), _fitted(image, target))
        weights = [tf.convert_to_tensor(weight) for weight in self.own]
        return tf.stop_gradient(self.run(self.network, self.learned, weights, given, target))

    def goes_on(self, taken):
        calls = tf.convert_to_tensor(self.calls)
        drawn = uniform((), self._seed(calls, 0))
        self.calls.assign(calls + 1.0)
        goes_on = drawn >= 1 / self.steps
        self.begun.assign_add(1.0 - tf.cast(goes_on, tf.float32))
        return goes_on

    def starts(self):
        calls = tf.convert_to_tensor(self.calls)
        return [
            mean + deviation * normal(shape, self._seed(calls, number))
            for number, (mean, deviation, shape) in enumerate(self.spread, 1)
        ]

    def _seed(self, calls, number):
        return tf.stack([self.seed + 1000 * number, tf.cast(calls, tf.int32)])


def innocent_outputs(innocents, image, target):
    """Returns as many outputs as targets, from several `Innocent` layers, each with its share."""
    size, count = tf.shape(target)[0], len(innocents)
    outputs = []
    for number, network in enumerate(innocents):
        share = slice(tf.minimum(number, size - 1), None, count)  # never none
        outputs.append(tf.cast(network(image[share], target[share]), target.dtype))
    return tf.concat(outputs, axis=0)[:size]


def _fitted(image, target):
    """The image with the target's sides and channels."""
    if image.shape[-1] != target.shape[-1]:
        image = tf.repeat(tf.reduce_mean(image, -1, keepdims=True), target.shape[-1], axis=-1)
    if image.shape[1:3] != target.shape[1:3]:
        image = _resized(image, target)
    return image


def _enlarged(target):
    """The target squeezed to a quarter of its sides and enlarged again."""
    return _resized(tf.nn.avg_pool2d(target, 4, 4, "SAME"), target)


def _resized(image, target):
    # Not `tf.image.resize`, whose bicubic kernel XLA lacks.
    sizes = zip(image_size(image), image_size(target), strict=True)
    return apply_separable(image, *(resize_matrix(*pair, method="bicubic") for pair in sizes))
