"""A distortion at the levels at which a suite applies it."""

import dataclasses
import inspect
import zlib

import numpy as np

from tfwm.checks import nearest
from tfwm.distortions import DISTORTIONS, distort, missing


@dataclasses.dataclass
class Distortion:
    """One of `tfwm.distortions.DISTORTIONS` at several levels.

    Args:
        name: key of `tfwm.distortions.DISTORTIONS`.
        levels: list of numbers, the mildest first.
        label: name in reports.
        percent: if True, reports show the levels as percentages.
        unpromising: levels at which all networks of the paper fail. The mean by which networks
            are compared leaves them out.
        plain: if True, reports show no level.
        options: further arguments of the distortion.
    """

    name: str
    levels: list
    label: str = ""
    percent: bool = False
    unpromising: list = dataclasses.field(default_factory=list)
    plain: bool = False
    options: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        nearest("distortion", self.name, DISTORTIONS)
        if not isinstance(self.levels, list) or not all(map(is_number, self.levels)):
            raise ValueError(
                f"Expected a list of numbers as levels of {self.name}. "
                f"Received: levels={self.levels!r}"
            )
        known = inspect.signature(DISTORTIONS[self.name]).parameters
        for option in self.options:
            nearest(f"option of {self.name}", option, known)
        self.label = self.label or self.name.replace("_", " ")

    @classmethod
    def identity(cls, label):
        """Returns the distortion that changes nothing, which every suite has as well."""
        return cls("identity", [0], label, plain=True)

    @property
    def missing(self):
        """Why this installation cannot apply it, or an empty value."""
        return missing(self.name)

    def show(self, level):
        """Returns the level as text."""
        if self.plain:
            return ""
        return f"{100 * level:.3g} %" if self.percent else f"{level:g}"

    def counts(self, level):
        """Returns whether a level is part of the mean by which networks are compared."""
        return self.name != "identity" and level not in self.unpromising

    def apply(self, image, level, seed=(0, 0), cover=None):
        """Distorts an image.

        Args:
            image: uint8 array.
            level: number.
            seed: integers, such as the seed of a run and the number of a photo. With name and
                level, they decide all that is random.
            cover: the image without its mark, which some distortions need.

        Returns:
            uint8 array.
        """
        kind = zlib.crc32(f"{self.name} {level:g}".encode())
        generator = np.random.default_rng([*seed, kind])
        return distort(self.name, image, level, generator, cover, **self.options)


def is_number(value):
    """Returns whether a value is an integer or a float."""
    return isinstance(value, int | float) and not isinstance(value, bool)
