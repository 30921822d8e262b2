"""What `Ramp` does to the strength of attacks, alone and in composites."""

import numpy as np
import pytest
import tensorflow as tf

from tfwm.attacks import (
    JPEG,
    Affine,
    Chain,
    GaussianNoise,
    Identity,
    PerspectiveWarp,
    Ramp,
    RandomChoice,
    RandomResizedCrop,
    Saturation,
)


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
