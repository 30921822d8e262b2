"""Commands that measure networks: evaluate, figures."""

from tfwm.cli.options import (
    NETWORK_HELP,
    add_command,
    add_images,
    add_json,
    add_trust,
    named_networks,
    number,
)
from tfwm.cli.output import print_json, show_progress
from tfwm.console import in_one_line, say
from tfwm.evaluation.figures import FIGURES
from tfwm.files import check_writable
from tfwm.startup import import_tensorflow

# Options of `evaluate` that `run_suite` takes under the same names.
PASSED = ("output", "command", "limit", "size", "only", "match", "seed")
PASSED += ("strengths", "watermarks", "placements")
MATCHED = ", ".join(name for name, figure in FIGURES.items() if figure.matched)


def add_evaluate(subparsers):
    parser = add_command(
        subparsers,
        "evaluate",
        run_evaluate,
        "measures networks side by side: marks photos, distorts them, reads them",
        "A suite is a paper's table as data. Writes <output>/<suite>-<folder>.csv, in which ber "
        "is the fraction of wrong bits and psnr is in dB, and a report with pictures beside it. "
        "All networks get the same photos, messages and noise.",
        [
            "tfwm evaluate redmark-mt --images photos/",
            "tfwm evaluate redmark-mt official=official-mt --suite redmark-table3 --limit 20",
            "tfwm evaluate redmark-mt redmark-jt --suite redmark-table5 --match ssim=0.98",
            "tfwm evaluate photo --report conformance --images photos/",
        ],
    )
    parser.add_argument(
        "networks", nargs="+", metavar="NETWORK", help=f"{NETWORK_HELP}; NAME=FOLDER renames it"
    )
    parser.add_argument(
        "--suite",
        metavar="NAME",
        help="redmark (its Tables 2 and 3, the default), redmark-table2 ... redmark-table5, "
        "mbrs (JPEG), mbrs-table1 ... mbrs-table6, stegastamp (tones, styles, crops, prints; "
        "stegastamp-fig1 ... stegastamp-fig3, stegastamp-print), everyday (whole messages "
        "through everyday distortions; the default of --report conformance), hard (stretched, "
        "turned by 30 degrees, warped, small parts), or a TOML file",
    )
    add_images(parser)
    _add_suite_options(parser)
    seed_help = "0 by default; the same seed, the same rows"
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=seed_help)
    parser.add_argument(
        "--output", default="results", metavar="FOLDER", help="where to write; results by default"
    )
    parser.add_argument(
        "--report",
        choices=("page", "conformance", "none"),
        default="page",
        help="page (the default): pictures and tables beside the CSV; conformance: of one network, "
        "robustness and false positives as the document that the EU's Code of Practice on AI-"
        "generated content asks for, by a suite of messages; none: the CSV only",
    )
    parser.add_argument(
        "--readings",
        type=number(1, 10**7, "1 to 10,000,000 readings", int),
        metavar="N",
        help="with --report conformance: unmarked pieces of photos, and wrong keys, 10,000 each by "
        "default; a hundredth of them through the whole search as well",
    )
    add_trust(parser)
    add_json(parser)


def _add_suite_options(parser):
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N photos")
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("LONG", "SHORT"),
        help="sides in pixels that photos are resized to first; their own by default",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="measure these distortions of the suite alone"
    )
    parser.add_argument(
        "--strengths",
        nargs="+",
        type=float,
        metavar="FACTOR",
        help="strength factors, instead of the suite's",
    )
    add_match(parser)
    parser.add_argument(
        "--placements",
        nargs="+",
        metavar="NAME",
        help="where a bit's copies lie: paper (on a diagonal) or spread (far apart)",
    )
    parser.add_argument(
        "--watermarks", type=int, metavar="N", help="random messages for each photo"
    )


def add_match(parser, note=""):
    parser.add_argument(
        "--match",
        metavar="METRIC=VALUE",
        help="tune each network's strength to psnr=DB, ssim=0..1, or to what another network "
        f"has: psnr=NETWORK{note}",
    )


def run_evaluate(options):
    _check_kinds(options.networks)
    networks = named_networks(options.networks, options.trust)
    if options.report == "conformance":
        return _run_conformance(options, networks)
    if options.readings is not None:
        raise ValueError("Expected --readings with --report conformance only.")
    from tfwm.evaluation import run_suite

    with show_progress() as progress:
        result = run_suite(
            networks,
            options.images,
            options.suite or "redmark",
            report=options.report == "page",
            progress=progress,
            **{name: getattr(options, name) for name in PASSED},
        )
    if options.json:
        files = {"csv": str(result.csv), "html": result.html and str(result.html)}
        numbers = {"skipped": result.skipped, "summary": result.line, "rows": result.rows}
        print_json({**files, **numbers})
    else:
        say(result.line)
        say("\n".join(in_one_line(path) for path in (result.csv, result.html) if path))


def _run_conformance(options, networks):
    """Returns 1 if a reading without the mark was called present, else 0."""
    if len(networks) != 1:
        raise ValueError(
            "Expected one network with --report conformance: a report is about one. "
            f"Received: {', '.join(networks)}"
        )
    from tfwm.report.conformance import READINGS, SUITE, write_conformance

    ((name, network),) = networks.items()
    with show_progress() as progress:
        result = write_conformance(
            network,
            options.images,
            options.suite or SUITE,
            name=name,
            readings=options.readings or READINGS,
            progress=progress,
            **{key: getattr(options, key) for key in PASSED},
        )
    files = {"csv": str(result.csv), "html": str(result.html), "json": str(result.json)}
    if options.json:
        print_json({**files, "summary": result.line, **result.content})
    else:
        say(result.line)
        say("\n".join(in_one_line(path) for path in (result.html, result.json, result.csv)))
    return int(result.false_alarms > 0)


def _check_kinds(words):
    """Raises `ValueError` if a network's card says that suites do not measure it."""
    from tfwm.evaluation.suite import check_kind
    from tfwm.networks import network_directory, read_card

    for word in words:
        folder = network_directory(word.rpartition("=")[2])
        if (folder / "card.json").is_file():
            check_kind(folder.name, read_card(folder))


def add_figures(subparsers):
    parser = add_command(
        subparsers,
        "figures",
        run_figures,
        "draws a figure of a paper for any networks and photos, or for any training runs",
        "",
        [
            "tfwm figures redmark-fig6 redmark-mt redmark-gt --images photos/",
            "tfwm figures redmark-fig10 redmark-mt --output spectrum.svg",
            "tfwm figures stegastamp-fig4 runs/instance-0 runs/instance-1 runs/none-0",
            "tfwm figures barrier-fig5 runs/barrier-derain runs/barrier-fig5-no-clean",
        ],
    )
    runs = ", ".join(name for name, figure in FIGURES.items() if figure.takes == "runs")
    parser.add_argument(
        "figure",
        choices=FIGURES,
        metavar="FIGURE",
        help="; ".join(f"{name}: {figure.what}" for name, figure in FIGURES.items()),
    )
    parser.add_argument(
        "networks",
        nargs="+",
        metavar="NETWORK",
        help=f"{NETWORK_HELP}; NAME=FOLDER renames it. For {runs}: the folder of a training run, "
        "which tells steps, seed and settings. For barrier-fig4: a barrier's name or folder; for "
        "barrier-fig5 and 6, folders of runs of tfwm.recipes.barrier",
    )
    add_images(parser)
    add_match(parser, f"; for {MATCHED}")
    parser.add_argument(
        "--output",
        default="results",
        metavar="PATH",
        help="folder, or file that ends in .png, .svg or .pdf; results by default",
    )
    add_trust(parser)


def run_figures(options):
    figure = FIGURES[options.figure]
    if options.match is not None and not figure.matched:
        raise ValueError(f"Expected --match with {MATCHED} only. Received: {options.figure}")
    is_network = figure.takes == "networks"
    check_writable(options.output)
    if is_network:
        things = named_networks(options.networks, options.trust)
    else:
        import_tensorflow()
        things = options.networks
    say(in_one_line(figure(things, options.images, options.output, options.match)))
