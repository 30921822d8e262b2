"""Checkpoints hold all of a training, in and between epochs, and tell when they are damaged."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tfwm.training import Checkpoint, EarlyStopping, RestOfEpoch

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"
INPUTS = np.random.default_rng(0).random((20, 4)).astype("float32")
TARGETS = INPUTS.sum(axis=-1, keepdims=True)


def make_model(*widths, dropout=0.5):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(width) for width in widths or (8, 1)]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(dropout), *layers])
    model.compile("adam", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


class Kill(keras.callbacks.Callback):
    """Ends the process, as it were, after so many batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        self.batches -= 1
        if not self.batches:
            raise SystemExit


def train(model, directory, epochs=3, kill=None, minutes=1e-9, first=None):
    """Trains with batches of 4, five an epoch, from the last checkpoint in a folder."""
    checkpoint = Checkpoint(directory, minutes)
    epoch = checkpoint.restore(model)
    rest = [RestOfEpoch(5 - checkpoint.batch)] if checkpoint.batch else []
    seen = np.arange(4 * 5 * epochs)[4 * checkpoint.step :] % len(INPUTS)
    return model.fit(
        INPUTS[seen],
        TARGETS[seen],
        batch_size=4,
        epochs=epochs,
        initial_epoch=epoch,
        steps_per_epoch=5,
        shuffle=False,
        verbose=0,
        callbacks=[*rest, checkpoint, *([Kill(kill)] if kill else [])],
    ).history


def state_of(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


@pytest.mark.parametrize("batches", [5, 7, 13], ids=["between epochs", "within", "in the last"])
def test_goes_on_from_any_batch_bit_by_bit(batches, tmp_path):
    whole = make_model()
    history = train(whole, tmp_path / "whole")
    with pytest.raises(SystemExit):
        train(make_model(), tmp_path / "parts", kill=batches)
    again = make_model()
    later = train(again, tmp_path / "parts")
    for a, b in zip(state_of(whole), state_of(again), strict=True):
        np.testing.assert_array_equal(a, b)
    for key, values in later.items():  # the log of a begun epoch is that of all of it
        assert values == pytest.approx(history[key][-len(values) :], rel=1e-6)


def test_without_minutes_there_is_none_within_an_epoch(tmp_path):
    with pytest.raises(SystemExit):
        train(make_model(), tmp_path, kill=8, minutes=0)
    assert Checkpoint(tmp_path).restore(make_model()) == 1
    assert {p.name for p in tmp_path.iterdir()} == {"step-000000005.json", "step-000000005.npz"}


def test_two_are_kept(tmp_path):
    train(make_model(), tmp_path)
    steps = {p.stem for p in tmp_path.iterdir()}
    assert steps == {"step-000000014", "step-000000015"} and len(list(tmp_path.iterdir())) == 4


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def change(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, change, Path.unlink])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_damage_is_told_and_the_one_before_goes_on(damage, suffix, tmp_path):
    train(make_model(), tmp_path)
    damage(tmp_path / f"step-000000015{suffix}")
    checkpoint, model = Checkpoint(tmp_path), make_model()
    if (damage, suffix) == (Path.unlink, ".json"):  # as if it had been killed while saving
        assert checkpoint.restore(model) == 2 and checkpoint.batch == 4
        return
    with pytest.raises(ValueError, match="is damaged: .*step 14, by --resume=previous") as error:
        checkpoint.restore(model)
    assert f"step-000000015{suffix} is damaged" in str(error.value)
    assert checkpoint.is_damaged()
    checkpoint.step_back()
    assert checkpoint.restore(model) == 2 and checkpoint.step == 14
    with pytest.raises(ValueError, match="Expected two checkpoints"):
        checkpoint.step_back()
    train(model, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4  # what was left out is gone
    for old in tmp_path.glob("step-000000014.*"):
        old.unlink()
    change(tmp_path / "step-000000015.npz")
    with pytest.raises(ValueError, match="there is none before it"):
        checkpoint.restore(model)


def test_other_networks_optimizers_and_versions_are_refused(tmp_path):
    train(make_model(), tmp_path)
    checkpoint = Checkpoint(tmp_path)
    with pytest.raises(ValueError, match=r"first kernel \(8, 3\) where kernel \(8, 1\) was"):
        checkpoint.restore(make_model(8, 3, 1))
    other = make_model()
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="or the optimizer, or choose another output="):
        checkpoint.restore(other)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "last.json").write_text("{}")
    assert Checkpoint(tmp_path / "old").exists()
    with pytest.raises(ValueError, match="from before November 2026"):
        Checkpoint(tmp_path / "old").restore(other)


def test_other_lengths_of_epochs_keep_the_steps(tmp_path):
    train(make_model(), tmp_path)
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.restore(make_model(), steps_per_epoch=4) == 3
    assert (checkpoint.step, checkpoint.batch) == (15, 3)


def test_early_stopping_is_resumed(tmp_path):
    stopping = EarlyStopping("loss", patience=4, restore_best_weights=True)
    checkpoint = Checkpoint(tmp_path, callbacks=[stopping])
    model = make_model()
    model.optimizer.learning_rate = 0.0
    model.fit(INPUTS, TARGETS, epochs=3, verbose=0, callbacks=[stopping, checkpoint])
    best = [w.copy() for w in stopping.best_weights]
    again = EarlyStopping("loss", patience=4, restore_best_weights=True)
    Checkpoint(tmp_path, callbacks=[again]).restore(make_model())
    assert (again.wait, again.best_epoch) == (stopping.wait, stopping.best_epoch)
    assert again.best == pytest.approx(stopping.best)
    again.set_model(make_model())
    again.on_train_begin()
    assert again.wait == stopping.wait
    for a, b in zip(again.best_weights, best, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_the_first_format_is_read(tmp_path):
    """tests/golden/checkpoint was written by `train(make_model(), ..., epochs=1, kill=3)`."""
    model, checkpoint = make_model(), Checkpoint(GOLDEN)
    assert checkpoint.restore(model) == 0 and (checkpoint.step, checkpoint.batch) == (3, 3)
    assert int(model.optimizer.iterations) == 3
    sums = [float(np.abs(weights).sum()) for weights in model.get_weights()]
    assert sums == pytest.approx([10.5109434, 0.0238636, 2.9201602, 0.0029829], rel=1e-5)
