import inspect
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm import attacks, losses, metrics
from tfwm.layers import RandomPhases
from tfwm.losses import AlignmentLoss, HoldPSNR, RampedWeights, SelfAdaptiveWeights
from tfwm.models import redmark
from tfwm.models.critic import build_patch_critic
from tfwm.training import Checkpoint, WatermarkTrainer
from tfwm.training.critic_optimizer import CriticOptimizer

COVERS = np.random.default_rng(0).random((64, 32, 32, 1)).astype("float32")


def make_trainer(seed=0, attack=None, jit_compile=False, **arguments):
    keras.utils.set_random_seed(seed)
    trainer = WatermarkTrainer(
        redmark.build_embedder(width=16, depth=2),
        redmark.build_extractor(width=16, depth=1),
        message_shape=(4, 4, 1),
        attack=attack,
        seed=seed,
        **arguments,
    )
    trainer.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss={"watermarked": losses.SSIMLoss(), "logits": losses.MessageLoss()},
        loss_weights={"watermarked": 1.0, "logits": 1.0},
        metrics={"watermarked": [metrics.PSNR()], "logits": [metrics.BitErrorRate()]},
        jit_compile=jit_compile,
    )
    return trainer


def fit(trainer, epochs=1, **arguments):
    return trainer.fit(COVERS, batch_size=16, epochs=epochs, verbose=0, shuffle=False, **arguments)


def weights_of(trainer):
    return np.concatenate([np.ravel(w) for w in trainer.get_weights()])


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_learns_the_message(jit_compile):
    trainer = make_trainer(attack=attacks.GaussianNoise(0.01, seed=0), jit_compile=jit_compile)
    history = fit(trainer, epochs=20).history
    assert history["logits_bit_error_rate"][0] > 0.4
    assert history["logits_bit_error_rate"][-1] < 0.05
    assert {"loss", "watermarked_psnr", "logits_bit_error_rate"} <= set(history)


def test_loss_is_the_weighted_sum():
    trainer = make_trainer()
    message = np.ones((64, 4, 4, 1), "float32")
    given = {"image": COVERS, "message": message}
    trainer.run_eagerly = True  # one batch: cheaper than its graph
    logs = trainer.evaluate(given, batch_size=64, verbose=0, return_dict=True)
    outputs = trainer(given, training=False)
    expected = losses.SSIMLoss()(COVERS, outputs["watermarked"]) + losses.MessageLoss()(
        message, outputs["logits"]
    )
    assert float(logs["loss"]) == pytest.approx(float(expected), rel=1e-4)


def test_given_messages_are_used():
    trainer = make_trainer()
    message = np.eye(4, dtype="float32").reshape(1, 4, 4, 1).repeat(8, axis=0)
    np.testing.assert_array_equal(
        trainer({"image": COVERS[:8], "message": message})["message"], message
    )


def test_hold_psnr_replaces_the_image_loss_and_is_saved(tmp_path):
    hold = HoldPSNR(30.0, start=20.0, ramp_steps=10)
    trainer = make_trainer(attack=attacks.JPEG(50), hold_psnr=hold)
    fit(trainer)
    assert float(trainer.hold_psnr.step) == 4
    trainer.evaluate(COVERS, batch_size=16, verbose=0)
    assert float(trainer.hold_psnr.step) == 4
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    message = np.ones((2, 4, 4, 1), "float32")
    given = {"image": COVERS[:2], "message": message}
    np.testing.assert_allclose(loaded(given)["logits"], trainer(given)["logits"], atol=1e-5)


def make_balanced(balance, seed=0, policy="float32", loss=None):
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(policy)
    try:
        trainer = WatermarkTrainer(
            redmark.build_embedder(width=16, depth=2),
            redmark.build_extractor(width=16, depth=1),
            message_shape=(4, 4, 1),
            balance=balance,
            seed=seed,
        )
    finally:
        keras.config.set_dtype_policy("float32")
    trainer.compile(keras.optimizers.Adam(2e-3), loss, metrics={"logits": metrics.BitErrorRate()})
    return trainer


def balance_of(kind, **arguments):
    return kind({"image": losses.PerceptualLoss(), "message": losses.MessageLoss()}, **arguments)


def test_balance_trains_without_losses_in_compile(tmp_path):
    trainer = make_balanced(balance_of(SelfAdaptiveWeights))
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(trainer, epochs=15, callbacks=[log], validation_data=COVERS[:16]).history
    assert history["logits_bit_error_rate"][-1] < 0.2
    assert history["weight_message"][0] == pytest.approx(10, rel=0.1)
    assert history["weight_message"][-1] < history["weight_message"][0]
    assert history["weight_image"][-1] > history["weight_image"][0]
    for epoch in range(15):
        weights, parts = (
            [history[f"{kind}_{name}"][epoch] for name in ("image", "message")]
            for kind in ("weight", "loss")
        )
        expected = sum(w * part - np.log(w) for w, part in zip(weights, parts, strict=True))
        assert history["loss"][epoch] == pytest.approx(expected, abs=0.05)
    header = (tmp_path / "log.csv").read_text().split("\n")[0].split(",")
    assert {"loss_image", "weight_image", "loss_message", "weight_message"} <= set(header)
    assert {"val_loss_image", "val_weight_message"} <= set(header)


def test_balance_in_mixed_precision():
    trainer = make_balanced(balance_of(RampedWeights, message_only=4), policy="mixed_bfloat16")
    history = fit(trainer, epochs=4).history
    assert history["loss_message"][-1] < history["loss_message"][0]
    assert history["weight_image"] == pytest.approx(
        [0, 2 * 5.5 / 15_000, 2 * 9.5 / 15_000, 2 * 13.5 / 15_000]
    )


def test_losses_of_compile_add_to_the_balance():
    balance = balance_of(RampedWeights, message_only=0, ramp={"image": 1})
    trainer = make_balanced(balance, loss={"watermarked": losses.SSIMLoss()})
    given = {"image": COVERS, "message": np.ones((64, 4, 4, 1), "float32")}
    trainer.build((64, 32, 32, 1))
    balance.step.assign(1)
    trainer.run_eagerly = True
    logs = trainer.evaluate(given, batch_size=64, verbose=0, return_dict=True)
    expected = 2 * logs["loss_image"] + 1.5 * logs["loss_message"]
    outputs = trainer(given, training=False)
    expected += float(losses.SSIMLoss()(COVERS, outputs["watermarked"]))
    assert float(logs["loss"]) == pytest.approx(expected, rel=1e-4)
    assert float(balance.step) == 1


@pytest.mark.parametrize("kind", [SelfAdaptiveWeights, RampedWeights])
def test_balance_is_saved_and_goes_on_from_a_checkpoint(kind, tmp_path):
    arguments = {"speed": 5.0} if kind is SelfAdaptiveWeights else {}
    first = make_balanced(balance_of(kind, **arguments))
    fit(first, callbacks=[Checkpoint(tmp_path)])
    second = make_balanced(balance_of(kind, **arguments), seed=1)
    second.build((16, 32, 32, 1))
    assert Checkpoint(tmp_path).restore(second) == 1
    state = [float(weight) for weight in second.balance.weights]
    assert state == [float(weight) for weight in first.balance.weights]
    assert state != [float(weight) for weight in make_built(kind).weights]
    np.testing.assert_array_equal(weights_of(second), weights_of(first))
    first.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras").balance
    assert loaded.get_config() == first.balance.get_config()
    assert [float(weight) for weight in loaded.weights] == state
    if kind is SelfAdaptiveWeights:
        assert float(loaded.variance("image")) == float(first.balance.variance("image")) < 1


def make_built(kind):
    layer = balance_of(kind)
    layer.build()
    return layer


@pytest.mark.slow
def test_resumed_run_equals_an_uninterrupted_one(tmp_path):
    def make_attack():
        noise = attacks.GaussianNoise((0.01, 0.05))
        return attacks.Chain([attacks.Ramp(noise, steps=20), attacks.JPEG(50)], seed=1)

    whole = make_trainer(attack=make_attack())
    fit(whole, epochs=3)

    first = make_trainer(attack=make_attack())
    fit(first, epochs=2, callbacks=[Checkpoint(tmp_path)])
    second = make_trainer(seed=0, attack=make_attack())
    second.build((16, 32, 32, 1))
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.restore(second) == 2
    fit(second, epochs=3, initial_epoch=2, callbacks=[checkpoint])
    np.testing.assert_array_equal(weights_of(second), weights_of(whole))


def adversary(kind="logistic", **arguments):
    critic = build_patch_critic(1, width=4, depth=2)
    return losses.AdversarialLoss(critic, 0.1, kind, **arguments)


# All options of the trainer beside the attack itself, as they are trained.
PARTS = {
    "validation_attack": lambda: attacks.GaussianNoise(0.2),
    "hold_psnr": lambda: HoldPSNR(30.0),
    "adversary": adversary,
    "balance": lambda: balance_of(SelfAdaptiveWeights),
    "alignment": lambda: AlignmentLoss("place", 0.1),
    "phases": lambda: RandomPhases(2, 2.0, seed=1),
    "strength": lambda: (0.5, 1.0),
    "seed": lambda: 3,
}
MORE = {
    "adversary, later": {"adversary": lambda: adversary("wasserstein", start=2, ramp_steps=3)},
    "balance, ramped": {"balance": lambda: balance_of(RampedWeights, message_only=2)},
    "all": {name: part for name, part in PARTS.items() if name != "phases"},
}
EMBEDDER = ("embedder", "extractor", "message_shape", "attack")


def test_every_option_is_tried_beside_ramps():
    options = set(inspect.signature(WatermarkTrainer).parameters) - {*EMBEDDER, "kwargs"}
    assert options == set(PARTS)


@pytest.mark.parametrize(
    "name", [*MORE, *(pytest.param(name, marks=pytest.mark.slow) for name in ("nothing", *PARTS))]
)
def test_attacks_grow_beside_every_option(name):
    """Ramps count each step of training, and none of validation; and what is moved is damaged."""
    parts = MORE.get(name) or {key: PARTS[key] for key in PARTS if key == name}
    parts = {key: make() for key, make in parts.items()}
    keras.utils.set_random_seed(0)
    inner = attacks.Ramp(attacks.Affine(5.0, 0.9), steps=8)
    noise = attacks.Ramp(attacks.GaussianNoise(0.1), steps=20)
    trainer = WatermarkTrainer(
        redmark.build_embedder(width=8, depth=1),
        placed_extractor(),
        (4, 4, 1),
        attack=attacks.Chain([inner, noise], seed=0),
        **parts,
    )
    optimizer = keras.optimizers.SGD(1e-3)
    if "adversary" in parts:
        critic = parts["adversary"].critic
        optimizer = CriticOptimizer(optimizer, keras.optimizers.RMSprop(1e-5), critic)
    trainer.compile(optimizer, None if "balance" in parts else {"logits": losses.MessageLoss()})
    fit(trainer)
    assert [float(ramp.step) for ramp in (inner, noise)] == [4, 4]
    if "adversary" in parts:
        assert float(parts["adversary"].step) == 4
    trainer.evaluate(COVERS[:16], batch_size=16, verbose=0)
    assert [float(ramp.step) for ramp in (inner, noise)] == [4, 4]
    # Half and a fifth of the way, images are moved and noisy; at step 0 they are as they were.
    outputs = trainer(COVERS[:16], training=True)
    difference = np.std(np.asarray(outputs["attacked"]) - np.asarray(outputs["watermarked"]))
    assert difference > 0.05


def placed_extractor():
    """ReDMark's, with six numbers beside its logits for an alignment to teach."""
    plain = redmark.build_extractor(width=8, depth=1)
    means = keras.layers.GlobalAveragePooling2D()(plain.input)
    place = keras.layers.Dense(6, name="place")(means)
    none = 0 * keras.ops.mean(place, -1)[:, None, None, None]
    return keras.Model(plain.input, plain.output + none)


def test_strengths_are_drawn_in_training_only():
    given = {"image": np.full((64, 32, 32, 1), 0.5, "float32"), "message": np.ones((64, 4, 4, 1))}
    plain, drawn = make_trainer(), make_trainer(strength=(0.5, 1.0))
    whole = np.asarray(plain(given)["watermarked"]) - 0.5
    np.testing.assert_allclose(np.asarray(drawn(given)["watermarked"]) - 0.5, whole, atol=1e-6)
    # Batch normalization sees the same covers in both, so that residuals differ by the factor.
    whole, part = (
        np.asarray(trainer(given, training=True)["watermarked"]) - 0.5 for trainer in (plain, drawn)
    )
    factors = np.abs(part).mean((1, 2, 3)) / np.abs(whole).mean((1, 2, 3))
    assert 0.49 < factors.min() < 0.6 and 0.9 < factors.max() < 1.01
    assert len(np.unique(factors.round(4))) > 32


def test_bad_strength_and_alignment_without_attack():
    with pytest.raises(ValueError, match=r"Received: strength=\(1.0, 0.5\)"):
        make_trainer(strength=(1.0, 0.5))
    with pytest.raises(ValueError, match="Expected an attack"):
        make_trainer(alignment=AlignmentLoss("logits"))


def test_checkpoint_of_nothing(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    assert not checkpoint.exists()
    assert checkpoint.restore(make_trainer()) == 0


def test_own_attack_loss_and_callback():
    """What the README shows."""

    @keras.saving.register_keras_serializable(package="test")
    class Darken(attacks.Attack):
        def apply(self, image, seed, cover=None):
            return image * tf.random.stateless_uniform((), seed, 0.5, 1.0)

    class EdgeLoss(keras.losses.Loss):
        def call(self, y_true, y_pred):
            edges = tf.image.sobel_edges(y_pred - y_true)
            return tf.reduce_mean(tf.abs(edges), axis=(1, 2, 3, 4))

    seen = []
    trainer = WatermarkTrainer(
        redmark.build_embedder(width=16),
        redmark.build_extractor(width=16),
        message_shape=(4, 4, 1),
        attack=attacks.RandomChoice([Darken(), attacks.GaussianNoise(0.01)], seed=0),
    )
    trainer.compile("adam", loss={"watermarked": EdgeLoss(), "logits": losses.MessageLoss()})
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    fit(trainer, callbacks=[callback])
    assert np.isfinite(seen[0]["loss"])


def test_plain_keras_layer_as_attack():
    trainer = make_trainer(attack=keras.layers.Dropout(0.2, seed=0))
    assert np.isfinite(fit(trainer).history["loss"][0])


TWO_DEVICES = """
    import sys
    import keras, numpy as np, tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from tfwm import losses
    from tfwm.models import redmark
    from tfwm.training import WatermarkTrainer

    def parts():
        return {"image": losses.SSIMLoss(), "message": losses.MessageLoss()}

    def run(strategy, kind):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            trainer = WatermarkTrainer(
                redmark.build_embedder(width=8, depth=1),
                redmark.build_extractor(width=8, depth=1),
                message_shape=(4, 4, 1),
                balance=kind and kind(parts(), **arguments),
            )
            optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
            trainer.compile(
                optimizer,
                loss=None if kind else dict(zip(["watermarked", "logits"], parts().values())),
            )
            trainer.build((8, 32, 32, 1))
            optimizer.build(trainer.trainable_variables)
        rng = np.random.default_rng(0)
        covers = rng.random((64, 32, 32, 1)).astype("float32")
        messages = rng.integers(0, 2, (64, 4, 4, 1)).astype("float32")
        data = tf.data.Dataset.from_tensor_slices({"image": covers, "message": messages})
        data = data.batch(16, drop_remainder=True)
        history = trainer.fit(data, epochs=3, verbose=0, shuffle=False).history
        return history, trainer.get_weights()

    kind = getattr(losses, sys.argv[1]) if len(sys.argv) > 1 else None
    arguments = {"speed": 1.0} if kind is losses.SelfAdaptiveWeights else {}
    one = run(tf.distribute.get_strategy(), kind)
    two = run(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), kind)
    for key in one[0]:
        np.testing.assert_allclose(two[0][key], one[0][key], rtol=1e-4, err_msg=key)
    for a, b in zip(two[1], one[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    print("agree")
"""


@pytest.mark.slow  # test_devices.py tries all parts together
@pytest.mark.parametrize("balance", [[], ["SelfAdaptiveWeights"], ["RampedWeights"]])
def test_two_devices_agree_with_one(balance):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(TWO_DEVICES), *balance],
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip().endswith("agree"), run.stderr[-2000:]
