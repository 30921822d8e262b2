import keras
import numpy as np
import pytest

from tfwm.losses import AdversarialLoss
from tfwm.models import translators
from tfwm.models.critic import build_patch_critic
from tfwm.training import TranslationTrainer


@pytest.fixture
def pairs():
    corners = np.random.default_rng(0).random((16, 2, 2, 3), "float32")
    target = corners.repeat(8, 1).repeat(8, 2)
    return {"input": 0.5 * target, "target": target}


def test_learns_a_task(pairs):
    keras.utils.set_random_seed(0)
    trainer = TranslationTrainer(translators.build_unet(width=8, depth=2, normalization=None))
    trainer.compile(keras.optimizers.Adam(1e-2), loss={"output": "mse"})
    losses = trainer.fit(pairs, batch_size=8, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    output = np.asarray(trainer.network(pairs["input"]))
    np.testing.assert_allclose(trainer(pairs)["output"], output, atol=1e-6)


def test_adversary_adds_its_losses(pairs):
    critic = build_patch_critic(3, width=4, depth=2)
    trainer = TranslationTrainer(
        translators.build_unet(width=4, depth=2), AdversarialLoss(critic, 0.1)
    )
    trainer.compile("adam", loss={"output": "mae"})
    before = [w.numpy() for w in critic.trainable_variables]
    trainer.fit(pairs, batch_size=8, verbose=0)
    after = [w.numpy() for w in critic.trainable_variables]
    assert all(np.any(a != b) for a, b in zip(before, after, strict=True))


def test_saves_and_loads(pairs, tmp_path):
    trainer = TranslationTrainer(translators.build_unet(width=4, depth=2))
    trainer(pairs)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    np.testing.assert_allclose(loaded(pairs)["output"], trainer(pairs)["output"], atol=1e-6)
