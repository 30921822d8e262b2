import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm.losses import AdversarialLoss
from tfwm.models.critic import build_clipped_critic, build_critic
from tfwm.training.base import Trainer

WEIGHT = 0.25


class Misleads(Trainer):
    """Trains against a critic, and nothing else."""

    def __init__(self, adversary):
        super().__init__()
        self.adversary = adversary

    def targets(self, inputs, outputs):
        return {}

    def penalties(self, inputs, outputs, training):
        return [self.adversary([outputs["image"], inputs], training=training)]


@pytest.fixture
def layer():
    keras.utils.set_random_seed(0)
    return AdversarialLoss(build_critic(width=4, depth=2), WEIGHT)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    cover = rng.random((3, 16, 16, 3)).astype("float32")
    return tf.constant(cover + 0.1), tf.constant(cover)


def gradients(layer, images, which):
    """Of a loss by the watermarked image and by the critic's weights."""
    watermarked, cover = images
    weights = [v.value for v in layer.critic.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(watermarked)
        loss = which(layer, watermarked, cover)
    by_image, *by_weights = tape.gradient(loss, [watermarked, *weights])
    return by_image, by_weights


def test_the_critics_loss_stops_at_the_image(layer, images):
    by_image, by_weights = gradients(layer, images, AdversarialLoss.critic_loss)
    assert by_image is None
    assert all(np.abs(g).max() > 0 for g in by_weights)


def test_the_embedders_loss_stops_at_the_critic(layer, images):
    by_image, by_weights = gradients(layer, images, lambda layer, a, _: layer.embedder_loss(a))
    assert np.abs(by_image).max() > 0
    assert by_weights == [None] * len(by_weights)


def test_losses_are_the_cross_entropies(layer, images):
    watermarked, cover = images
    state = layer.critic.get_weights()
    of_critic = float(layer.critic_loss(watermarked, cover, training=True))
    of_embedder = float(layer.embedder_loss(watermarked))
    reading = np.ravel(layer.critic(watermarked))  # with the statistics of the first call
    assert of_embedder == pytest.approx(np.mean(np.log1p(np.exp(-reading))), rel=1e-4)

    layer.critic.set_weights(state)
    logits = np.ravel(layer.critic(tf.concat([cover, watermarked], 0), training=True))
    wrong = np.log1p(np.exp(-np.repeat([1.0, -1.0], 3) * logits))
    assert of_critic == pytest.approx(wrong[:3].mean() + wrong[3:].mean(), rel=1e-4)

    layer.critic.set_weights(state)
    both = float(layer([watermarked, cover], training=True))
    assert both == pytest.approx(of_critic + WEIGHT * of_embedder, rel=1e-4)


def test_both_learn_in_one_ordinary_fit():
    """The embedder is a constant that is added; the critic tells bright from dark images."""
    keras.utils.set_random_seed(0)

    class Shift(Misleads):
        def __init__(self, adversary):
            super().__init__(adversary)
            self.shift = self.add_weight(shape=(), initializer="zeros")

        def call(self, image, training=None):
            return {"image": image + 0.3 + self.shift}

    model = Shift(AdversarialLoss(build_critic(width=4, depth=1), 1.0))
    model.compile(keras.optimizers.Adam(0.01), loss=None)
    cover = np.random.default_rng(0).random((32, 8, 8, 3)).astype("float32")
    model.fit(cover, batch_size=32, epochs=40, verbose=0)
    assert float(model.shift) < -0.1


def test_wasserstein_losses_are_differences_of_means(images):
    layer = AdversarialLoss(build_clipped_critic(), WEIGHT, kind="wasserstein")
    watermarked, cover = images
    marked, real = (float(np.mean(layer.critic(x))) for x in (watermarked, cover))
    of_critic = float(layer.critic_loss(watermarked, cover))
    assert of_critic == pytest.approx(marked - real, abs=1e-7)
    assert float(layer.embedder_loss(watermarked)) == pytest.approx(-marked, abs=1e-7)
    again = AdversarialLoss.from_config(layer.get_config())
    assert again.kind == "wasserstein"
    with pytest.raises(ValueError, match="kind"):
        AdversarialLoss(layer.critic, kind="hinge")


def test_waits_and_rises_as_stegastamps(images):
    """Nothing before `start`; then the critic's loss, and the embedder's by `step / ramp_steps`."""
    arguments = {"kind": "wasserstein", "start": 2, "ramp_steps": 4}
    layer = AdversarialLoss(build_clipped_critic(), WEIGHT, **arguments)
    of_critic = float(layer.critic_loss(*images))
    of_embedder = float(layer.embedder_loss(images[0]))
    for step in range(6):
        factor = WEIGHT * min(step / 4, 1)
        expected = of_critic + factor * of_embedder if step >= 2 else 0
        assert float(layer(list(images), training=True)) == pytest.approx(expected, abs=1e-7)
    assert float(layer(list(images))) == pytest.approx(expected, abs=1e-7)
    assert float(layer.step) == 6
    config = AdversarialLoss.from_config(layer.get_config()).get_config()
    assert {key: config[key] for key in arguments} == arguments
    with pytest.raises(ValueError, match="Received: start=-1"):
        AdversarialLoss(layer.critic, start=-1)


def test_clipped_critic_tells_covers_within_its_limit():
    """Trained on covers and brighter images, every weight stays small and covers score higher."""
    keras.utils.set_random_seed(0)

    class Brighter(Misleads):
        def call(self, image, training=None):
            return {"image": image + 0.3}

    critic = build_clipped_critic(limit=0.1)
    model = Brighter(AdversarialLoss(critic, 1.0, kind="wasserstein"))
    model.compile(keras.optimizers.Adam(3e-3), loss=None)
    cover = np.random.default_rng(0).random((32, 16, 16, 3)).astype("float32")
    model.fit(cover, batch_size=32, epochs=20, verbose=0)
    assert max(np.abs(w).max() for w in critic.get_weights()) <= np.float32(0.1)
    assert np.min(critic(cover)) > np.max(critic(cover + 0.3))


def test_clipped_critic_is_stegastamps():
    critic = build_clipped_critic()
    shapes = [tuple(w.shape) for w in critic.weights[::2]]
    assert shapes == [(3, 3, a, b) for a, b in ((3, 8), (8, 16), (16, 32), (32, 64), (64, 1))]
    again = keras.Model.from_config(critic.get_config())
    assert again.layers[2].kernel_constraint.limit == 0.01
    with pytest.raises(ValueError, match="limit"):
        build_clipped_critic(limit=0)


def test_nothing_moves_outside_training(layer, images):
    before = layer.critic.get_weights()
    layer(list(images), training=False)
    for a, b in zip(layer.critic.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_saves_with_its_critic(layer, images):
    again = AdversarialLoss.from_config(layer.get_config())
    assert again.weight == WEIGHT
    again.critic.set_weights(layer.critic.get_weights())
    np.testing.assert_array_equal(again.critic(images[0]), layer.critic(images[0]))
