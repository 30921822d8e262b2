"""Checkpoints: all that a killed training goes on from, each file with its digest."""

import hashlib
import io
import json
import re
import time
from pathlib import Path

import keras
import numpy as np

from tfwm.files import sha256, write_whole
from tfwm.training.distribute import worker

FORMAT = 1
KEPT = 2
# Written before tfwm had digests.
OLD = "last.json"


class Checkpoint(keras.callbacks.Callback):
    """Saves after each epoch, and within epochs, all that a training goes on from.

    That is every variable of the model (weights, counters, states of random generators), of its
    optimizer and of its metrics, and the state of other callbacks. A step is two files,
    `step-000000400.npz` and, written after it, `step-000000400.json` with its SHA-256, so that a
    training killed at any moment leaves whole checkpoints. The last two are kept.

    Args:
        directory: folder of the files.
        minutes: least time between two checkpoints within an epoch; 0: none within epochs.
        callbacks: callbacks with a `state`, a dict of arrays and numbers that can be set.
        writes: whether this process writes; of several workers, one does.

    Attributes:
        step: number of batches trained with, over all epochs.
        batch: the same of the epoch in which the training is; 0 between epochs.

    Example:

    >>> checkpoint = Checkpoint("runs/mt/checkpoints")  # doctest: +SKIP
    >>> trainer.fit(  # doctest: +SKIP
    ...     data, initial_epoch=checkpoint.restore(trainer), callbacks=[checkpoint]
    ... )
    """

    def __init__(self, directory, minutes=0.0, callbacks=(), writes=True):
        super().__init__()
        self.directory = Path(directory)
        self.minutes = minutes
        self.callbacks = tuple(callbacks)
        self.writes = writes
        self.step = self.batch = 0
        self._metrics, self._seen = [], 0

    def exists(self):
        """Returns whether there is a checkpoint to resume from."""
        return bool(self._records()) or (self.directory / OLD).is_file()

    def restore(self, model, steps_per_epoch=None):
        """Loads the last checkpoint into a compiled and built model.

        Args:
            model: the `keras.Model`.
            steps_per_epoch: batches of an epoch, if they may be others than they were.

        Returns:
            Number of the epoch to go on with, of which `batch` batches are done.

        Raises:
            ValueError: a file is damaged, or of a model or optimizer with other variables.
        """
        if not self.exists():
            return 0
        record, arrays = self._read()
        variables = _variables(model)
        _check_same(record["variables"], _names(variables), self.directory)
        for number, variable in enumerate(variables):
            variable.assign(arrays[f"variable.{number}"])
        for number, callback in enumerate(self.callbacks):
            start = f"callback.{number}."
            callback.state = {
                key.removeprefix(start): value
                for key, value in arrays.items()
                if key.startswith(start)
            }
        self._metrics = [arrays[key] for key in arrays if key.startswith("metric.")]
        self.step, self.batch, epoch = (record[key] for key in ("step", "batch", "epoch"))
        if steps_per_epoch and epoch * steps_per_epoch + self.batch != self.step:
            epoch, self.batch = divmod(self.step, steps_per_epoch)
        return epoch

    def step_back(self):
        """Leaves the last checkpoint out, so that `restore` takes the one before it.

        Raises:
            ValueError: there is none before it.
        """
        records = self._records()
        if len(records) < 2:
            raise ValueError(f"Expected two checkpoints in {self.directory}. Received: one")
        records[-1].replace(records[-1].with_suffix(".left-out"))

    def written(self):
        """Returns when the last checkpoint was written, in seconds since 1970; 0 if never."""
        return max((record.stat().st_mtime for record in self._records()), default=0)

    def is_damaged(self):
        """Returns whether the last checkpoint cannot be read."""
        try:
            self._read()
        except ValueError:
            return True
        return False

    def on_train_begin(self, logs=None):
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._seen = epoch, 0

    def on_train_batch_end(self, batch, logs=None):
        new, self._seen = batch + 1 - self._seen, batch + 1
        self.step, self.batch = self.step + new, self.batch + new
        if self._metrics:
            # Keras makes them in the first step; they are sums over batches.
            for variable, before in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign(before + variable.numpy())
            self._metrics = []
        late = self.minutes and time.monotonic() - self._saved >= 60 * self.minutes
        if late and self.batch != self.params.get("steps"):
            self._save(self._epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.batch = 0
        self._save(epoch + 1)

    def _save(self, epoch):
        if not self.writes:
            return
        variables = _variables(self.model)
        # To read a metric, all workers would have to.
        whole = worker()[1] == 1
        metrics = self.model.metrics_variables if self.batch and whole else []
        arrays = {f"variable.{i}": v.numpy() for i, v in enumerate(variables)}
        arrays |= {f"metric.{i}": v.numpy() for i, v in enumerate(metrics)}
        for number, callback in enumerate(self.callbacks):
            arrays |= {f"callback.{number}.{key}": x for key, x in callback.state.items()}
        data = io.BytesIO()
        np.savez(data, **arrays)
        data, path = data.getbuffer(), self.directory / f"step-{self.step:09d}.npz"
        write_whole(path, data)
        record = {
            "format": FORMAT,
            "step": self.step,
            "epoch": epoch,
            "batch": self.batch,
            "sha256": hashlib.sha256(data).hexdigest(),
            "variables": _names(variables),
        }
        text = json.dumps({**record, "record_sha256": _digest(record)}, indent=1)
        write_whole(path.with_suffix(".json"), text)
        self._saved = time.monotonic()
        kept = {record.stem for record in self._records()[-KEPT:]}
        for old in self.directory.glob("step-*"):
            if old.stem not in kept or old.suffix not in (".json", ".npz"):
                old.unlink()

    def _records(self):
        return sorted(self.directory.glob("step-*.json"))

    def _read(self):
        """The last checkpoint's record and arrays."""
        records = self._records()
        if not records:
            raise ValueError(
                f"{self.directory / OLD} is of a version of tfwm from before November 2026: go on "
                "with that version, or choose another output="
            )
        record = _read_record(records[-1])
        file = records[-1].with_suffix(".npz")
        reason = None
        if record is None:
            file, reason = records[-1], "it was cut or changed"
        elif not file.is_file():
            reason = "it is missing"
        elif sha256(file) != record["sha256"]:
            reason = f"its SHA-256 is not the one in {records[-1].name}"
        if reason:
            raise ValueError(f"{file} is damaged: {reason}. {_advice(records)}")
        if record["format"] != FORMAT:
            raise ValueError(
                f"{records[-1]} is of another version of tfwm: expected format {FORMAT}. "
                f"Received: {record['format']}"
            )
        with np.load(file) as arrays:
            return record, dict(arrays)


def _advice(records):
    if len(records) == 1:
        return "Copy it again, or start again in another output=; there is none before it."
    step = int(re.sub(r"\D", "", records[-2].stem))
    return f"Copy it again, or go on from the one before it, of step {step}, by --resume=previous"


def _read_record(path):
    """The dict in a checkpoint's JSON file, or `None` if it is not as it was written."""
    try:
        record = json.loads(path.read_bytes())
        digest = record.pop("record_sha256")
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None
    return record if digest == _digest(record) else None


def _digest(record):
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _variables(model):
    """All variables but those of metrics, each once, in an order that building repeats."""
    # `weights` lacks the states of random generators, of `keras.layers.Dropout` for instance.
    found = [*model.variables, *getattr(model.optimizer, "variables", ())]
    metrics = {id(v) for v in model.metrics_variables}
    return [v for v in {id(v): v for v in found}.values() if id(v) not in metrics]


def _names(variables):
    # Keras counts layers over a process; an optimizer's variables are named after them.
    return [[re.sub(r"_\d+", "", variable.name), list(variable.shape)] for variable in variables]


def _check_same(saved, found, directory):
    """Raises ValueError for the variables of other networks, or of another optimizer."""
    if saved != found:
        pairs = zip([*saved, None], [*found, None], strict=False)
        before, now = next((a, b) for a, b in pairs if a != b)
        raise ValueError(
            "Expected the settings of the networks that were trained before. Received: others, "
            f"which do not fit the checkpoint in {directory} (first {_told(now)} where "
            f"{_told(before)} was); leave out those that change the networks or the optimizer, or "
            "choose another output="
        )


def _told(entry):
    return f"{entry[0]} {tuple(entry[1])}" if entry else "nothing"
