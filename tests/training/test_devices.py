"""Every trainer, with every part it may have, learns on several devices what it does on one."""

import os
import subprocess
import sys
import textwrap

import pytest

# Statistics over a batch (batch normalization, "copied", "consistency") and random draws are each
# device's own: nothing here has any.
DEVICES = """
    import sys
    import keras, numpy as np, tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)  # sums in one order on each machine
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
    from tfwm import attacks, losses, training
    from tfwm.models import barrier, carriers, keyed, redmark, stegastamp, translators
    from tfwm.models.critic import build_clipped_critic
    from tfwm.training.critic_optimizer import CriticOptimizer

    def images(count, side, channels=3, seed=0):
        return np.random.default_rng(seed).random((count, side, side, channels), "float32")

    def adversary(loss="wasserstein", **ramp):
        return losses.AdversarialLoss(build_clipped_critic(limit=1.0), 0.5, loss, **ramp)

    def chain():
        parts = [attacks.Affine(5.0, 0.9), attacks.Ramp(attacks.GaussianBlur(1.0), 4)]
        return attacks.Chain(parts, seed=0)

    def terms():
        return {"image": losses.YUVLoss(), "message": losses.MessageLoss()}

    def message(**parts):
        trainer = training.WatermarkTrainer(
            stegastamp.build_embedder(64, 8, width=4, normalization=None, output="logit"),
            stegastamp.build_extractor(64, 8, width=4, normalization=None),
            message_shape=(1, 1, 8), attack=chain(), seed=0, **parts,
        )
        bits = np.random.default_rng(1).integers(0, 2, (8, 1, 1, 8)).astype("float32")
        data = {"image": images(8, 64), "message": bits}
        return trainer, data, (None if "balance" in parts else {"logits": losses.MessageLoss()})

    def make_plain():
        return message()

    def make_held_log():
        return message(hold_psnr=losses.HoldPSNR(30.0, 20.0, 4, rate=0.1))

    def make_all_parts():
        held = losses.HoldPSNR(30.0, 20.0, 4, 0.1, 0.5, penalty="relative")
        alignment = losses.AlignmentLoss("locate_map", 0.1)
        return message(hold_psnr=held, adversary=adversary(), alignment=alignment)

    def make_logistic():
        return message(adversary=adversary("logistic", start=1, ramp_steps=4))

    def make_balanced_parts():
        return message(
            balance=losses.SelfAdaptiveWeights(terms(), speed=1.0),
            adversary=adversary(), alignment=losses.AlignmentLoss("locate_map", 0.1),
        )

    def make_critic_optimizer():
        return message(adversary=adversary())

    def optimizer(trainer):
        if sys.argv[1] != "critic_optimizer":
            return keras.optimizers.SGD(0.01)
        own = keras.optimizers.SGD(0.02)
        return CriticOptimizer(keras.optimizers.SGD(0.01), own, trainer.adversary.critic)

    def make_carriers():
        trainer = training.WatermarkTrainer(
            carriers.build_embedder(128, 8, 4, {"target": 20.0, "start": 10.0, "ramp_steps": 4}),
            carriers.build_extractor(128, 8, 4, smallest=0.95),
            message_shape=(1, 1, 8), attack=chain(), seed=0,
            alignment=losses.RegistrationLoss("registration", 0.1, 0.95),
        )
        bits = np.random.default_rng(1).integers(0, 2, (8, 1, 1, 8)).astype("float32")
        return trainer, {"image": images(8, 128), "message": bits}, {"logits": "mse"}

    def make_self_adaptive():
        return message(balance=losses.SelfAdaptiveWeights(terms(), speed=1.0))

    def make_ramped():
        return message(balance=losses.RampedWeights(terms(), ramp={"image": 4}, message_only=1))

    def make_barrier():
        trainer = training.BarrierTrainer(
            barrier.build_embedder(3, 1, width=4, depth=2, normalization=None),
            barrier.build_extractor(3, 1, width=4, halvings=1, dilations=(1,)),
            images(1, 16, 1)[0],
            surrogate=translators.build_unet(width=4, depth=2, normalization=None),
            attack=chain(), adversary=adversary(),
        )
        data = {"input": images(8, 16, seed=1), "target": images(8, 16, seed=2)}
        names = ("watermarked", "extracted", "clean", "surrogate")
        return trainer, data, dict.fromkeys(names, "mse")

    def make_keyed():
        trainer = training.KeyedTrainer(
            translators.build_unet(width=4, depth=2, normalization=None),
            keyed.build_extractor(16, 16, 3, 1, width=8), np.ones((16, 16, 1)) * 0.7, [0, 1] * 8,
            attack=chain(), adversary=adversary(), gain=4.0, gain_steps=4, seed=0,
        )
        data = {"input": images(8, 16, seed=1), "target": images(8, 16, seed=2)}
        return trainer, data, dict.fromkeys(("output", "marked", "unmarked"), "mse")

    def make_fine_tuned():
        host = translators.build_unet(width=4, depth=2, normalization=None)
        trainer = training.KeyedTrainer(
            host, keyed.build_extractor(16, 16, 3, 1, width=8), np.ones((16, 16, 1)), [0, 1] * 8,
            attack=chain(), seed=0,
            fine_tuned=training.FineTuned(host, keras.losses.MeanSquaredError(), 2, 1e-4),
        )
        data = {"input": images(8, 16, seed=1), "target": images(8, 16, seed=2)}
        return trainer, data, dict.fromkeys(("output", "marked", "fine_tuned"), "mse")

    def make_innocent():
        network = translators.build_unet(width=4, depth=2, normalization=None)
        trainer = training.KeyedTrainer(
            translators.build_unet(width=4, depth=2, normalization=None),
            keyed.build_extractor(16, 16, 3, 1, width=8), np.ones((16, 16, 1)), [0, 1] * 8,
            attack=chain(), innocent=[training.Innocent(network, "mse", 2, 1e-4)], seed=0,
        )
        data = {"input": images(8, 16, seed=1), "target": images(8, 16, seed=2)}
        return trainer, data, dict.fromkeys(("output", "marked", "innocent"), "mse")

    def make_translation():
        network = translators.build_unet(width=4, depth=2, normalization=None)
        data = {"input": images(8, 16, seed=1), "target": images(8, 16, seed=2)}
        return training.TranslationTrainer(network, adversary()), data, {"output": "mse"}

    STEPS = 3

    def run(make, strategy, starts=()):
        # Step by step, each from what "starts" says, as small differences of rounding grow.
        keras.utils.set_random_seed(2)  # a seed without a kink of ReLU or warp
        with strategy.scope():
            trainer, data, loss = make()
            trainer.compile(optimizer(trainer), loss=loss)
            trainer.build({key: value.shape for key, value in data.items()})
            trainer.optimizer.build(trainer.trainable_variables)
        data = tf.data.Dataset.from_tensor_slices(data).batch(8).repeat()
        names = [weight.path for weight in trainer.trainable_variables]
        steps = []
        for number in range(STEPS):
            variables = [*trainer.variables, *trainer.optimizer.variables]
            for variable, value in zip(variables, starts[number] if starts else ()):
                variable.assign(value)
            start = [variable.numpy() for variable in variables]
            before = [weight.numpy() for weight in trainer.trainable_variables]
            loss = trainer.fit(data, steps_per_epoch=1, verbose=0).history["loss"]
            after = [weight.numpy() for weight in trainer.trainable_variables]
            state = [weight.numpy() for weight in trainer.non_trainable_variables]
            steps.append((start, [y - x for x, y in zip(before, after)], state, loss))
        return steps, names

    make, count = globals()["make_" + sys.argv[1]], int(sys.argv[2])
    one, names = run(make, tf.distribute.get_strategy())
    change = max(np.abs(change).max() for step in one for change in step[1])
    assert change > 1e-5, "nothing was learned"
    devices = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])
    several, _ = run(make, devices, [start for start, *_ in one])
    for (_, own, state, loss), (_, others, other_state, other_loss) in zip(one, several):
        noise = 1e-4 * max(np.linalg.norm(change) for change in own)
        for name, a, b in zip(names, own, others, strict=True):
            size = np.linalg.norm(a)
            assert np.linalg.norm(a - b) <= 0.01 * size + noise, (name, size, np.linalg.norm(b))
        for a, b in zip(state, other_state, strict=True):
            if np.asarray(a).dtype.kind == "f":
                np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(other_loss, loss, rtol=1e-2)
    print("agree")
"""
CASES = (
    "all_parts",
    "plain",
    "held_log",
    "carriers",
    "self_adaptive",
    "ramped",
    "logistic",
    "balanced_parts",
    "critic_optimizer",
    "barrier",
    "keyed",
    "fine_tuned",
    "innocent",
)
CASES = [(case, count) for case in (*CASES, "translation") for count in (2, 4)]


@pytest.mark.parametrize(
    "case, count",
    [CASES[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES[1:])],
)
def test_several_devices_learn_what_one_does(case, count):
    # With oneDNN the rounding depends on the size of the batch, which differs here.
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DEVICES), case, str(count)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
    )
    assert run.stdout.strip().endswith("agree"), run.stderr[-2000:]
