"""The folders that recipes leave, read for figures and benchmarks."""

import dataclasses
import tomllib
from pathlib import Path

import numpy as np

from tfwm.files import read_csv
from tfwm.networks import read_keras_model
from tfwm.protection import load_barrier

SURROGATE = "network.keras"


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
        config, log = _files(folder, "a training run", "config.toml", "log.csv")
        rows = read_csv(log)
        if not rows:
            raise ValueError(f"Expected a run with an epoch or more. Received: {log}, empty")
        columns = {name: np.array([row[name] for row in rows], float) for name in rows[0]}
        return cls(Path(folder), _settings(config), columns)

    @property
    def steps(self):
        """Steps done at the end of each epoch."""
        return (self.column("epoch") + 1).astype(int) * int(self.setting("steps_per_epoch"))

    def setting(self, name):
        """Returns a setting of the run."""
        return self._of(self.config, name, "with the setting", "has")

    def column(self, name):
        """Returns a measure, one value for each epoch."""
        return self._of(self.log, name, "that logs", "logs")

    def _of(self, values, name, expected, verb):
        if name not in values:
            raise ValueError(
                f"Expected a run {expected} {name}. Received: {self.folder}, which {verb} "
                f"{', '.join(values)}"
            )
        return values[name]


@dataclasses.dataclass
class BarrierRun:
    """What `python -m tfwm.recipes.barrier` left in its folder.

    Args:
        folder: path.
        config: dict, the run's settings.
        ownership: rows of its `ownership.csv`: what was read from which images.
        quality: rows of its `quality.csv`: PSNR and SSIM.

    Example:

    >>> run = BarrierRun.load("runs/barrier-derain")  # doctest: +SKIP
    >>> run.row("adversarial", "unet-l2")["success_nc"]  # doctest: +SKIP
    1.0
    """

    folder: Path
    config: dict
    ownership: list
    quality: list

    @classmethod
    def load(cls, folder):
        """Reads a finished run; raises `FileNotFoundError` for another folder."""
        names = "initial/config.toml", "ownership.csv", "quality.csv"
        config, *tables = _files(folder, "a finished run of tfwm.recipes.barrier", *names)
        return cls(Path(folder), _settings(config), *map(read_csv, tables))

    @property
    def name(self):
        """Name of the run and of its barrier."""
        return self.config["name"]

    @property
    def surrogates(self):
        """Names of the surrogates that were measured, such as `"unet-l2"`."""
        names = [row["images_of"] for row in self.ownership if row["stage"] == "adversarial"]
        return [name for name in names if (self.folder / f"attack-{name}").is_dir()]

    def row(self, stage, images_of):
        """Returns the row of `ownership.csv` of a stage's extractor and a group of images."""
        for row in self.ownership:
            if (row["stage"], row["images_of"]) == (stage, images_of):
                return row
        raise ValueError(f"Expected images of {images_of} in {self.folder}. Received: none")

    def barrier(self):
        """Returns the trained `tfwm.protection.Barrier`."""
        return load_barrier(self.folder / self.name)

    def surrogate(self, name):
        """Returns a surrogate that was trained on the barrier's outputs, a Keras model."""
        path = self.folder / f"attack-{name}" / SURROGATE
        if not path.is_file():
            raise FileNotFoundError(f"Expected a trained surrogate {name}. Received: no {path}")
        return read_keras_model(path)


def _files(folder, what, *names):
    """Paths of these files in a run's folder, which must have them all."""
    for name in names:
        if not (Path(folder) / name).is_file():
            raise FileNotFoundError(
                f"Expected the folder of {what}. Received: {folder}, which has no {name}"
            )
    return [Path(folder) / name for name in names]


def _settings(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))
