import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from tfwm.metrics import PSNR, BitErrorRate


def test_bit_error_rate_counts_over_batches():
    metric = BitErrorRate()
    metric.update_state([[1.0, 0.0, 1.0, 0.0]], [[2.0, -2.0, -2.0, 2.0]])
    metric.update_state([[1.0, 1.0, 1.0, 1.0]], [[2.0, 2.0, 2.0, 2.0]])
    assert float(metric.result()) == pytest.approx(2 / 8)


def test_psnr_is_the_mean_of_the_images_decibels():
    rng = np.random.default_rng(0)
    cover = rng.random((2, 16, 16, 1)).astype("float32")
    other = cover + rng.normal(0, [[[[0.01]]], [[[0.1]]]], cover.shape).astype("float32")
    metric = PSNR()
    metric.update_state(cover, other)
    pairs = zip(cover, other, strict=True)
    expected = np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs])
    assert float(metric.result()) == pytest.approx(expected, abs=1e-3)


def test_equal_images_count_as_the_ceiling():
    metric = PSNR(ceiling=80.0)
    metric.update_state(np.ones((1, 8, 8, 1)), np.ones((1, 8, 8, 1)))
    assert float(metric.result()) == pytest.approx(80.0)


def test_config_round_trip():
    metric = keras.metrics.deserialize(keras.metrics.serialize(PSNR(ceiling=70.0)))
    assert metric.ceiling == 70.0
