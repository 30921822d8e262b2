import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.losses import MessageLoss, PSNRLoss, SSIMLoss

RNG = np.random.default_rng(0)
COVER = RNG.random((3, 16, 16, 1)).astype("float32")


def test_message_loss_equals_keras():
    bits = RNG.integers(0, 2, (3, 4, 4, 1)).astype("float32")
    logits = (RNG.standard_normal((3, 4, 4, 1)) * 5).astype("float32")
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(bits, logits)
    assert float(MessageLoss()(bits, logits)) == pytest.approx(float(expected), rel=1e-5)


def test_message_loss_is_finite_for_huge_logits():
    assert float(MessageLoss()([[1.0, 0.0]], [[-1e4, 1e4]])) == pytest.approx(1e4)


def test_message_loss_has_the_gradient_of_a_sigmoid():
    """Also of the logit 0, where the parts of the loss have none."""
    bits, logits = tf.constant([[0.0, 1.0] * 3]), tf.constant([[0.0, 0.0, -50, 50, 2, -2]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = MessageLoss()(bits, logits)
    expected = (tf.sigmoid(logits) - bits) / 6
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-7)


def test_psnr_loss_averages_decibels():
    errors = np.array([0.1, 0.01, 0.001]).reshape(-1, 1, 1, 1)
    loss = PSNRLoss(floor=0.0)(COVER, COVER + errors.astype("float32"))
    assert float(loss) == pytest.approx(np.mean([-2, -4, -6]), abs=1e-3)


def test_psnr_loss_has_a_floor():
    assert float(PSNRLoss(floor=1e-6)(COVER, COVER)) == pytest.approx(-6.0, abs=1e-4)


def test_hard_floor_is_exact():
    loss = PSNRLoss(floor=1e-4, hard=True)
    assert float(loss(COVER, COVER + 0.005)) == pytest.approx(-4, abs=1e-6)
    assert float(loss(COVER, COVER + 0.1)) == pytest.approx(-2, abs=1e-3)


def test_ssim_loss_rises_with_noise():
    noise = RNG.standard_normal(COVER.shape).astype("float32")
    losses = [float(SSIMLoss()(COVER, COVER + s * noise)) for s in (0.0, 0.05, 0.1)]
    assert losses[0] == pytest.approx(0.0, abs=1e-6)
    assert losses[0] < losses[1] < losses[2] < 2


@pytest.mark.parametrize(
    "loss", [MessageLoss(), PSNRLoss(floor=1e-5, hard=True), SSIMLoss(filter_size=7)]
)
def test_config_round_trip(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
