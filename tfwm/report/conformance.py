"""The conformance report: how well marks are read, and how rarely by mistake, as a document.

For those who must show how they tested a watermark, as Commitment 4 of the EU's Code of Practice on
marking and labelling of AI-generated content (June 2026) asks: `docs/code-of-practice.md`.
"""

import dataclasses
import datetime
import hashlib
import json
import math
import platform
from pathlib import Path

from tfwm import pages
from tfwm.checks import check_number
from tfwm.evaluation import Photos, run_suite
from tfwm.evaluation.messages.false_positives import KINDS, false_positives, summary
from tfwm.evaluation.messages.run import CLEAN, MEAN, MEAN_OF_ALL, UNMARKED
from tfwm.evaluation.suites.loading import load_suite
from tfwm.files import check_writable, finite, sha256, versions, write_whole
from tfwm.networks.manifest import MANIFEST
from tfwm.statistics import wilson_interval
from tfwm.watermarker import Watermarker

SUITE = "everyday"
READINGS = 10_000
# One whole search takes about as long as a hundred readings in place.
READINGS_A_SEARCH = 100
# Share of the time that the suite takes.
SUITE_SHARE = 0.7
FAMILIES = {
    "Saved again (JPEG, WebP, AVIF, palettes)": "jpeg double_jpeg webp avif palette posterise",
    "Resized, screenshots": "scale screenshot",
    "Cropped": "crop strip",
    "Rotated, mirrored": "rotation rotation_cropped mirror quarter_turn",
    "Brightness, contrast, color, gray": "brightness contrast saturation hue gamma gray vignette",
    "Blurred, sharpened": "gaussian_blur sharpening median_filter",
    "Noise": "gaussian_noise salt_and_pepper",
    "Covered in part (boxes, captions, logos)": "cropping letterbox text_overlay stamp "
    "logo_overlay",
    "Posted, sent, forwarded": "social_post messenger forwarded post_screenshot story phone_edit "
    "link_preview profile_picture",
}
OTHER = "Other edits"


@dataclasses.dataclass
class ConformanceReport:
    """What a test of conformance wrote.

    Args:
        content: all that the document says, plain values.
        html: path of the document.
        json: path of the same for programs.
        csv: path of the suite's table.
        line: one sentence that says what came out.
        false_alarms: readings without a mark, or with a wrong key, that were called present.
    """

    content: dict
    html: Path
    json: Path
    csv: Path
    line: str
    false_alarms: int


def write_conformance(
    network,
    images,
    suite=SUITE,
    output="results",
    *,
    name=None,
    readings=READINGS,
    command=None,
    limit=None,
    size=None,
    seed=0,
    progress=None,
    **options,
) -> ConformanceReport:
    """Measures a network and writes `<output>/conformance-<network>-<dataset>.html` and `.json`.

    Two measurements with fixed seeds: a suite of messages, in which photos are marked, edited and
    read; and readings that should find nothing: of unmarked photos and with wrong keys.

    Args:
        network: `tfwm.networks.Network` that carries messages, or a `tfwm.Watermarker`.
        images: photos like those that will be marked, see `tfwm.evaluation.run_suite`, also for
            `limit` and `size`.
        suite: name or TOML file of a suite of messages.
        output: folder for the results.
        name: of the network in the document; its own by default.
        readings: number of unmarked pieces, and of wrong keys; a hundredth of them through the
            whole search as well.
        command: how to make the document again; it stands in it.
        seed: integer; the same seed gives the same figures.
        progress: called with the share done (0 to 1) and a few words.
        **options: see `tfwm.evaluation.run_suite`: `only`, `match` and others.

    Returns:
        `ConformanceReport`.

    Raises:
        ValueError: one line: it is not a suite of messages, or a network that carries none.
    """
    suite = load_suite(suite)
    if suite.kind != "messages":
        raise ValueError(
            "Expected a suite of whole messages for a conformance report, such as everyday. "
            f"Received: {suite.name}, a suite of {suite.kind}"
        )
    readings = check_number("readings", readings, 1, 10**7, "1 to 10,000,000 readings", kind=int)
    check_writable(Path(output) / "result")
    watermarker = network if isinstance(network, Watermarker) else Watermarker(network)
    name = name or watermarker.network.name
    photos = Photos.of(images, suite.color, limit)
    photos = photos if size is None else photos.resized(*size)
    tell = progress or (lambda share, text: None)
    parts = {"report": False, "seed": seed, "command": command, **options}
    parts["progress"] = lambda share, text: tell(SUITE_SHARE * share, text)
    result = run_suite({name: watermarker}, photos, suite, output, **parts)
    counts = {"crops": readings, "keys": readings, "search": -(-readings // READINGS_A_SEARCH)}
    found = false_positives(
        watermarker,
        photos.images,
        **counts,
        seed=seed,
        progress=lambda share, text: tell(SUITE_SHARE + (1 - SUITE_SHARE) * share, text),
    )
    alarms = [summary(kind, values) for kind, values in found.items()]
    test = _about(watermarker.network, name, suite, photos, seed, command)
    content = finite({"test": test, **_figures(result.rows), "false_positives": alarms})
    return _write(content, result.csv, f"{output}/conformance-{name}-{photos.name}")


def _write(content, csv, stem):
    """Writes both forms of the document."""
    rows = content["false_positives"]
    wrong = sum(row["present"] for row in rows)
    total = sum(row["readings"] for row in rows)
    mean, intact = content["mean"], content["intact"]
    line = (
        f"{content['test']['network']}: {_share(intact['exact'])} of messages read from marked "
        f"photos, {_share(mean['exact'])} after {mean['edits']} edits; {wrong} of {total} readings "
        "without the mark called present"
    )
    html = pages.render("conformance.html", **content, kinds=KINDS, line=line)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    paths = write_whole(f"{stem}.html", html), write_whole(f"{stem}.json", text)
    return ConformanceReport(content, *paths, csv, line, wrong)


def _about(network, name, suite, photos, seed, command):
    """What was tested, of what, with what."""
    pixels = hashlib.sha256()
    for image in photos.images:
        pixels.update(repr(image.shape).encode() + image.tobytes())
    sides = sorted((image.shape[:2] for image in photos.images), key=math.prod)
    manifest = Path(getattr(network, "path", "")) / MANIFEST
    return {
        "network": name,
        "network_manifest_sha256": sha256(manifest) if manifest.is_file() else None,
        "versions": versions(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "suite": suite.name,
        "suite_title": suite.title,
        "payload_bits": suite.payload_bits,
        "false_positive_rate": suite.false_positive_rate,
        "seed": seed,
        "data": photos.name,
        "images": len(photos.images),
        "skipped": photos.skipped,
        "smallest": f"{sides[0][1]} x {sides[0][0]}",
        "largest": f"{sides[-1][1]} x {sides[-1][0]}",
        "pixels_sha256": pixels.hexdigest(),
        "left_out": suite.left_out(),
        "command": command or "tfwm.report.write_conformance",
    }


def _figures(rows):
    """The suite's rows as the document shows them."""
    by_name = {row["attack"]: row for row in rows}
    special = (CLEAN, UNMARKED, MEAN, MEAN_OF_ALL)
    edits = [row for row in rows if row["attack"] not in special]
    mean = dict(by_name.get(MEAN, by_name[CLEAN]))
    # Photos that all read alike would have an interval without a width.
    mean["exact_low"], mean["exact_high"] = wilson_interval(mean["exact"], mean["images"])
    families = {family: [] for family in (*FAMILIES, OTHER)}
    for row in edits:
        families[_family(row["attack"])].append(row)
    return {
        "intact": _line(by_name[CLEAN]),
        "unmarked": _line(by_name[UNMARKED]),
        "mean": {**_line(mean), "edits": sum(row["counted"] for row in edits)},
        "families": [
            {
                "family": family,
                "copies": sum(row["images"] for row in found),
                "exact": sum(row["exact"] * row["images"] for row in found)
                / sum(row["images"] for row in found),
                "edits": [_line(row) for row in found],
            }
            for family, found in families.items()
            if found
        ],
        "psnr": by_name[CLEAN]["psnr"],
        "ssim": by_name[CLEAN]["ssim"],
        "unmarkable": by_name[CLEAN]["unmarkable"],
    }


def _family(attack):
    return next((family for family, names in FAMILIES.items() if attack in names.split()), OTHER)


def _line(row):
    keys = "exact exact_low exact_high detected detected_low detected_high images counted".split()
    label = f"{row['label']} {row['shown']}".strip()
    return {"label": label, "attack": row["attack"], "level": row["level"]} | {
        key: row[key] for key in keys
    }


def _share(value):
    return f"{100 * value:.1f} %"
