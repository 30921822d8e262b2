"""The folder that the barrier recipe leaves, read for figures and benchmarks."""

import dataclasses
import tomllib
from pathlib import Path

import keras

from tfwm.files import read_csv
from tfwm.protection import load_barrier

SURROGATE = "network.keras"


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
        folder = Path(folder)
        paths = [folder / name for name in ("initial/config.toml", "ownership.csv", "quality.csv")]
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(
                    "Expected the folder of a finished run of tfwm.recipes.barrier. Received: "
                    f"{folder}, which has no {path.relative_to(folder)}"
                )
        config = tomllib.loads(paths[0].read_text(encoding="utf-8"))
        return cls(folder, config, *map(read_csv, paths[1:]))

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
        return keras.models.load_model(path, compile=False)
