import keras
import tensorflow as tf

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
