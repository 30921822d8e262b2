"""The folder that a recipe leaves, read for figures of its training."""

import csv
import dataclasses
import tomllib
from pathlib import Path

import numpy as np


@dataclasses.dataclass
class TrainingRun:
    """What a recipe left in its folder: settings, and measures after each epoch.

    Args:
        folder: path.
        config: dict, the run's `config.toml`.
        log: dict of column and float array `(epochs,)`, its `log.csv`.

    Example:

    >>> run = TrainingRun.load("runs/stegastamp-crop")  # doctest: +SKIP
    >>> run.steps[0], run.column("loss")[0]  # doctest: +SKIP
    (200, 1.53)
    """

    folder: Path
    config: dict
    log: dict

    @classmethod
    def load(cls, folder):
        """Reads a run's folder; raises `ValueError` or `FileNotFoundError` for another one."""
        folder = Path(folder)
        paths = folder / "config.toml", folder / "log.csv"
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(
                    f"Expected the folder of a training run. Received: {folder}, which has no "
                    f"{path.name}"
                )
        config = tomllib.loads(paths[0].read_text(encoding="utf-8"))
        with open(paths[1], newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError(f"Expected a run with an epoch or more. Received: {paths[1]}, empty")
        log = {name: np.array([_number(row[name]) for row in rows]) for name in rows[0]}
        return cls(folder, config, log)

    @property
    def steps(self):
        """Steps done at the end of each epoch."""
        return (self.column("epoch") + 1).astype(int) * int(self.setting("steps_per_epoch"))

    def setting(self, name):
        """Returns a setting of the run."""
        if name not in self.config:
            raise ValueError(
                f"Expected a run with the setting {name}. Received: {self.folder}, which has "
                f"{', '.join(self.config)}"
            )
        return self.config[name]

    def column(self, name):
        """Returns a measure, one value for each epoch."""
        if name not in self.log:
            raise ValueError(
                f"Expected a run that logs {name}. Received: {self.folder}, which logs "
                f"{', '.join(self.log)}"
            )
        return self.log[name]


def _number(text):
    return float(text) if text else np.nan
