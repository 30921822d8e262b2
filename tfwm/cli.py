"""The command `tfwm`: arguments in, one function call out."""

import argparse
import importlib
import json
import sys
import textwrap
from pathlib import Path

from tfwm.startup import import_tensorflow
from tfwm.version import __version__

DEFAULT_NETWORK = "redmark-mt"
RECIPES = ("redmark",)
NETWORK_HELP = "a network's name (tfwm list) or the folder of an exported one"


def main(arguments=None):
    """Runs one command; returns the exit code: 0 done, 1 not found or not right, 2 error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"tfwm: error: {text}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tfwm: error: interrupted", file=sys.stderr)
        return 130


# Commands


def _list(options):
    import_tensorflow()
    from tfwm.export import list_networks

    networks = list_networks()
    if options.json:
        _print_json(list(networks.values()))
        return
    if not networks:
        print("No networks come with this installation.")
    for name, card in networks.items():
        text = textwrap.fill(card["description"], 96, subsequent_indent=" " * 4)
        print(f"{name}\n    {text}\n    strength {card['strength']['default']:g} by default")


def _train(options):
    import_tensorflow()
    return importlib.import_module(f"tfwm.recipes.{options.system}").main(options.arguments)


def _embed(options):
    from tfwm.images import check_output, read_photo, write_photo

    check_output(options.output, options.quality, options.overwrite)
    cover = read_photo(options.photo)
    _print_notes(cover)
    watermarker = _load(options.network)
    marked = watermarker.embed(cover, options.message, bits=options.bits, strength=options.strength)
    path = write_photo(marked, options.output, options.quality, options.overwrite)
    found = watermarker.extract(path, len(options.bits) if options.bits else None)
    wanted = options.bits or options.message
    values = found.to_dict()
    readable = values["bits" if options.bits else "message"] == wanted
    if options.json:
        _print_json(
            {
                "output": str(path),
                "network": options.network,
                "strength": options.strength,
                "readable": readable,
                "confidence": values["confidence"],
                "copies": values["copies"],
            }
        )
    if not readable:
        print(
            f"tfwm: warning: {path} was written, but its mark does not read back: raise "
            "--strength, shorten the message, or save as PNG",
            file=sys.stderr,
        )
    return 0 if readable else 1


def _extract(options):
    from tfwm.images import read_photo

    photo = read_photo(options.photo)
    found = _load(options.network).extract(photo, options.bits_length)
    values = found.to_dict()
    if options.json:
        _print_json({"photo": options.photo, "network": options.network, **values})
    elif found.message is not None:
        print(_printable(found.message))
    elif found.bits is not None:
        print(values["bits"])
    else:
        print(f"tfwm: no message in {options.photo}: no checksum fits", file=sys.stderr)
    return 1 if found.checksum_ok is False else 0


def _verify(options):
    import_tensorflow()
    from tfwm.export import list_networks, verify

    names = options.networks or list(list_networks())
    if not names:
        raise ValueError("No networks come with this installation: name the folder of one.")
    reports = [verify(name) for name in names]
    if options.json:
        _print_json([report.to_dict() for report in reports])
    else:
        print("\n".join(line for report in reports for line in report.lines()))
    return 0 if all(report.passed for report in reports) else 1


def _convert(options):
    _check_new(options.output, options.overwrite)
    import_tensorflow()
    from tfwm.export import convert_redmark

    report = convert_redmark(options.weights, options.output, options.golden)
    if options.json:
        _print_json(report)
        return
    print(f"{report['path']} is written")
    for row in report.get("differences", ()):
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))


def _export(options):
    _check_new(options.output, options.overwrite)
    import_tensorflow()
    from tfwm.export import export_saved_model, package_network, read_card
    from tfwm.export.read_keras import read_keras_models

    models = read_keras_models(options.source)
    if (Path(options.source) / "card.json").is_file():
        path = package_network(*models, options.output, read_card(options.source))
    else:
        path = export_saved_model(*models, options.output)
    print(f"{path} is written")


def _load(name):
    import_tensorflow()
    from tfwm.watermarker import load

    return load(name)


def _check_new(folder, overwrite):
    if Path(folder).exists() and not overwrite:
        raise ValueError(f"{folder} exists: choose another name, or add --overwrite.")


def _printable(text):
    """The text without control characters: a stranger's photo must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _print_json(values):
    print(json.dumps(values, indent=2, ensure_ascii=False))


def _print_notes(photo):
    for note in photo.notes:
        print(f"tfwm: note: {photo.name}: {note}", file=sys.stderr)


# Arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"tfwm: error: {message} (help: {self.prog} --help)\n")


def _parser():
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
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        _add_list,
        _add_embed,
        _add_extract,
        _add_train,
        _add_export,
        _add_verify,
        _add_convert,
    ):
        add(commands)
    return parser


def _add(commands, name, run, summary, details="", examples=()):
    parser = commands.add_parser(
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


def _add_network(parser):
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        default=DEFAULT_NETWORK,
        help=f"{NETWORK_HELP}; {DEFAULT_NETWORK} by default",
    )


def _add_list(commands):
    parser = _add(
        commands,
        "list",
        _list,
        "lists the networks that come with tfwm",
        examples=["tfwm list", "tfwm list --json"],
    )
    _add_json(parser)


def _add_embed(commands):
    parser = _add(
        commands,
        "embed",
        _embed,
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


def _add_extract(commands):
    parser = _add(
        commands,
        "extract",
        _extract,
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


def _add_train(commands):
    parser = _add(
        commands,
        "train",
        _train,
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


def _add_export(commands):
    parser = _add(
        commands,
        "export",
        _export,
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


def _add_verify(commands):
    parser = _add(
        commands,
        "verify",
        _verify,
        "checks networks: checksums, and stored outputs through Keras, SavedModel and TFLite",
        "The exit code is 1 if a check fails.",
        ["tfwm verify", "tfwm verify redmark-mt runs/mt/network --json"],
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{NETWORK_HELP}; all")
    _add_json(parser)


def _add_convert(commands):
    parser = _add(
        commands,
        "convert",
        _convert,
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
