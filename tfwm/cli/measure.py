"""Commands that measure networks: evaluate, figures."""

import sys

from tfwm.cli.load import named_networks
from tfwm.cli.options import NETWORK_HELP, add_command, add_images, add_json
from tfwm.cli.output import print_json
from tfwm.startup import import_tensorflow

FIGURES = {
    "redmark-fig6": "PSNR and SSIM against strength",
    "redmark-fig7": "marked photo and its difference, enlarged",
    "redmark-fig8": "nine attacks on one photo",
    "redmark-fig9": "how a bit at a patch's corner spreads",
    "redmark-fig10": "where a bit's energy lies",
    "mbrs-table3": "bit error rate against PSNR, for JPEG of five qualities",
    "mbrs-fig4": "cover, marked photo and residual",
    "mbrs-fig6": "where a single bit lies",
    "stegastamp-fig1": "bit accuracy against brightness, contrast and saturation",
    "stegastamp-fig2": "bit accuracies after changes of style",
    "stegastamp-fig3": "bit accuracy against widths of cropping and of a frame",
}
MATCHED = ("stegastamp-fig1", "stegastamp-fig2", "stegastamp-fig3")
TRAINING_FIGURES = {
    "stegastamp-fig4": "accuracy and cross-entropy over the steps, by normalisation",
    "stegastamp-fig5": "gradients over the steps, by normalisation",
    "stegastamp-fig6": "ratios of the losses' weights over the steps",
}
BARRIER_FIGURES = {
    "barrier-fig4": "image, marked image, residual and the watermark that is read, of barriers",
    "barrier-fig5": "what is read from unmarked images, with the clean loss and without",
    "barrier-fig6": "what is read from a surrogate's output, with the consistency loss and without",
}
ALL_FIGURES = FIGURES | TRAINING_FIGURES | BARRIER_FIGURES


def add_evaluate(subparsers):
    parser = add_command(
        subparsers,
        "evaluate",
        run_evaluate,
        "measures networks side by side: marks photos, damages them, reads them",
        "A suite is a paper's table as data. Writes <output>/<suite>-<folder>.csv, in which ber "
        "is the fraction of wrong bits and psnr is in dB, and a report with pictures beside it. "
        "All networks get the same photos, messages and noise.",
        [
            "tfwm evaluate redmark-mt --images photos/",
            "tfwm evaluate redmark-mt official=official-mt --suite redmark-table3 --limit 20",
            "tfwm evaluate redmark-mt redmark-jt --suite redmark-table5 --match ssim=0.98",
        ],
    )
    parser.add_argument(
        "networks", nargs="+", metavar="NETWORK", help=f"{NETWORK_HELP}; NAME=FOLDER renames it"
    )
    parser.add_argument(
        "--suite",
        default="redmark",
        metavar="NAME",
        help="redmark (its Tables 2 and 3, the default), redmark-table2 ... redmark-table5, "
        "mbrs (JPEG), mbrs-table1 ... mbrs-table6, stegastamp (tones, styles, crops, prints; "
        "stegastamp-fig1 ... stegastamp-fig3, stegastamp-print), everyday (whole messages "
        "through everyday edits), or a TOML file",
    )
    add_images(parser)
    parser.add_argument(
        "--output", default="results", metavar="FOLDER", help="where to write; results by default"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N photos")
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
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="0 by default; the same seed, the same rows",
    )
    parser.add_argument("--no-report", action="store_true", help="write the CSV only")
    add_json(parser)


def add_match(parser, note=""):
    parser.add_argument(
        "--match",
        metavar="METRIC=VALUE",
        help="tune each network's strength to psnr=DB, ssim=0..1, or to what another network "
        f"has: psnr=NETWORK{note}",
    )


def run_evaluate(options):
    import_tensorflow()
    from tfwm.evaluation import run_suite

    networks = named_networks(options.networks)
    result = run_suite(
        networks,
        options.images,
        options.suite,
        output=options.output,
        command=options.command,
        limit=options.limit,
        report=not options.no_report,
        match=options.match,
        seed=options.seed,
        progress=sys.stderr.isatty(),
        strengths=options.strengths,
        watermarks=options.watermarks,
        placements=options.placements,
    )
    if options.json:
        print_json(
            {
                "csv": str(result.csv),
                "html": result.html and str(result.html),
                "skipped": result.skipped,
                "summary": result.line,
                "rows": result.rows,
            }
        )
    else:
        print(result.line)
        print("\n".join(str(path) for path in (result.csv, result.html) if path))


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
    parser.add_argument(
        "figure",
        choices=ALL_FIGURES,
        metavar="FIGURE",
        help="; ".join(f"{name}: {what}" for name, what in ALL_FIGURES.items()),
    )
    parser.add_argument(
        "networks",
        nargs="+",
        metavar="NETWORK",
        help=f"{NETWORK_HELP}; NAME=FOLDER renames it. For {', '.join(TRAINING_FIGURES)}: the "
        "folder of a training run, which tells steps, seed and settings. For barrier-fig4: a "
        "barrier's name or folder; for barrier-fig5 and 6, folders of runs of tfwm.recipes.barrier",
    )
    add_images(parser)
    add_match(parser, f"; for {', '.join(MATCHED)}")
    parser.add_argument(
        "--output",
        default="results",
        metavar="PATH",
        help="folder, or file that ends in .png, .svg or .pdf; results by default",
    )


def run_figures(options):
    import_tensorflow()
    from tfwm.evaluation.figures.barrier import BARRIER_FIGURES
    from tfwm.evaluation.figures.redmark import FIGURES
    from tfwm.evaluation.figures.training import TRAINING_FIGURES

    if options.match is not None and options.figure not in MATCHED:
        raise ValueError(
            f"Expected --match with {', '.join(MATCHED)} only. Received: {options.figure}"
        )
    if options.figure in TRAINING_FIGURES:
        print(TRAINING_FIGURES[options.figure](options.networks, options.output))
        return
    if options.figure in BARRIER_FIGURES:
        print(BARRIER_FIGURES[options.figure](options.networks, options.images, options.output))
        return
    networks = named_networks(options.networks)
    match = {"match": options.match} if options.match is not None else {}
    print(FIGURES[options.figure](networks, options.images, options.output, **match))
