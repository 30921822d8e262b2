"""What all suites share: distortions at levels, the suite's base class, and its small tools."""

import dataclasses
import inspect
import zlib

import numpy as np

from tfwm.checks import by_name, nearest
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

    def cells(self, level):
        """Returns the cells of a result's row that say what was done to the images."""
        return {
            "attack": self.name,
            "level": level,
            "label": self.label,
            "shown": self.show(level),
            "counted": self.counts(level),
        }

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


# What measures networks that suites do not.
MEASURED_BY = {
    "barrier": "the report of python -m tfwm.recipes.barrier, tfwm figures barrier-fig4 and "
    "benchmarks/barrier_bench.py do that",
    "keyed": "the report of python -m tfwm.recipes.keyed and benchmarks/keyed_bench.py do that",
}


@dataclasses.dataclass
class Suite:
    """A list of distortions, and how networks are measured under them.

    `tfwm.evaluation.BitSuite` and `tfwm.evaluation.MessageSuite` say what is measured;
    `tfwm.evaluation.evaluate` and `run_suite` do the rest for both. A run calls, in this order:

    1. `prepared(match, changes)` for the suite with changes, and what its strengths are to match;
    2. `members(members)` for a dict of names and what is measured;
    3. `measure(members, photos, match, seed, pool, counter)` for the rows, with a thread pool and a
       `Counter`;
    4. `conditions(match, seed)` for lines of the result's head, and `headline(rows)` for one line;
    5. `page(rows, conditions, members, photos, seed)` for the HTML report.

    `table(rows)` gives the rows as text.

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

    def named(self, members):
        """Returns a dict of names and networks; raises `ValueError` if one carries no messages.

        Args:
            members: such a dict, or a list of networks with a `name`.
        """
        members = by_name(members, self.what)
        for name, member in members.items():
            check_kind(name, getattr(member, "card", None) or {})
        return members

    def only(self, names):
        """Returns a copy with the distortions of these names alone."""
        for name in names:
            nearest(f"distortion of {self.name}", name, [d.name for d in self.distortions])
        return self.replace(distortions=[d for d in self.distortions if d.name in names])

    def columns(self):
        """Returns `[(Distortion, level)]`, undistorted first, of all that can be applied here."""
        possible = [distortion for distortion in self.distortions if not distortion.missing]
        columns = [(distortion, level) for distortion in possible for level in distortion.levels]
        return [(Distortion("identity", [0], self.undistorted, plain=True), 0), *columns]

    def left_out(self):
        """Returns a line for each distortion that this installation cannot apply."""
        return [f"{d.name} left out: {d.missing}" for d in self.distortions if d.missing]


def fields_of(suite):
    """Returns the names of the arguments of a class of suites."""
    return [field.name for field in dataclasses.fields(suite)]


class Counter:
    """Counts finished work of a `total`, and tells a `progress` callback."""

    def __init__(self, progress=None, total=1):
        self.progress, self.total, self.done = progress, total, 0

    def add(self, text="", number=1):
        """Counts something as done."""
        self.done += number
        if self.progress is not None:
            self.progress(min(1.0, self.done / self.total), text)


def check_kind(name, card):
    """Raises `ValueError` if a network's card says that it carries no messages."""
    kind = card.get("kind", "message")
    if kind in MEASURED_BY:
        raise ValueError(
            f"Expected networks that carry messages. Received: {name}, a {kind} network, which "
            f"suites do not measure: {MEASURED_BY[kind]}"
        )


def is_number(value):
    """Returns whether a value is an integer or a float."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def pivoted(rows, column):
    """Returns rows as a table: `{(label, shown): {column: row}}`, all in their order.

    Args:
        rows: of a result, dicts.
        column: function from a row to its column.
    """
    lines = {}
    for row in rows:
        lines.setdefault((row["label"], row["shown"]), {})[column(row)] = row
    return lines


def fixed(value, digits):
    """Returns a number as text, empty for None."""
    return "" if value is None else f"{value:.{digits}f}"


def aligned(table):
    """Returns rows of cells as text: the first column to the left, the others to the right."""
    first, *widths = (max(map(len, column)) for column in zip(*table, strict=True))
    lines = []
    for name, *cells in table:
        right = map(str.rjust, cells, widths)
        lines.append("  ".join([name.ljust(first), *right]))
    return "\n".join(lines)
