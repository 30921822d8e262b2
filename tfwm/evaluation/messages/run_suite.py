import warnings

from tfwm.distortions import missing
from tfwm.evaluation.bits.suite_result import origin, showpiece, write_result
from tfwm.evaluation.messages.report import build_message_report
from tfwm.evaluation.messages.run import evaluate_messages, named_markers
from tfwm.evaluation.messages.table import message_headline
from tfwm.evaluation.messages.watermarker_marker import WatermarkerMarker
from tfwm.evaluation.photos import Photos
from tfwm.files import versions
from tfwm.networks.network import Network
from tfwm.watermarker import Watermarker

KEY = "tfwm evaluation"


def run_message_suite(
    markers,
    images,
    suite,
    output="results",
    command=None,
    limit=None,
    report=True,
    match=None,
    seed=0,
    progress=True,
    **changes,
):
    """Runs a suite of messages and writes `<output>/<suite>-<dataset>.csv` and `.html`.

    `run_suite` comes here with such a suite. A network or `tfwm.Watermarker` in the dict
    becomes a marker with a key.

    Args:
        markers: dict of name and network, `tfwm.Watermarker` or marker; or list of markers.
        images: see `run_suite`.
        suite: `Suite` with `payload_bits`.
        output: folder for the results.
        command: how to make the numbers again; written into the files.
        limit: largest number of images.
        report: whether to write the HTML report.
        match: `"psnr=DB"`, instead of the suite's.
        seed: integer.
        progress: whether to show a progress bar.
        **changes: arguments of `Suite` that differ, such as `payload_bits=32`.

    Returns:
        `SuiteResult`.
    """
    suite = _changed(suite, match, changes)
    markers = named_markers(_marking(markers))
    photos = Photos.of(images, color=True, limit=limit)
    left_out = [f"{a.name} left out: {r}" for a in suite.attacks if (r := missing(a.name))]
    with warnings.catch_warnings():
        # Said in the files; the report would say it again.
        warnings.filterwarnings("ignore", "left out")
        rows = evaluate_messages(markers, photos, suite, seed=seed, progress=progress)
        conditions = [
            *origin(suite, photos, command),
            f"payload {suite.payload_bits} bits, PSNR {suite.psnr:g} dB or up to 0.1 more, false-"
            f"positive rate {suite.false_positive_rate:g}, seed {seed}",
            *left_out,
            versions(),
        ]
        line = "; ".join([message_headline(rows), *left_out])

        def build():
            return build_message_report(rows, suite, conditions, markers, showpiece(photos), seed)

        build = build if report else None
        return write_result(rows, suite, photos, output, conditions, line, build)


def _marking(markers):
    """Makes networks and `Watermarker`s markers, with a key."""
    if not isinstance(markers, dict):
        return markers
    return {name: _marker(marker, name) for name, marker in markers.items()}


def _marker(marker, name):
    if isinstance(marker, Network):
        marker = Watermarker(marker)
    return WatermarkerMarker(marker, KEY, name) if hasattr(marker, "extract") else marker


def _changed(suite, match, changes):
    changes = {key: value for key, value in changes.items() if value is not None}
    for key in changes:
        if key not in ("payload_bits", "psnr", "false_positive_rate", "attacks"):
            raise ValueError(
                f"Expected no {key} for a suite of messages, in which the PSNR decides; give "
                f"match='psnr=40'. Received: {key}={changes[key]!r}"
            )
    if match is not None:
        metric, _, value = match.partition("=")
        try:
            changes["psnr"] = float(value)
        except ValueError:
            metric = None
        if metric != "psnr":
            raise ValueError(f"Expected psnr=DB for a suite of messages. Received: match={match!r}")
    return suite.replace(**changes)
