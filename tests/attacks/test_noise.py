"""Noise: its statistics, clipping."""

import numpy as np
import tensorflow as tf

from tfwm.attacks import (
    GaussianNoise,
    Ramp,
    SaltAndPepper,
    UniformNoise,
)

GRAY = tf.fill((8, 64, 96, 1), 0.5)


def test_gaussian_noise_has_its_deviation():
    noise = GaussianNoise(0.1, seed=0)(GRAY).numpy() - 0.5
    assert abs(noise.std() - 0.1) < 0.002 and abs(noise.mean()) < 0.002
    assert noise.min() < -0.35  # a normal tail, not clipped at a few deviations


def test_gaussian_noise_range_is_drawn_per_image():
    image = tf.fill((400, 32, 32, 1), 0.5)
    deviations = (GaussianNoise((0.05, 0.15), seed=0)(image).numpy() - 0.5).std(axis=(1, 2, 3))
    assert deviations.min() < 0.06 and deviations.max() > 0.14
    assert abs(deviations.mean() - 0.1) < 0.005


def test_uniform_noise():
    noise = UniformNoise(0.1, seed=0)(GRAY).numpy() - 0.5
    assert np.abs(noise).max() <= 0.1 + 1e-6
    assert abs(noise.std() - 0.1 / np.sqrt(3)) < 0.001


def test_salt_and_pepper_fractions():
    attacked = SaltAndPepper(0.1, seed=0)(GRAY).numpy()
    assert abs((attacked == 0).mean() - 0.05) < 0.004
    assert abs((attacked == 1).mean() - 0.05) < 0.004
    assert ((attacked == 0) | (attacked == 0.5) | (attacked == 1)).all()


def test_noise_can_be_clipped(gray_photo):
    noisy = GaussianNoise(0.5, seed=1)(gray_photo).numpy()
    clipped = GaussianNoise(0.5, clip=True, seed=1)(gray_photo)
    assert noisy.min() < 0 and noisy.max() > 1
    np.testing.assert_allclose(clipped, noisy.clip(0, 1), atol=1e-6)


def test_clipped_noise_gives_no_gradient_outside_and_clips_from_the_first_call():
    image = tf.constant([[[[-3.0], [0.5], [2.0]]]])
    attack = Ramp(GaussianNoise(0.02, clip=True, seed=1), 100)
    with tf.GradientTape() as tape:
        tape.watch(image)
        first = attack(image)
    np.testing.assert_allclose(first.numpy().ravel(), [0, 0.5, 1], atol=1e-6)
    np.testing.assert_array_equal(tape.gradient(first, image).numpy().ravel(), [0, 1, 0])
