import dataclasses
from pathlib import Path

from tfwm.files import write_csv, write_whole


@dataclasses.dataclass
class SuiteResult:
    """What a run of a suite left behind.

    Args:
        rows: list of dicts, see `evaluate`.
        csv: path of the table.
        html: path of the report, None without one.
        line: one sentence that says what came out.
        skipped: number of files that could not be read.
    """

    rows: list
    csv: Path
    html: Path | None
    line: str
    skipped: int


def write_result(rows, suite, photos, output, conditions, line, build=None):
    """Writes what a run gave to `<output>/<suite>-<dataset>.csv` and `.html`.

    Args:
        rows: list of dicts.
        suite: the `Suite`.
        photos: the `Photos`.
        output: folder.
        conditions: lines of text for the head of the table.
        line: one sentence that says what came out.
        build: function that gives the report's HTML; without it there is none.

    Returns:
        `SuiteResult`.
    """
    stem = Path(output) / f"{suite.name}-{photos.name}"
    csv = write_csv(rows, f"{stem}.csv", conditions)
    html = write_whole(f"{stem}.html", build()) if build else None
    return SuiteResult(rows, csv, html, line, photos.skipped)


def origin(suite, photos, command):
    """Returns the first two lines of a result: how to make it again, and of what."""
    return [
        command or f"tfwm.evaluation.bits.run_suite, suite {suite.name}",
        f"{suite.title}; data {photos.name}, {len(photos.images)} images"
        + (f" ({photos.skipped} unreadable files skipped)" if photos.skipped else ""),
    ]


def showpiece(photos):
    """Returns the first of the largest photos."""
    return max(photos.images, key=lambda image: image.shape[0] * image.shape[1])
