import keras
import numpy as np
import pytest
import tensorflow as tf

from tfwm import losses
from tfwm.attacks import GaussianNoise, Ramp
from tfwm.models import redmark
from tfwm.training import (
    Checkpoint,
    ConfigError,
    Diverged,
    EarlyStopping,
    MeanGradients,
    WatermarkTrainer,
)


@pytest.fixture
def trainer():
    keras.utils.set_random_seed(0)
    trainer = WatermarkTrainer(
        redmark.build_embedder(width=4, depth=1),
        redmark.build_extractor(width=4, depth=1),
        message_shape=(4, 4, 1),
        seed=0,
    )
    trainer.compile(optimizer=keras.optimizers.SGD(0.0), loss={"logits": losses.MessageLoss()})
    return trainer


@pytest.fixture
def covers(photo):
    return photo[:, :32, :32].mean(axis=-1, keepdims=True)


def gradients_of(trainer, covers, loss_scale=1.0):
    trainer.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss={"logits": losses.MessageLoss()},
        loss_weights={"logits": loss_scale},
    )
    callback, logs = MeanGradients(covers, {"embedder": "enc_conv1"}), {}
    callback.set_model(trainer)
    callback.on_epoch_end(0, logs)
    return logs


def test_is_the_mean_of_the_absolute_gradient(trainer, covers):
    message = tf.ones((1, 4, 4, 1))
    trainer.random_message = lambda inputs: message
    kernel = trainer.embedder.get_layer("enc_conv1").kernel.value
    with tf.GradientTape() as tape:
        given = {"image": tf.constant(covers), "message": message, "strength": tf.ones(1)}
        marked = trainer.embedder(given)
        loss = tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(message, trainer.extractor(marked))
        )
    expected = np.abs(tape.gradient(loss, kernel)).mean()
    logs = gradients_of(trainer, covers)
    assert logs["gradient_embedder"] == pytest.approx(float(expected), rel=1e-4)
    assert gradients_of(trainer, covers, 3.0)["gradient_embedder"] == pytest.approx(
        3 * logs["gradient_embedder"], rel=1e-4
    )


def test_reaches_the_log(trainer, covers, tmp_path):
    callback = MeanGradients(covers, {"embedder": "enc_conv1", "extractor": "dec_conv1"})
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    trainer.fit(covers, epochs=2, verbose=0, callbacks=[callback, log])
    head, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert "gradient_embedder,gradient_extractor" in head and len(rows) == 2


def test_unknown_layer(trainer, covers):
    callback = MeanGradients(covers, {"embedder": "dense"})
    callback.set_model(trainer)
    with pytest.raises(ValueError, match="No such layer: dense"):
        callback.on_epoch_end(0, {})


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    def dense(*widths):
        model = keras.Sequential([keras.Input((2,)), *map(keras.layers.Dense, widths)])
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    checkpoint = Checkpoint(tmp_path)
    first = dense(3, 1)
    first.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[checkpoint])
    same, deeper = dense(3, 1), dense(3, 3, 1)
    assert checkpoint.restore(same) == 1
    np.testing.assert_array_equal(same.get_weights()[0], first.get_weights()[0])
    with pytest.raises(ValueError, match="choose another output="):
        checkpoint.restore(deeper)


def test_restored_early_stopping_is_forgotten_in_the_next_training():
    stopping = EarlyStopping("loss", patience=1)
    stopping.state = {"wait": np.int64(5), "best": np.float64(0.1)}
    stopping.on_train_begin()
    assert stopping.wait == 5
    stopping.on_train_begin()
    assert stopping.wait == 0


def test_gradients_are_logged_without_a_step(trainer, covers):
    trainer.attack = Ramp(GaussianNoise(0.1), steps=10)
    trainer.build(covers.shape)
    before = [variable.numpy() for variable in trainer.variables]
    gradients_of(trainer, covers)
    for old, variable in zip(before, trainer.variables, strict=False):
        np.testing.assert_array_equal(old, variable.numpy())


def test_a_training_that_diverges_ends_and_keeps_the_checkpoint_before(trainer, covers, tmp_path):
    checkpoint = Checkpoint(tmp_path)
    data = tf.data.Dataset.from_tensors(covers).repeat()
    steps = dict(steps_per_epoch=2, verbose=0, callbacks=[Diverged(), checkpoint])
    trainer.build(covers.shape)
    trainer.fit(data, **steps)
    before = sorted(tmp_path.glob("step-*"))
    weight = trainer.embedder.trainable_variables[0]
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(ConfigError, match="The loss is nan: training has diverged"):
        trainer.fit(data, **steps)
    assert before and sorted(tmp_path.glob("step-*")) == before
