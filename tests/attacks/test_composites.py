import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import Attack, Chain, GaussianNoise, Identity, Ramp, RandomChoice


class Paint(Attack):
    """Sets the image to a number."""

    def __init__(self, value, **kwargs):
        super().__init__(**kwargs)
        self.value = value

    def apply(self, image, seed, cover=None):
        return tf.zeros_like(image) + self.value


def paints(*values):
    return [Paint(value) for value in values]


def counts(attack, batch_size, calls, num=3):
    image = tf.zeros((batch_size, 2, 2, 1))
    call = tf.function(attack)
    values = np.concatenate([call(image)[:, 0, 0, 0] for _ in range(calls)])
    return np.bincount(values.astype(int), minlength=num) / len(values)


@pytest.mark.parametrize("per, calls", [("batch", 600), ("image", 75), ("slice", 75)])
def test_frequencies(per, calls):
    attack = RandomChoice(paints(0, 1, 2), [1, 3, 6], per=per, seed=0)
    tolerance = 0.0 if per == "slice" else 0.06
    found = counts(attack, 20, calls)
    np.testing.assert_allclose(found, [0.1, 0.3, 0.6], atol=tolerance + 1e-9)


def test_batch_shares_one_attack_and_images_do_not():
    image = tf.zeros((64, 2, 2, 1))
    for _ in range(5):
        assert len(np.unique(RandomChoice(paints(0, 1, 2))(image))) == 1
        assert len(np.unique(RandomChoice(paints(0, 1, 2), per="image")(image))) == 3


@pytest.mark.parametrize("batch_size", [1, 3, 7])
@pytest.mark.parametrize("static", [True, False])
def test_slices_are_fair_in_any_batch_size(batch_size, static):
    attack = RandomChoice(paints(0, 1, 2), [0.5, 0.3, 0.2], per="slice", seed=0)
    spec = tf.TensorSpec((batch_size if static else None, 2, 2, 1))
    call = tf.function(attack, input_signature=[spec])
    found = counts(call, batch_size, 900 // batch_size)
    np.testing.assert_allclose(found, [0.5, 0.3, 0.2], atol=0.06)


def test_slices_with_probability_zero():
    attack = RandomChoice(paints(0, 1, 2), [0, 1, 0], per="slice")
    assert (attack(tf.zeros((5, 2, 2, 1))).numpy() == 1).all()


def test_chain_keeps_the_order():
    class Double(Attack):
        def apply(self, image, seed, cover=None):
            return 2 * image

    class AddOne(Attack):
        def apply(self, image, seed, cover=None):
            return image + 1

    image = tf.ones((1, 2, 2, 1))
    assert float(Chain([Double(), AddOne()])(image)[0, 0, 0, 0]) == 3
    assert float(Chain([AddOne(), Double()])(image)[0, 0, 0, 0]) == 4


def test_noise_differs_within_a_chain():
    one = GaussianNoise(0.1, seed=1)
    twice = Chain([one, GaussianNoise(0.1, seed=1)], seed=1)(tf.zeros((1, 64, 64, 1))).numpy()
    assert abs(twice.std() - 0.1 * np.sqrt(2)) < 0.01  # 0.2 if both drew the same


def test_ramp_is_linear_in_calls():
    attack = Ramp(Paint(1.0), steps=4)
    image = tf.zeros((1, 2, 2, 1))
    call = tf.function(attack)
    values = [float(call(image)[0, 0, 0, 0]) for _ in range(6)]
    np.testing.assert_allclose(values, [0, 0.25, 0.5, 0.75, 1, 1])


def test_ramp_rests_in_inference():
    attack = Ramp(Paint(1.0), steps=4)
    image = tf.zeros((1, 2, 2, 1))
    attack(image), attack(image)
    for _ in range(3):
        assert float(attack(image, training=False)[0, 0, 0, 0]) == 0.25
    assert float(attack(image)[0, 0, 0, 0]) == 0.5


def test_nested_ramp_counts_calls_of_the_whole():
    ramp = Ramp(Paint(1.0), steps=10)
    attack = RandomChoice([Identity(), Chain([ramp])], [1, 0])
    for _ in range(3):
        attack(tf.zeros((1, 2, 2, 1)))
    assert ramp.step.numpy() == 3


def test_any_keras_layer_is_an_attack():
    for attack in (
        Chain([keras.layers.Rescaling(0.5)]),
        RandomChoice([keras.layers.Rescaling(0.5)]),
        Ramp(keras.layers.Rescaling(0.5), 1),
    ):
        attack(tf.ones((2, 4, 4, 1)))
        assert (attack(tf.ones((2, 4, 4, 1))).numpy() == 0.5).all()
        config = keras.saving.serialize_keras_object(attack)
        keras.saving.deserialize_keras_object(config)


def test_trains_inside_fit():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(1, 3, padding="same")(inputs)
    x = RandomChoice([GaussianNoise(0.1), Identity()], per="slice", seed=1)(x)
    model = keras.Model(inputs, x)
    model.compile("sgd", "mse", jit_compile=True)
    image = tf.random.uniform((8, 8, 8, 1))
    before = model.layers[1].get_weights()[0]
    model.fit(image, image, epochs=1, batch_size=4, verbose=0)
    assert np.abs(model.layers[1].get_weights()[0] - before).max() > 0
