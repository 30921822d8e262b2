"""What every suite has, whatever it measures."""

import dataclasses

from tfwm.checks import nearest
from tfwm.evaluation.suites.distortion import Distortion


@dataclasses.dataclass
class Suite:
    """A list of distortions, and how networks are measured under them.

    `tfwm.evaluation.BitSuite` and `tfwm.evaluation.MessageSuite` say what is measured. They
    implement `prepared`, `members`, `measure`, `conditions`, `table`, `headline` and `page`;
    `tfwm.evaluation.evaluate` and `run_suite` do the rest for both.

    Args:
        name: name of the result files.
        title: one line for reports.
        distortions: list of `Distortion`, or of dicts with its arguments. Undistorted images
            are always measured as well.
        notes: list of sentences for the report.

    Attributes:
        kind: what suites of this class are called in TOML files.
        what: what one of the measured things is called in error messages.
        undistorted: label of the row without a distortion.
    """

    name: str
    title: str
    distortions: list
    notes: list = dataclasses.field(default_factory=list, kw_only=True)

    kind = what = undistorted = None

    def __post_init__(self):
        self.distortions = [
            d if isinstance(d, Distortion) else Distortion(**d) for d in self.distortions
        ]

    def replace(self, **changes):
        """Returns a copy with other arguments; `None` leaves an argument as it is."""
        given = {key: value for key, value in changes.items() if value is not None}
        for key in given:
            nearest("argument of a suite", key, fields_of(type(self)))
        return dataclasses.replace(self, **given)

    def only(self, names):
        """Returns a copy with the distortions of these names alone."""
        known = [distortion.name for distortion in self.distortions]
        for name in names:
            nearest(f"distortion of {self.name}", name, known)
        return self.replace(distortions=[d for d in self.distortions if d.name in names])

    def columns(self):
        """Returns `[(Distortion, level)]`, undistorted first, of all that can be applied here."""
        columns = [(Distortion.identity(self.undistorted), 0)]
        for distortion in self.distortions:
            if not distortion.missing:
                columns += [(distortion, level) for level in distortion.levels]
        return columns

    def left_out(self):
        """Returns a line for each distortion that this installation cannot apply."""
        found = [(d.name, d.missing) for d in self.distortions]
        return [f"{name} left out: {reason}" for name, reason in found if reason]


def fields_of(suite):
    """Returns the names of the arguments of a class of suites."""
    return [field.name for field in dataclasses.fields(suite)]
