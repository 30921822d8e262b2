import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.losses import (
    LossBalance,
    MessageLoss,
    PerceptualLoss,
    RampedWeights,
    SelfAdaptiveWeights,
    YUVLoss,
)

RNG = np.random.default_rng(0)
COVER = RNG.random((2, 32, 32, 3)).astype("float32")
BITS = RNG.integers(0, 2, (2, 10)).astype("float32")
INPUTS = {
    "cover": COVER,
    "watermarked": COVER + RNG.normal(0, 0.03, COVER.shape).astype("float32"),
    "message": BITS,
    "logits": RNG.normal(0, 1, BITS.shape).astype("float32"),
}
LOSSES = {
    "image": float(YUVLoss()(INPUTS["cover"], INPUTS["watermarked"])),
    "perceptual": float(PerceptualLoss()(INPUTS["cover"], INPUTS["watermarked"])),
    "message": float(MessageLoss()(INPUTS["message"], INPUTS["logits"])),
}


def terms():
    return {"image": YUVLoss(), "perceptual": PerceptualLoss(), "message": MessageLoss()}


def floors(value):
    return dict.fromkeys(LOSSES, value)


def results(layer):
    return {metric.name: float(metric.result()) for metric in layer.metrics}


def test_self_adaptive_total_and_metrics():
    layer = SelfAdaptiveWeights(terms(), initial={"image": 2.0}, floor=floors(1e-6))
    total = float(layer(INPUTS, training=True))
    variances = {"image": 2.0, "perceptual": 1.0, "message": 0.1}
    expected = sum(LOSSES[name] / w + np.log(w) for name, w in variances.items())
    assert total == pytest.approx(expected, rel=1e-4)
    assert results(layer) == pytest.approx(
        {
            **{f"loss_{name}": loss for name, loss in LOSSES.items()},
            **{f"weight_{name}": 1 / w for name, w in variances.items()},
        },
        rel=1e-4,
    )


def settle(layer, inputs, steps=600, rate=0.003):
    optimizer = keras.optimizers.Adam(rate)
    if not layer.built:
        layer.build()

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            total = layer(inputs, training=True)
        weights = layer.trainable_weights
        gradients = tape.gradient(total, [weight.value for weight in weights])
        optimizer.apply(gradients, weights)
        return total

    return [float(step()) for _ in range(steps)]


def test_variances_settle_at_the_losses():
    layer = SelfAdaptiveWeights(terms(), floor=floors(1e-6))
    settle(layer, INPUTS)
    for name, loss in LOSSES.items():
        assert float(layer.variance(name)) == pytest.approx(loss, rel=0.01)


def test_a_loss_of_zero_stays_finite_and_its_weight_bounded():
    perfect = {**INPUTS, "watermarked": COVER, "logits": 200 * (BITS - 0.5)}
    layer = SelfAdaptiveWeights(terms(), floor=floors(1e-3))
    totals = settle(layer, perfect, rate=0.01)
    assert np.isfinite(totals).all()
    for name in LOSSES:
        assert float(layer.variance(name)) == pytest.approx(1e-3, rel=0.05)
    settle(layer, INPUTS, steps=100, rate=0.01)  # and grows again, when there is a loss
    assert float(layer.variance("message")) > 0.01


def test_each_loss_has_a_floor_of_its_own():
    layer = SelfAdaptiveWeights(terms(), floor={"image": 0.5})
    settle(layer, {**INPUTS, "watermarked": COVER}, rate=0.01)
    assert float(layer.variance("image")) == pytest.approx(0.5, rel=0.02)
    assert float(layer.variance("perceptual")) < 0.1


def test_speed_is_that_of_the_logarithm_under_adam():
    for speed in (1.0, 10.0):
        layer = SelfAdaptiveWeights(terms(), speed=speed)
        settle(layer, {**INPUTS, "watermarked": COVER}, steps=5, rate=1e-3)
        assert np.log(float(layer.variance("image"))) == pytest.approx(-5e-3 * speed, rel=0.02)


def at_step(layer, step):
    if not layer.built:
        layer.build()
    layer.step.assign(step)
    layer(INPUTS, training=True)
    found = results(layer)
    for metric in layer.metrics:
        metric.reset_state()
    return found


def test_ramps_are_stegastamps():
    layer = RampedWeights(terms())
    expected = {
        0: (0, 0, 1),
        1499: (0, 0, 1),
        1500: (0.2, 0.15, 1.5),
        7500: (1, 0.75, 1.5),
        15_000: (2, 1.5, 1.5),
        100_000: (2, 1.5, 1.5),
    }
    for step, weights in expected.items():
        found = at_step(layer, step)
        assert tuple(found[f"weight_{name}"] for name in terms()) == pytest.approx(weights)
        total = sum(w * LOSSES[name] for w, name in zip(weights, terms(), strict=True))
        layer.step.assign(step)
        assert float(layer.combine(LOSSES, training=False)[0]) == pytest.approx(total, rel=1e-4)


def test_gain_of_the_edges_rises():
    layer = RampedWeights(
        {"image": YUVLoss(edge_gain=10.0), "message": MessageLoss()}, edge_start=100, edge_ramp=50
    )
    for step, gain in {0: 0, 100: 0, 125: 5, 150: 10, 900: 10}.items():
        expected = float(YUVLoss(edge_gain=gain)(INPUTS["cover"], INPUTS["watermarked"]))
        assert at_step(layer, step)["loss_image"] == pytest.approx(expected, rel=1e-4)


def test_step_counts_trainings_only():
    layer = RampedWeights(terms(), maximum={"image": 3.0}, ramp={"image": 10}, message_only=0)
    for _ in range(3):
        layer(INPUTS, training=True)
    for _ in range(2):
        layer(INPUTS, training=False)
    assert float(layer.step) == 3
    assert results(layer)["weight_image"] == pytest.approx(3 * (0 + 0.1 + 0.2 + 0.3 + 0.3) / 5)


@pytest.mark.parametrize("kind", [SelfAdaptiveWeights, RampedWeights])
def test_bfloat16_is_computed_in_float32(kind):
    layer = kind(terms())
    coarse = {key: tf.cast(value, "bfloat16") for key, value in INPUTS.items()}
    assert layer(coarse, training=True).dtype == tf.float32
    exact = tf.cast(coarse["watermarked"], tf.float32), tf.cast(coarse["cover"], tf.float32)
    assert results(layer)["loss_image"] == pytest.approx(
        float(YUVLoss()(exact[1], exact[0])), rel=1e-4
    )


@pytest.mark.parametrize(
    "layer",
    [
        SelfAdaptiveWeights(terms(), {"message": 0.5}, speed=3.0, floor={"image": 1e-2}),
        RampedWeights(
            {**terms(), "other": YUVLoss((1, 0, 0))},
            maximum={"other": 1.0},
            ramp={"other": 5},
            message_only=3,
            edge_start=4,
            edge_ramp=6,
        ),
    ],
)
def test_config_round_trip(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_bad_arguments():
    with pytest.raises(ValueError, match='named "message"'):
        SelfAdaptiveWeights({"image": YUVLoss()})
    with pytest.raises(ValueError, match="Keras losses"):
        RampedWeights({"image": 1.0, "message": MessageLoss()})
    with pytest.raises(ValueError, match="initial"):
        SelfAdaptiveWeights(terms(), initial={"image": 0.0})
    with pytest.raises(ValueError, match="initial"):
        SelfAdaptiveWeights(terms(), initial={"critic": 1.0})
    with pytest.raises(ValueError, match="floor"):
        SelfAdaptiveWeights(terms(), floor={"image": 0.0})
    with pytest.raises(ValueError, match="maximum"):
        RampedWeights({**terms(), "other": YUVLoss()})
    with pytest.raises(ValueError, match="edge_ramp"):
        RampedWeights(terms(), edge_ramp=0)
    with pytest.raises(NotImplementedError):
        LossBalance(terms())(INPUTS)
