from tfwm.checks import by_name
from tfwm.evaluation.bits.report import build_report
from tfwm.evaluation.bits.run import evaluate
from tfwm.evaluation.bits.suite import load_suite
from tfwm.evaluation.bits.suite_result import origin, showpiece, write_result
from tfwm.evaluation.bits.summary import headline
from tfwm.evaluation.messages.run_suite import run_message_suite
from tfwm.evaluation.photos import Photos
from tfwm.files import versions


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
        networks: dict of name and network, or list of networks with a `name`; for a suite
            of messages, `tfwm.Watermarker`s or markers as well, see `evaluate_messages`.
        images: folder, `"bundled:all"`, `"bundled:test"`, list of uint8 arrays, or `Photos`.
        suite: name, TOML file or `Suite`.
        output: folder for the results.
        command: how to make the numbers again; written into the files.
        limit: largest number of images to take from a folder or the bundled ones.
        report: whether to write the HTML report.
        match: see `evaluate`; for a suite of messages `"psnr=DB"` alone.
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
    suite = load_suite(suite)
    if suite.payload_bits is not None:
        return run_message_suite(
            networks, images, suite, output, command, limit, report, match, seed, progress,
            **changes,
        )  # fmt: skip
    suite = suite.replace(**changes)
    networks = by_name(networks, "network")
    photos = Photos.of(images, suite.color, limit)
    rows = evaluate(networks, photos, suite, match=match, seed=seed, progress=progress)
    conditions = [
        *origin(suite, photos, command),
        f"watermarks {suite.watermarks} an image, {_message(suite)}, rounding {suite.rounding}, "
        f"seed {seed}{_crop(suite)}{_tuned(suite, match)}",
        versions(),
    ]

    def build():
        return build_report(rows, suite, conditions, networks, showpiece(photos))

    line, build = headline(rows), build if report else None
    return write_result(rows, suite, photos, output, conditions, line, build)


def _crop(suite):
    if suite.size is None:
        return ""
    if suite.size == "network":
        return ", photos squeezed to the network's size"
    if suite.size == "photo":
        return ", photos at their own size"
    return f", {suite.crop} crops of {suite.size[1]} x {suite.size[0]} pixels"


def _tuned(suite, match):
    if match is None and suite.match is None:
        return ""
    also = "also " if match is None and suite.strengths else ""
    return f", strengths {also}tuned to {match or suite.match}"


def _message(suite):
    return f"bits {suite.bits}" if suite.bits else f"redundancy {suite.redundancy}"
