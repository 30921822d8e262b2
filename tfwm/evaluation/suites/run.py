"""The runner of all suites: photos in, rows and result files out."""

import dataclasses
import functools
import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from tfwm.evaluation.suite import Counter
from tfwm.evaluation.suites.loading import load_suite
from tfwm.evaluation.suites.photos import Photos
from tfwm.files import check_writable, result_head, write_csv, write_whole

STOPPED = "stopped before the end; each row tells of how many images it is"


def evaluate(
    members,
    images,
    suite="redmark",
    match=None,
    seed=0,
    workers=None,
    processes=1,
    progress=None,
    **changes,
):
    """Measures networks side by side: marks photos, distorts them, and reads them again.

    All networks get the same photos, messages and noise.

    Args:
        members: dict of name and network, or list of networks with a `name`. For a suite of
            bits, see `tfwm.evaluation.Protocol` for what a network is. For a suite of messages,
            `tfwm.evaluation.Marker`s and `tfwm.Watermarker`s as well. A function without
            arguments that makes such a thing may stand for it in a dict.
        images: folder, `"bundled:all"`, `"bundled:test"`, list of uint8 arrays, or
            `tfwm.evaluation.Photos`.
        suite: name, TOML file or `Suite`.
        match: instead of the suite's strengths, one that is tuned for each network:
            `"psnr=38"` or `"ssim=0.98"`, or what one of the networks has: `"psnr=official-mt"`.
            For a suite of messages, `"psnr=DB"` alone.
        seed: integer; the same seed gives the same rows.
        workers: number of threads; by default one for each core.
        processes: number of processes that measure different members at a time. With more than
            one, members must be functions that `pickle` can send to a process.
        progress: `None`, or called with the share done and a few words.
        **changes: arguments of the suite that differ, such as `strengths=[1.0]`,
            `watermarks=20`, `rounding="round"`, or `psnr=42`, `payload_bits=32`.

    Returns:
        List of dicts. For bits, one for each network, strength, placement, vote, distortion and
        level: `ber` is a fraction, the mean over images; `ber_se` its standard error, `ber_ci95`
        half its 95 % confidence interval; `exact` the fraction of messages without an error;
        `psnr`, `ssim` the means over marked images; `match` what the strength was tuned to;
        `paper_ber` the paper's number. For messages, see
        `tfwm.evaluation.messages.run.message_rows`.

    Example:

    >>> from tfwm.networks import load_network
    >>> rows = evaluate([load_network("redmark-mt")], "photos/")  # doctest: +SKIP
    """
    suite, match = load_suite(suite).prepared(match, changes)
    for distortion in suite.distortions:
        if distortion.missing:
            warnings.warn(f"left out {distortion.name}: {distortion.missing}", stacklevel=2)
    photos = Photos.of(images, suite.color)
    return _measured(suite, members, photos, match, seed, workers, processes, progress)


def run_suite(
    members,
    images,
    suite="redmark",
    output="results",
    command=None,
    limit=None,
    size=None,
    only=None,
    report=True,
    match=None,
    seed=0,
    workers=None,
    processes=1,
    progress=None,
    **changes,
):
    """Runs a suite and writes `<output>/<suite>-<dataset>.csv` and `.html`.

    Args:
        members, images, suite, match, seed, workers, processes, progress: see `evaluate`.
        output: folder for the results.
        command: how to make the numbers again; written into the files.
        limit: largest number of images to take from a folder or the bundled ones.
        size: `(long, short)`, sides in pixels that photos are resized to first.
        only: names of the suite's distortions to measure; by default all.
        report: if True, writes the HTML report as well.
        **changes: arguments of the suite that differ, see `evaluate`.

    Returns:
        `SuiteResult`. If the run is interrupted, the rows of the photos that are done are in
        `<suite>-<dataset>-stopped.csv`.

    Example:

    >>> result = run_suite(networks, "photos/", "redmark-table3")  # doctest: +SKIP
    >>> result.csv.name  # doctest: +SKIP
    'redmark-table3-photos.csv'
    """
    check_writable(Path(output) / "result")
    suite, match = load_suite(suite).prepared(match, changes)
    suite = suite if only is None else suite.only(only)
    photos = Photos.of(images, suite.color, limit)
    photos = photos if size is None else photos.resized(*size)
    skipped = f" ({photos.skipped} unreadable files skipped)" if photos.skipped else ""
    conditions = result_head(
        f"{photos.name}, {len(photos.images)} images{skipped}",
        *suite.conditions(match, seed),
        what=suite.title,
        command=command or f"tfwm.evaluation.run_suite, suite {suite.name}",
    )
    stem = Path(output) / f"{suite.name}-{photos.name}"
    try:
        rows = _measured(suite, members, photos, match, seed, workers, processes, progress)
    except KeyboardInterrupt as stop:
        if getattr(stop, "rows", None):
            path = write_csv(stop.rows, f"{stem}-stopped.csv", [*conditions, STOPPED])
            warnings.warn(f"{STOPPED}: {path}", stacklevel=2)
        raise
    line = "; ".join([suite.headline(rows), *suite.left_out()])
    csv, html = write_csv(rows, f"{stem}.csv", conditions), None
    if report:
        page = suite.page(rows, conditions, suite.members(_made(members)), photos, seed)
        html = write_whole(f"{stem}.html", page)
    return SuiteResult(rows, csv, html, line, photos.skipped)


@dataclasses.dataclass
class SuiteResult:
    """What a run of a suite wrote.

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


def _measured(suite, members, photos, match, seed, workers, processes, progress):
    """The rows of all members, each in a process of its own with more than one."""
    measure = functools.partial(_measure, suite, photos, match, seed, workers)
    if processes <= 1:
        return measure(members, progress)
    if not isinstance(members, dict) or not all(map(_is_maker, members.values())):
        raise ValueError(
            "Expected a dict of functions that make the networks, with more than one process. "
            f"Received: processes={processes}"
        )
    if match is not None and match.partition("=")[2] in members:
        raise ValueError(
            f"Expected one process if a strength depends on another network. Received: {match}"
        )
    counter, rows = Counter(progress, len(members)), []
    jobs = [{name: member} for name, member in members.items()]
    # TensorFlow must not be forked.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for name, part in zip(members, pool.map(measure, jobs), strict=True):
            rows += part
            counter.add(name)
    return rows


def _measure(suite, photos, match, seed, workers, members, progress=None):
    members = suite.members(_made(members))
    for member in members.values():
        getattr(getattr(member, "watermarker", member), "open", lambda: None)()
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        return suite.measure(members, photos, match, seed, pool, Counter(progress))


def _made(members):
    """Members with functions replaced by what they make."""
    if not isinstance(members, dict):
        return members
    return {name: m() if _is_maker(m) else m for name, m in members.items()}


def _is_maker(member):
    return callable(member) and not hasattr(member, "embed") and not hasattr(member, "extract")
