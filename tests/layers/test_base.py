import keras
import tensorflow as tf

from tfwm import attacks, losses
from tfwm.layers.base import add_number


class Counter(keras.layers.Layer):
    def build(self, input_shape):
        self.step = add_number(self, "step", 256.0)

    def call(self, inputs):
        self.step.assign(tf.convert_to_tensor(self.step) + 1.0)
        return inputs


def test_numbers_count_on_in_mixed_precision():
    counter = Counter(dtype="mixed_bfloat16")
    counter(tf.zeros((1, 2)))
    assert float(counter.step) == 257.0


class Twice(attacks.JPEG):
    def __init__(self, times=2, **kwargs):
        super().__init__(**kwargs)
        self.times = times


class Blur(attacks.GaussianBlur):
    """Passes an argument to its base by itself."""

    def __init__(self, times=2, **kwargs):
        super().__init__(sigma=3.0, **kwargs)
        self.times = times


class Weighed(losses.PSNRLoss):
    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight


def copy_of(made):
    return type(made).from_config(made.get_config())


def test_subclasses_keep_the_arguments_of_their_bases():
    copy = copy_of(Twice(3, quality=(20, 40), method="noise", seed=7, name="twice"))
    assert (copy.times, copy.quality, copy.method) == (3, (20, 40), "noise")
    assert (copy.seed, copy.name) == (7, "twice")
    copy = copy_of(Weighed(2.0, floor=1e-3, name="weighed"))
    assert (copy.weight, copy.floor, copy.name) == (2.0, 1e-3, "weighed")


def test_subclasses_choose_arguments_of_their_bases():
    copy = copy_of(Blur(5, size=9))
    assert (copy.times, copy.sigma, copy.size) == (5, 3.0, 9)
