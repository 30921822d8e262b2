import keras
import numpy as np

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
