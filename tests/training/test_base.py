import keras
import numpy as np
import pytest

from tfwm.losses import AdversarialLoss
from tfwm.training import (
    BarrierTrainer,
    FineTuned,
    Innocent,
    KeyedTrainer,
    TranslationTrainer,
    WatermarkTrainer,
)
from tfwm.training.critic_optimizer import CriticOptimizer

IMAGES = np.random.default_rng(0).random((4, 8, 8, 3), "float32")
PAIRS = {"input": IMAGES, "target": IMAGES[::-1].copy()}
MARK = np.zeros((8, 8, 3), "float32")


class Lazy(keras.Model):
    """A network whose weights are made when it is first called."""

    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Conv2D(3, 3, padding="same")

    def call(self, inputs, training=None):
        image = inputs["image"] if isinstance(inputs, dict) else inputs
        return self.layer(image)


def translation(adversary):
    return TranslationTrainer(Lazy(), adversary), "output"


def watermark(adversary):
    return WatermarkTrainer(Lazy(), Lazy(), (8, 8, 3), adversary=adversary), "logits"


def barrier(adversary):
    return BarrierTrainer(Lazy(), Lazy(), MARK, adversary=adversary), "extracted"


def keyed(adversary):
    return KeyedTrainer(Lazy(), Lazy(), MARK, [0, 1], adversary=adversary, flipped_bits=1), "marked"


@pytest.mark.parametrize("make", [translation, watermark, barrier, keyed])
def test_networks_without_weights_at_first_are_trained(make):
    """The optimizer takes only what it is built with."""
    critic = Lazy()
    trainer, output = make(AdversarialLoss(critic, 0.1))
    adam, sgd = keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.1)
    trainer.compile(CriticOptimizer(adam, sgd, critic), {output: "mse"}, run_eagerly=True)
    data = IMAGES if make is watermark else PAIRS
    trainer.build(keras.tree.map_structure(lambda images: images.shape, data))
    before = [weight.numpy() for weight in trainer.trainable_variables]
    trainer.fit(data, batch_size=4, verbose=0)
    after = [weight.numpy() for weight in trainer.trainable_variables]
    assert len(before) in (4, 6)  # of one or two networks, and the critic
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))
    assert len(sgd.variables) == 2 and len(adam.variables) == 2 + 2 * (len(before) - 2)


def convolution():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, padding="same")])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", [BarrierTrainer, KeyedTrainer])
def test_mixed_precision(kind, policy):
    """Networks compute in half precision, and losses in float32."""
    keras.config.set_dtype_policy(policy)
    try:
        host, innocent = convolution(), [Innocent(convolution(), "mae", 3)]
        if kind is BarrierTrainer:
            more = {"period": 2, "surrogate": convolution(), "unrelated": convolution()}
            trainer = kind(Lazy(), convolution(), MARK, innocent=innocent, **more)
        else:
            tuned = FineTuned(host, "mae", 3)
            trainer = kind(host, Lazy(), MARK, [0, 1], fine_tuned=tuned, innocent=innocent)
        trainer.build(keras.tree.map_structure(lambda images: images.shape, PAIRS))
        outputs = trainer(PAIRS, training=True)
        trainer.compile("adam", dict.fromkeys(outputs, "mse"), run_eagerly=True)
        before = [weight.numpy() for weight in trainer.trainable_variables]
        logs = trainer.train_on_batch(PAIRS, return_dict=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert host.compute_dtype == policy.removeprefix("mixed_")
    assert {output.dtype.name for output in outputs.values()} == {"float32"}
    assert all(np.isfinite(value) for value in logs.values())
    after = [weight.numpy() for weight in trainer.trainable_variables]
    changed = [np.any(a != b) for a, b in zip(before, after, strict=True)]
    assert all(changed) or policy == "mixed_float16"  # the first scales of losses may be too large
    own = [np.asarray(weight) for weight in innocent[0].own]
    assert any(np.any(weight) for weight in own) and all(np.isfinite(w).all() for w in own)
