"""`tfwm inspect`: everything that a photo says of its origin."""

import os

from tfwm.cli.extract import SEARCHES
from tfwm.cli.options import (
    DEFAULT_NETWORK,
    NETWORK_HELP,
    add_command,
    add_false_positive_rate,
    add_jobs,
    add_json,
    add_key,
    add_public_key,
    add_runtime,
    add_service,
    add_trust,
    load_watermarker,
    photo_source,
    read_key,
    read_public_key,
)
from tfwm.cli.output import counts, print_json, show_progress
from tfwm.console import in_one_line, say, tell

WIDTH = 12
SHOWN = 100
# Conclusions at which something of the origin is known and holds.
GOOD = ("signed", "recovered", "marked", "told")
WITHOUT = "The answer is what can be told without it."
SHOWS = {
    "same": "the copy shows what was signed",
    "another": "the copy shows another picture than the signed one",
    "unclear": "whether the copy shows what was signed is unclear: it was cut or changed much, or "
    "shows too little to tell",
    None: "nothing tells whether it shows what was signed",
}


def add_inspect(subparsers):
    parser = add_command(
        subparsers,
        "inspect",
        run_inspect,
        "tells everything that a photo says of its origin, and whether it agrees",
        "Its C2PA manifest (Content Credentials), and whether signature and hash hold; the mark, "
        "with the decision and the p-value; what IPTC, XMP, EXIF and PNG text say, which nobody "
        "signed; whom a signpost says to ask; and a verdict over all of them, which names what it "
        "rests on. What was not checked is listed. No network is used, unless --store is an "
        "address. Several photos, or a folder, get a line each. Exit codes: 0 it says something "
        "of its origin, 1 it says nothing, or what it says does not hold or agree, 2 error.",
        [
            "tfwm inspect photo.jpg --key-file my.key",
            "tfwm inspect copy.jpg --key-file my.key --store manifests.db --search scale",
            "tfwm inspect photo.jpg --trust-anchors c2pa-trust-list.pem --json",
            "tfwm inspect signed.jpg --public-key ada.pub",
            "tfwm inspect photos/ --report origins.csv",
        ],
    )
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="one, several, or a folder; - is standard input"
    )
    add_key(parser, "secret key of the mark; without one, marks without a key are read")
    add_public_key(parser)
    parser.add_argument(
        "--trust-anchors",
        metavar="FILE",
        help="PEM file of the authorities whose signers you trust, such as the C2PA trust list",
    )
    _add_store(parser)
    parser.add_argument(
        "--search",
        choices=SEARCHES,
        default="none",
        help="how far to look for the mark, as with `tfwm extract`; none (the default) finds it in "
        "copies that were saved again or resized, at once",
    )
    parser.add_argument(
        "--damaged", action="store_true", help="read what is there of a file that is cut off"
    )
    add_false_positive_rate(parser, "1e-6")
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        help=f"{NETWORK_HELP} that reads the mark; by default the one that the manifest names, "
        f"else {DEFAULT_NETWORK}",
    )
    add_trust(parser)
    add_runtime(parser)
    parser.add_argument(
        "--report", metavar="FILE", help="write a table of the photos, .csv or .json"
    )
    add_jobs(parser)
    add_json(parser)


def _add_store(parser):
    parser.add_argument(
        "--store",
        metavar="STORE",
        help="a store's file, or the address of a service (https://...), that may know the "
        "manifest of a copy without metadata",
    )
    add_service(parser)
    parser.add_argument(
        "--send-picture",
        action="store_true",
        help="send the service the pictures in which no mark was read here: their pixels, as JPEG "
        "of quality 95, without metadata and name; it may read a mark with a key of its own",
    )


def run_inspect(options):
    from tfwm.provenance.client import open_store

    if not options.store and (options.follow or options.send_picture):
        raise ValueError("Expected --store with --follow and --send-picture: the service to ask.")
    if not options.network and (options.trust or options.runtime != "auto"):
        raise ValueError("Expected --network with --trust and --runtime: the network to open.")
    key = read_key(options)
    how = {
        "key": key,
        "public_keys": read_public_key(options, key),
        "store": open_store(options.store, follow=options.follow, send_picture=options.send_picture)
        if options.store
        else None,
        "trust_anchors": options.trust_anchors,
        "search": options.search,
        "false_positive_rate": options.false_positive_rate,
        "damaged": options.damaged,
    }
    if options.network:
        how["watermarker"] = load_watermarker(options)
    many = len(options.photos) > 1 or options.report or os.path.isdir(options.photos[0])
    return (_inspect_many if many else _inspect_one)(options, how)


def _inspect_one(options, how):
    from tfwm.provenance import inspect

    with show_progress() as progress:
        found = inspect(photo_source(options.photos[0]), progress=progress, **how)
    if options.json:
        print_json(found.to_dict())
    else:
        for title, line in page_of(found):
            say(f"{title:{WIDTH}}{in_one_line(line)}")
    if found.service_error:
        tell("warning", f"{found.service_error} {WITHOUT}")
    return 0 if _is_good(found.verdict.conclusion, found.manifest and found.manifest.problem) else 1


def _inspect_many(options, how):
    from tfwm.provenance import inspect_folder

    with show_progress() as progress:
        rows = inspect_folder(
            options.photos,
            report=options.report,
            progress=progress,
            workers=options.workers,
            **how,
        )
    done = [row for row in rows if row["status"] == "done"]
    for line in sorted({row["service_error"] for row in done if row["service_error"]}):
        tell("warning", f"{line} {WITHOUT}")
    good = sum(_is_good(row["conclusion"], row["problem"]) for row in done)
    failed = counts(rows)["failed"]
    if options.json:
        count = {"known": good, "others": len(done) - good, "failed": failed}
        print_json({"report": options.report, **count, "photos": rows})
    else:
        for row in done:
            cells = (row[name] for name in ("photo", "conclusion", "source_type", "line"))
            say("\t".join("" if cell is None else in_one_line(cell) for cell in cells))
    return 2 if failed else 0 if good == len(done) else 1


def _is_good(conclusion, problem):
    """Whether something of the origin is known, and no manifest in the file is broken."""
    return conclusion in GOOD and not problem


def page_of(found):
    """Yields title and line of all that an inspection found."""
    from tfwm.provenance.inspection import NO_STORE

    verdict = found.verdict
    yield "photo", found.name
    yield "verdict", f"{verdict.conclusion}: {verdict.line}"
    yield "", f"it rests on: {verdict.technique}; confidence: {verdict.confidence}"
    for line in verdict.contradictions[1:]:
        yield "", line
    yield from _manifest_lines("manifest", found.manifest)
    yield from _mark_lines(found)
    if found.recovery is not None:
        by = f"found in the store by its {found.recovery.by}: "
        yield from _manifest_lines("store", found.recovery.report, by)
        yield "", SHOWS[found.recovery.picture]
    elif found.mark is not None and not found.service_error and NO_STORE not in found.unchecked:
        yield "store", "knows no manifest of this picture"
    signpost = found.signpost
    if signpost is not None and signpost.decision == "present":
        yield "signpost", f"ask {signpost.host} ({signpost.reason})"
    if found.service is not None:
        told = found.service
        made = {True: "generated", False: "not generated", None: "whether generated is unknown"}
        yield "service", f"{told['conclusion']}: rests on {told['technique'] or 'what it keeps'}"
        yield "", f"confidence: {told['confidence'] or 'none'}; {made[told['generated']]}"
        yield "", "the service's word for the picture that it was sent; not checked here"
    title = "metadata"
    for name, text in found.fields.items():
        yield title, f"{name.replace('_', ' ')}: {text[:SHOWN]}"
        title = ""
    yield title if title else "", "none of these is signed" if found.fields else "nothing"
    for title, lines in (("notes", found.notes), ("not checked", found.unchecked)):
        for line in lines:
            yield title, line
            title = ""


def _manifest_lines(title, report, found=""):
    if report is None:
        yield title, "none"
        return
    yield title, found + _standing(report)
    for problem in report.problems[1:]:
        yield "", problem
    if report.signed_by:
        when = f" at {report.signed_at}" if report.signed_at else ", without a time stamp"
        trust = {"trusted": "trusted", "unknown": "nobody known"}.get(report.trust, report.trust)
        yield "", f"signed by {report.signed_by} ({trust}){when}"
        names = (("common name", report.common_name), ("issued by", report.issued_by))
        if told := ", ".join(f"{what} {name}" for what, name in names if name):
            yield "", f"its certificate: {told}"
    if report.label:
        yield "", f"{report.label}, written by {report.generator or 'an unknown program'}"
    if report.made_with:
        yield "", f"made with {report.made_with}"
    if report.actions or report.source_type:
        yield "", f"says: {', '.join(filter(None, (report.source_type, *report.actions)))}"
    for binding in report.soft_bindings:
        yield "", f"soft binding {binding.algorithm} {binding.value[:SHOWN]}"
    for part in report.ingredients:
        holds = "without a manifest" if part.label is None else part.problem or "its manifest held"
        says = f"; it says: {part.source_types[0]}" if part.source_types else ""
        yield "", f"{part.relationship} {part.title or 'a picture'}: {holds}{says}"


def _standing(report):
    if report.state == "unreadable":
        return report.problem
    signature = "its signature holds" if report.signature_holds else "its signature does not hold"
    hashes = {True: "the hash of the file holds", False: "the hash of the file does not hold"}
    parts = report.state, signature, hashes.get(report.hash_holds), report.problem
    return "; ".join(part for part in parts if part)


def _mark_lines(found):
    mark = found.mark
    if mark is None:
        yield "mark", "not looked for"
        return
    yield "mark", f"{mark.decision}, p-value {mark.p_value:.2g} (network {found.network})"
    yield "", mark.reason
    if mark.message is not None:
        from tfwm.payload import to_plain

        yield "", f"message ({mark.kind}): {to_plain(mark.message)}"
    if found.stamp:
        stamp = found.stamp
        yield "", f"of the generator {stamp.generator} {stamp.version}, picture {stamp.id}"
