import keras
import numpy as np

from tfwm.losses import AdversarialLoss
from tfwm.training import TranslationTrainer
from tfwm.training.critic_optimizer import CriticOptimizer


def build():
    keras.utils.set_random_seed(0)
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), critic])
    optimizer = CriticOptimizer(
        keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.25, clipvalue=0.1), critic
    )
    model.compile(optimizer, "mse")
    return model, critic


def test_each_part_moves_by_its_own_optimizer():
    model, _ = build()
    before = model.get_weights()
    gradients = [np.full(weights.shape, 1.0, "float32") for weights in before]
    model.optimizer.build(model.trainable_variables)
    model.optimizer.apply(map(keras.ops.convert_to_tensor, gradients), model.trainable_variables)
    moved = [float((a - b).max()) for a, b in zip(before, model.get_weights(), strict=True)]
    np.testing.assert_allclose(moved, [0.5, 0.5, 0.025, 0.025], rtol=1e-5)
    assert int(model.optimizer.iterations) == 1


def test_fits_and_is_saved_with_the_weights(tmp_path):
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    model, _ = build()
    model.optimizer.critic_optimizer.momentum = 0.0
    model.fit(x, y, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 2
    model.save_weights(tmp_path / "a.weights.h5")
    other, _ = build()
    other.optimizer.build(other.trainable_variables)
    other.load_weights(tmp_path / "a.weights.h5")
    assert int(other.optimizer.iterations) == 2
    assert int(other.optimizer.critic_optimizer.iterations) == 2


def test_is_made_again_from_its_config():
    optimizer = build()[0].optimizer
    copy = CriticOptimizer.from_config(optimizer.get_config())
    assert float(copy.learning_rate) == 0.5 and copy.name == optimizer.name
    assert float(copy.critic_optimizer.learning_rate) == 0.25
    assert copy.critic_optimizer.clipvalue == 0.1
    assert [v.shape for v in copy.critic.variables] == [v.shape for v in optimizer.critic.variables]


def test_is_saved_with_a_trainer(tmp_path):
    """The loaded one's critic is the loaded trainer's, whose weights it moves."""
    network, critic = (
        keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(width, 1)])
        for width in (3, 1)
    )
    trainer = TranslationTrainer(network, AdversarialLoss(critic, 0.1))
    adam, sgd = keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.1, momentum=0.9)
    trainer.compile(CriticOptimizer(adam, sgd, critic), {"output": "mse"})
    images = np.random.default_rng(0).random((4, 4, 4, 3), "float32")
    pairs = {"input": images, "target": images}
    trainer.fit(pairs, batch_size=4, verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    assert loaded.optimizer.critic is loaded.adversary.critic
    for one in (trainer, loaded):
        one.fit(pairs, batch_size=4, verbose=0)
    assert int(loaded.optimizer.iterations) == 2
    for a, b in zip(trainer.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
