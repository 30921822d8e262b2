import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.losses import HoldPSNR, VisibleError

COVER = np.full((4, 8, 8, 1), 0.5, "float32")


def test_loss_is_multiplier_times_log_error():
    layer = HoldPSNR(40.0, initial_multiplier=0.5)
    loss = layer([COVER + 0.01, COVER], training=True)
    assert float(loss) == pytest.approx(0.5 * np.log10(1e-4 + 1e-7), abs=1e-4)


def test_relative_penalty_is_the_error_as_a_share_of_the_targets():
    layer = HoldPSNR(40.0, initial_multiplier=0.5, penalty="relative")
    loss = layer([COVER + 0.02, COVER], training=True)  # four times the error of 40 dB
    assert float(loss) == pytest.approx(0.5 * 4, rel=1e-3)


def test_the_error_may_be_what_the_eye_sees():
    layer = HoldPSNR(40.0, initial_multiplier=0.5, error=VisibleError())
    cover = np.full((4, 32, 32, 3), 0.5, "float32")
    loss = layer([cover + 0.01, cover], training=True)
    visible = 1e-4 * (0.065 / 0.015) ** 2  # in a flat place
    assert float(loss) == pytest.approx(0.5 * np.log10(visible), rel=1e-3)


def test_nothing_moves_outside_training():
    layer = HoldPSNR(40.0)
    layer([COVER + 0.1, COVER], training=False)
    assert (float(layer.step), float(layer.multiplier)) == (0, np.float32(0.05))


def test_multiplier_rises_below_the_target_and_falls_above():
    layer = HoldPSNR(30.0)
    layer([COVER + 0.1, COVER], training=True)  # 20 dB
    after_low = float(layer.multiplier)
    assert after_low > layer.initial_multiplier
    layer([COVER + 0.001, COVER], training=True)  # 60 dB
    assert float(layer.multiplier) < after_low


def test_target_rises_over_the_ramp():
    layer = HoldPSNR(40.0, start=20.0, ramp_steps=10)
    for _ in range(6):
        layer([COVER + 10 ** (-26 / 20), COVER], training=True)  # 26 dB: above, then below
    first = float(layer.multiplier)
    for _ in range(6):
        layer([COVER + 10 ** (-26 / 20), COVER], training=True)
    assert first < layer.initial_multiplier < float(layer.multiplier) / first


def test_target_waits_before_it_rises():
    waiting = HoldPSNR(40.0, start=26.0, ramp_steps=10, hold_steps=6)
    fixed = HoldPSNR(26.0)
    for layer in (waiting, fixed):
        for _ in range(7):
            layer([COVER + 0.1, COVER], training=True)
    assert float(waiting.multiplier) == float(fixed.multiplier)
    at_target = [COVER + 10 ** (-26 / 20), COVER]
    waiting(at_target, training=True), fixed(at_target, training=True)
    assert float(waiting.multiplier) > float(fixed.multiplier)


def test_holds_the_psnr_of_a_trained_residual():
    layer = HoldPSNR(35.0, rate=0.002)
    log_residual = keras.Variable(np.log(0.2).astype("float32"))
    optimizer = keras.optimizers.SGD(0.05)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            residual = tf.exp(log_residual.value)
            loss = layer([COVER + residual, tf.constant(COVER)], training=True)
            loss += 0.01 / residual  # wants a strong watermark
        optimizer.apply(tape.gradient(loss, [log_residual.value]), [log_residual])
        return -20 * tf.math.log(residual) / tf.math.log(10.0)

    layer.build([COVER.shape, COVER.shape])
    reached = [float(step()) for _ in range(2500)]
    assert reached[0] < 15
    assert np.mean(reached[-200:]) == pytest.approx(35.0, abs=0.5)


def test_config_and_bad_arguments():
    layer = HoldPSNR(40.0, start=30.0, ramp_steps=5)
    assert HoldPSNR.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="penalty"):
        HoldPSNR(40.0, penalty="mse")
    with pytest.raises(ValueError, match="ramp_steps"):
        HoldPSNR(40.0, ramp_steps=0)
