"""Checkpoints that a killed training resumes from."""

import json
import os
from pathlib import Path

import keras


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer and random state after each epoch, so that a run can be resumed.

    The weights get a new name each time, and the small state file is moved into place after
    them, so that a run killed at any moment leaves a complete checkpoint.

    Args:
        directory: folder for `epoch-NNNNN.weights.h5` and `last.json`, which names it.

    Example:

    >>> checkpoint = Checkpoint("runs/mt/checkpoints")  # doctest: +SKIP
    >>> trainer.fit(  # doctest: +SKIP
    ...     data, initial_epoch=checkpoint.restore(trainer), callbacks=[checkpoint]
    ... )
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = Path(directory)
        self.state = self.directory / "last.json"

    def exists(self):
        """Returns whether there is a checkpoint to resume from."""
        return self.state.is_file()

    def restore(self, model):
        """Loads the checkpoint into a compiled and built model; returns the next epoch's number."""
        if not self.exists():
            return 0
        state = json.loads(self.state.read_text())
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self.directory / state["weights"])
        return state["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        weights = f"epoch-{epoch + 1:05d}.weights.h5"
        self.model.save_weights(self.directory / weights)
        partial = self.state.with_suffix(".partial")
        partial.write_text(json.dumps({"epoch": epoch + 1, "weights": weights}))
        os.replace(partial, self.state)
        for old in self.directory.glob("epoch-*.weights.h5"):
            if old.name != weights:
                old.unlink()
