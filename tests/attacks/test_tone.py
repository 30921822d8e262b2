"""Brightness, contrast, gamma, hue and saturation against Pillow and by formula."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance

from tfwm.attacks import (
    Brightness,
    Contrast,
    Gamma,
    Hue,
    Saturation,
)


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


def test_hue_is_a_number_per_image_and_channel(photo):
    image = np.repeat(photo[:, :32, :32] * 0.5 + 0.25, 100, axis=0)
    change = Hue((-0.1, 0.1), seed=1)(image) - image
    np.testing.assert_allclose(np.ptp(change, axis=(1, 2)), 0, atol=1e-6)
    casts = np.asarray(change[:, 0, 0])
    assert np.abs(casts).max() <= 0.1 and casts.std() == pytest.approx(0.2 / 12**0.5, rel=0.1)
    assert np.abs(np.corrcoef(casts.T) - np.eye(3)).max() < 0.25
    assert float(tf.reduce_max(Hue(0.5)(tf.fill((1, 2, 2, 3), 0.75)))) == 1.0


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.8])
def test_saturation_comes_near_pillow(factor, photo):
    pixels = (photo[0] * 255).round().astype(np.uint8)
    expected = np.asarray(ImageEnhance.Color(Image.fromarray(pixels)).enhance(factor)) / 255
    changed = Saturation(factor)(tf.constant(pixels[None] / 255.0)).numpy()[0]
    # Pillow's gray is 0.299 R + 0.587 G + 0.114 B.
    np.testing.assert_allclose(changed, expected, atol=abs(1 - factor) * 0.014 + 1.01 / 255)


def test_saturation_of_gray_and_of_one(photo, gray_photo):
    np.testing.assert_array_equal(Saturation(0.3)(gray_photo), gray_photo)
    np.testing.assert_allclose(Saturation(1.0)(photo), photo, atol=1e-6)
