"""The arguments of each command, and its help."""

import argparse
import textwrap

from tfwm.cli import commands
from tfwm.version import __version__

DEFAULT_NETWORK = "redmark-mt"
RECIPES = ("redmark",)
FIGURES = {
    "redmark-fig6": "PSNR and SSIM against strength",
    "redmark-fig7": "marked photo and its difference, enlarged",
    "redmark-fig8": "nine attacks on one photo",
    "redmark-fig9": "how a bit at a patch's corner spreads",
    "redmark-fig10": "where a bit's energy lies",
}
NETWORK_HELP = "a network's name (tfwm list) or the folder of an exported one"


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"tfwm: error: {message} (help: {self.prog} --help)\n")


def make_parser():
    parser = _Parser(
        prog="tfwm",
        description="Hides messages in photos with trained networks, and reads them back.",
        epilog=_examples(
            "tfwm embed photo.jpg -o marked.png --message '(c) 2026 Ada Lovelace'",
            "tfwm extract marked.png",
            "tfwm train redmark output=runs/first",
            "tfwm COMMAND --help",
        )
        + "\n\nexit codes: 0 done, 1 no message or a check failed, 2 error",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tfwm {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        _add_list,
        _add_embed,
        _add_extract,
        _add_train,
        _add_evaluate,
        _add_figures,
        _add_export,
        _add_verify,
        _add_convert,
    ):
        add(subparsers)
    return parser


def _add(subparsers, name, run, summary, details="", examples=()):
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {details}".strip(), 90),
        epilog=_examples(*examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _examples(*lines):
    return "examples:\n" + "\n".join(f"  {line}" for line in lines)


def _add_json(parser):
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_images(parser):
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        default="bundled:test",
        help="photos; bundled:test by default, which are tfwm's sample photos, bundled:all of them",
    )


def _add_network(parser):
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        default=DEFAULT_NETWORK,
        help=f"{NETWORK_HELP}; {DEFAULT_NETWORK} by default",
    )


def _add_list(subparsers):
    parser = _add(
        subparsers,
        "list",
        commands.run_list,
        "lists the networks that come with tfwm",
        examples=["tfwm list", "tfwm list --json"],
    )
    _add_json(parser)


def _add_embed(subparsers):
    parser = _add(
        subparsers,
        "embed",
        commands.run_embed,
        "writes a message or bits into a photo",
        "The luminance is marked; a border of less than 32 pixels at the right and the bottom, "
        "the colours and the transparency stay as they are. EXIF, colour profile and other "
        "metadata are kept; the EXIF orientation is applied. The written file is read back, "
        "and the exit code is 1 if that fails.",
        [
            "tfwm embed photo.jpg -o marked.png --message '(c) 2026 Ada Lovelace'",
            "tfwm embed photo.jpg -o marked.jpg --bits 01101001 --strength 0.8 --quality 90",
        ],
    )
    parser.add_argument("photo", help="JPEG, PNG, WebP, TIFF, ... of at least 32 x 32 pixels")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="file to write: .png .webp .tif (lossless) or .jpg",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--message",
        metavar="TEXT",
        help="text of up to 255 bytes (UTF-8), as many as fit the photo: a byte takes about "
        "2000 pixels. A checksum goes along",
    )
    what.add_argument(
        "--bits",
        metavar="0110...",
        help="bits instead of text, one for each 64 pixels at most; whoever reads them has to "
        "know how many they are",
    )
    _add_network(parser)
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="factor on the mark, 1 by default: 0.5 is 6 dB fainter, 2 is 6 dB stronger",
    )
    parser.add_argument(
        "--quality",
        type=int,
        metavar="1..100",
        help="JPEG quality, 95 by default; always 4:4:4",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    _add_json(parser)


def _add_extract(subparsers):
    parser = _add(
        subparsers,
        "extract",
        commands.run_extract,
        "reads the message, or bits, from a photo",
        "The photo must have the size and place it had when it was marked: neither scaled nor "
        "cut. The exit code is 1 if no checksum fits, so no message was found. With --json, "
        "bit_confidence gives for each bit the mean logit of its copies, 0 (a guess) to 16.",
        ["tfwm extract marked.png", "tfwm extract marked.jpg --bits-length 8 --json"],
    )
    parser.add_argument("photo", help="the photo to read, as embed wrote it or a saved copy")
    parser.add_argument(
        "--bits-length",
        type=int,
        metavar="N",
        help="read N bits that were written by --bits; they have no checksum, so an unmarked "
        "photo gives bits as well",
    )
    _add_network(parser)
    _add_json(parser)


def _add_train(subparsers):
    parser = _add(
        subparsers,
        "train",
        commands.run_train,
        "trains a network by a recipe",
        "The settings are those of the recipe's TOML file; key=value changes one. A killed run "
        "goes on with --resume. `tfwm train redmark --help` lists the settings.",
        [
            "tfwm train redmark output=runs/first",
            "tfwm train redmark --config mt.toml output=runs/mt steps=100000",
            "tfwm train redmark --config mt.toml output=runs/mt --resume",
        ],
    )
    parser.add_argument("system", choices=RECIPES, help="what to train")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="--config FILE, --resume, key=value: handed to the recipe",
    )


def _add_evaluate(subparsers):
    parser = _add(
        subparsers,
        "evaluate",
        commands.run_evaluate,
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
        help="redmark (its Tables 2 and 3, the default), redmark-table2 ... redmark-table5, or a "
        "TOML file",
    )
    _add_images(parser)
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
    parser.add_argument(
        "--match",
        metavar="METRIC=VALUE",
        help="tune each network's strength to psnr=DB, ssim=0..1, or to what another network "
        "has: psnr=NETWORK",
    )
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
    _add_json(parser)


def _add_figures(subparsers):
    parser = _add(
        subparsers,
        "figures",
        commands.run_figures,
        "draws a figure of a paper for any networks and photos",
        "",
        [
            "tfwm figures redmark-fig6 redmark-mt redmark-gt --images photos/",
            "tfwm figures redmark-fig10 redmark-mt --output spectrum.svg",
        ],
    )
    parser.add_argument(
        "figure",
        choices=FIGURES,
        metavar="FIGURE",
        help="; ".join(f"{name}: {what}" for name, what in FIGURES.items()),
    )
    parser.add_argument(
        "networks", nargs="+", metavar="NETWORK", help=f"{NETWORK_HELP}; NAME=FOLDER renames it"
    )
    _add_images(parser)
    parser.add_argument(
        "--output",
        default="results",
        metavar="PATH",
        help="folder, or file that ends in .png, .svg or .pdf; results by default",
    )


def _add_export(subparsers):
    parser = _add(
        subparsers,
        "export",
        commands.run_export,
        "writes a trained network as SavedModel and TFLite",
        "FOLDER holds embedder.keras and extractor.keras, as a run or an exported network does. "
        "With a card.json there, all forms, golden tensors and checksums are written; without, "
        "the SavedModel OUT/1 alone.",
        [
            "tfwm export runs/mt my-network",
            "tfwm embed photo.jpg -o a.png --bits 01 --network my-network",
        ],
    )
    parser.add_argument("source", metavar="FOLDER", help="folder of the Keras models")
    parser.add_argument("output", metavar="OUT", help="folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")


def _add_verify(subparsers):
    parser = _add(
        subparsers,
        "verify",
        commands.run_verify,
        "checks networks: checksums, and stored outputs through Keras, SavedModel and TFLite",
        "The exit code is 1 if a check fails.",
        ["tfwm verify", "tfwm verify redmark-mt runs/mt/network --json"],
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{NETWORK_HELP}; all")
    _add_json(parser)


def _add_convert(subparsers):
    parser = _add(
        subparsers,
        "convert",
        commands.run_convert,
        "turns weights that a paper's authors released into a SavedModel",
        "The authors of ReDMark state no licence: use the result for yourself.",
        ["tfwm convert redmark MT-Net.h5 official-mt --golden golden.npz"],
    )
    parser.add_argument("system", choices=("redmark",), help="whose weights they are")
    parser.add_argument("weights", metavar="FILE.h5", help="the released weight file")
    parser.add_argument("output", metavar="OUT", help="folder to write; OUT/1 is the SavedModel")
    parser.add_argument("--golden", metavar="FILE.npz", help="stored outputs to compare with")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    _add_json(parser)
