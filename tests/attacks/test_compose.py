"""Chains, choices and ramps: order, frequencies, schedules."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import (
    JPEG,
    Affine,
    Attack,
    Chain,
    GaussianNoise,
    Identity,
    PerspectiveWarp,
    Ramp,
    RandomChoice,
    RandomResizedCrop,
    Saturation,
)


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


@pytest.mark.parametrize("start", [0, 2])
def test_ramp_is_linear_in_calls(start):
    attack = Ramp(Paint(1.0), steps=4, start=start)
    image = tf.zeros((1, 2, 2, 1))
    call = tf.function(attack)
    values = [float(call(image)[0, 0, 0, 0]) for _ in range(start + 6)]
    np.testing.assert_allclose(values, start * [0] + [0, 0.25, 0.5, 0.75, 1, 1])


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


def after(ramp, calls, image):
    for _ in range(calls):
        ramp(image)
    return ramp(image, training=None)


@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: Chain([Identity(), a])])
def test_a_half_shift_is_no_double_image(wrap, gray_photo):
    image = gray_photo[:, :48, :48]
    ramp = Ramp(wrap(Affine(shift=8.0)), steps=4)
    for moved in (0, 2, 4, 6, 8, 8):
        expected = Affine(shift=float(moved))(image)
        np.testing.assert_allclose(ramp(image), expected, atol=1e-5)


def test_half_of_a_turn_and_of_a_scale(gray_photo):
    image = gray_photo[:, :48, :48]
    ramp = Ramp(Affine(rotation=20.0, scale=1.5), steps=2)
    np.testing.assert_allclose(after(ramp, 1, image), Affine(10.0, 1.25)(image), atol=1e-5)


@pytest.mark.parametrize("method", ["faithful", "codec", "cubic", "cubic_at_zero"])
def test_quality_falls_from_100(method, photo):
    image = photo[:, :32, :48]
    ramp = Ramp(JPEG(50, method=method), steps=2)
    for quality in (100, 75, 50):
        np.testing.assert_array_equal(ramp(image), JPEG(quality, method=method)(image))


def test_quality_without_meaning_fades(photo):
    image = photo[:, :32, :48]
    full = JPEG(method="mask")(image)
    half = after(Ramp(JPEG(method="mask"), steps=2), 1, image)
    np.testing.assert_allclose(half, (image + full) / 2, atol=1e-6)


def test_warp_and_crop_grow_from_nothing():
    places = np.stack(np.indices((64, 64)), -1).astype(np.float32)[None].repeat(50, axis=0)
    for attack in (PerspectiveWarp(0.1, "edge"), RandomResizedCrop(0.36, 1.0)):
        ramp = Ramp(attack, steps=10, seed=1)
        moved = [float(np.abs(ramp(places) - places).mean()) for _ in range(11)]
        assert moved[0] < 1e-3
        assert moved[5] == pytest.approx(moved[10] / 2, rel=0.25)
    *_, last = (ramp(places).numpy() for _ in range(2))
    # The window of an area of 0.36 has 38 of 64 pixels.
    np.testing.assert_allclose(np.ptp(last, axis=(1, 2)), 37, atol=1e-3)


@pytest.mark.parametrize("per", ["batch", "image", "slice"])
def test_ramp_holds_for_each_attack_of_a_choice(per, gray_photo):
    image = np.repeat(gray_photo[:, :48, :48], 3, axis=0)
    ramp = Ramp(RandomChoice([Affine(shift=8.0), Affine(shift=8.0)], per=per), steps=2)
    np.testing.assert_allclose(after(ramp, 1, image), Affine(shift=4.0)(image), atol=1e-5)


def test_ramps_in_ramps_multiply():
    image = tf.zeros((1, 64, 64, 1))
    inner = Ramp(GaussianNoise(0.4), steps=4)
    ramp = Ramp(Chain([inner]), steps=2, seed=1)
    stddev = [float(tf.math.reduce_std(ramp(image))) for _ in range(5)]
    np.testing.assert_allclose(stddev, [0, 0.05, 0.2, 0.3, 0.4], rtol=0.05)


def test_linear_attacks_are_as_if_scaled(photo):
    half = after(Ramp(Saturation(0.0), steps=2), 1, photo)
    np.testing.assert_allclose(half, Saturation(0.5)(photo), atol=1e-6)
