import dataclasses
from pathlib import Path

from tfwm.evaluation.files import versions, write_csv, write_whole
from tfwm.evaluation.photos import Photos
from tfwm.evaluation.report import build_report
from tfwm.evaluation.run import evaluate, named_networks
from tfwm.evaluation.suite import load_suite
from tfwm.evaluation.summary import headline


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


def run_suite(
    networks,
    images,
    suite="redmark",
    output="results",
    command=None,
    limit=None,
    report=True,
    match=None,
    seed=0,
    progress=True,
    **changes,
):
    """Runs a suite and writes `<output>/<suite>-<dataset>.csv` and `.html`.

    Args:
        networks: dict of name and network, or list of networks with a `name`.
        images: folder, `"bundled:all"`, `"bundled:test"`, list of uint8 arrays, or `Photos`.
        suite: name, TOML file or `Suite`.
        output: folder for the results.
        command: how to make the numbers again; written into the files.
        limit: largest number of images to take from a folder or the bundled ones.
        report: whether to write the HTML report.
        match: see `evaluate`.
        seed: integer.
        progress: whether to show a progress bar.
        **changes: arguments of `Suite` that differ, see `evaluate`.

    Returns:
        `SuiteResult`.

    Example:

    >>> result = run_suite(networks, "photos/", "redmark-table3")  # doctest: +SKIP
    >>> result.csv.name  # doctest: +SKIP
    'redmark-table3-photos.csv'
    """
    suite = load_suite(suite).replace(**changes)
    networks = named_networks(networks)
    photos = Photos.of(images, suite.color, limit)
    rows = evaluate(networks, photos, suite, match=match, seed=seed, progress=progress)
    conditions = [
        command or f"tfwm.evaluation.run_suite, suite {suite.name}",
        f"{suite.title}; data {photos.name}, {len(photos.images)} images"
        + (f" ({photos.skipped} unreadable files skipped)" if photos.skipped else ""),
        f"watermarks {suite.watermarks} an image, {_message(suite)}, rounding {suite.rounding}, "
        f"seed {seed}" + (f", strengths tuned to {match}" if match else ""),
        versions(),
    ]
    stem = Path(output) / f"{suite.name}-{photos.name}"
    csv = write_csv(rows, f"{stem}.csv", conditions)
    html = None
    if report:
        text = build_report(rows, suite, conditions, networks, _showpiece(photos))
        html = write_whole(f"{stem}.html", text)
    return SuiteResult(rows, csv, html, headline(rows), photos.skipped)


def _message(suite):
    return f"bits {suite.bits}" if suite.bits else f"redundancy {suite.redundancy}"


def _showpiece(photos):
    """The first of the largest photos."""
    return max(photos.images, key=lambda image: image.shape[0] * image.shape[1])
