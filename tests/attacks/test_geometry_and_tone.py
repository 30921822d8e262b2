import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from tfwm.attacks import Affine, Brightness, Contrast, Gamma


def test_rotation_is_pillows(gray_photo):
    image = gray_photo[:, :128, :128]
    turned = Affine(rotation=7.0)(tf.constant(image)).numpy()[0, ..., 0]
    expected = np.asarray(Image.fromarray(image[0, ..., 0]).rotate(7.0, Image.BILINEAR))
    np.testing.assert_allclose(turned[20:-20, 20:-20], expected[20:-20, 20:-20], atol=2e-3)


def test_shift_by_whole_pixels(gray_photo):
    image = gray_photo[:, :64, :64]
    moved = Affine(shift=3.0)(tf.constant(image)).numpy()
    np.testing.assert_allclose(moved[:, 3:, 3:], image[:, :-3, :-3], atol=1e-5)


def test_ranges_differ_between_images(gray_photo):
    image = np.repeat(gray_photo[:, :32, :32], 3, axis=0)
    attack = Affine((-5, 5), (0.9, 1.1), (-2, 2), seed=1)
    attacked = attack(tf.constant(image)).numpy()
    assert np.abs(attacked[0] - attacked[1]).max() > 0.01
    assert np.abs(attacked[1] - attacked[2]).max() > 0.01


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.5])
def test_brightness_is_pillows(photo, factor):
    pixels = (photo[0] * 255).round().astype(np.uint8)
    expected = np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor)) / 255
    bright = Brightness(factor)(tf.constant(pixels[None] / 255.0)).numpy()[0]
    np.testing.assert_allclose(bright, expected, atol=1.01 / 255)


def test_contrast_keeps_the_mean_and_scales_the_deviation(gray_photo):
    image = tf.constant(gray_photo * 0.2 + 0.4)
    flat = Contrast(0.5)(image).numpy()
    assert flat.mean() == pytest.approx(float(tf.reduce_mean(image)), abs=1e-5)
    assert flat.std() == pytest.approx(0.5 * float(tf.math.reduce_std(image)), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.2])
def test_gamma_is_a_power(gamma):
    values = tf.reshape(tf.linspace(1 / 255, 1.0, 64), (1, 8, 8, 1))
    np.testing.assert_allclose(Gamma(gamma)(values), values**gamma, rtol=1e-5)
    assert float(tf.reduce_max(Gamma(gamma)(tf.zeros((1, 2, 2, 1))))) == 0.0


@pytest.mark.parametrize("attack", [Brightness(1.5, 0.1), Contrast(1.7), Gamma(0.4)])
def test_values_are_clipped_and_gradients_are_finite(attack, gray_photo):
    image = tf.Variable(gray_photo[:, :32, :32] * 1.4 - 0.2)
    with tf.GradientTape() as tape:
        attacked = attack(image)
        total = tf.reduce_sum(attacked)
    assert attacked.numpy().min() >= 0 and attacked.numpy().max() <= 1
    gradient = tape.gradient(total, image).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Affine(scale=0),
        lambda: Affine(rotation=(5, -5)),
        lambda: Brightness(-1),
        lambda: Brightness(offset=2),
        lambda: Contrast("much"),
        lambda: Gamma(0),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match="Received"):
        make()
