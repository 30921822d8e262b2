"""Options that several commands share, what they stand for, and the form of their help."""

import argparse
import math
import sys
import textwrap

from tfwm.startup import import_tensorflow

DEFAULT_NETWORK = "photo"
RUNTIMES = ("auto", "lite", "tensorflow")
STANDARD = "-"  # the standard input or output, in place of a path
NETWORK_HELP = "a network's name (tfwm list) or the folder of an exported one"


def add_command(subparsers, name, run, summary, details="", examples=()):
    """Adds a command with its help; returns its parser."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {details}".strip(), 90),
        epilog=example_text(*examples),
    )
    parser.set_defaults(run=run)
    return parser


def example_text(*lines):
    return "examples:\n" + "\n".join(f"  {line}" for line in lines)


def add_json(parser):
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def add_images(parser):
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        default="bundled:test",
        help="photos; bundled:test by default, which are tfwm's sample photos, bundled:all of them",
    )


def add_network(parser):
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        default=DEFAULT_NETWORK,
        help=f"{NETWORK_HELP}; {DEFAULT_NETWORK} by default",
    )
    add_trust(parser)
    add_runtime(parser)


def add_runtime(parser):
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="what runs the network: lite, LiteRT, which starts at once and opens TFLite files; "
        "tensorflow, which takes seconds to start and opens SavedModels and Keras files; auto (the "
        "default) takes lite if the network has a TFLite file in float32",
    )


def add_service(parser):
    parser.add_argument(
        "--follow",
        action="store_true",
        help="ask other hosts too, if the service sends us there: those of public addresses only",
    )


def add_server(parser):
    parser.add_argument(
        "--server",
        metavar="URL",
        help="let a server run the network, `tfwm serve` or TensorFlow Serving: grpc://HOST:PORT, "
        "http://HOST:PORT or https://HOST:PORT. The key stays here; pixels and bits go there. That "
        "a photo carries the mark is the server's word: without --server, extract reads it here",
    )
    parser.add_argument(
        "--server-token",
        metavar="FILE",
        help="file with the token that the server asks for; else that of the environment variable "
        "TFWM_TOKEN is sent, if there is one",
    )


def open_watermarker(options):
    """Returns the watermarker of `--network`, run here or by `--server`."""
    if options.server is None:
        if options.server_token is not None:
            raise ValueError("--server-token goes with --server URL.")
        return load_watermarker(options)
    from tfwm.serving import RemoteWatermarker
    from tfwm.serving.token import read_token

    token = read_token(options.server_token)
    return RemoteWatermarker(options.server, options.network, token=token)


def add_trust(parser):
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the SavedModel of a network that does not come with tfwm: a SavedModel is a "
        "program. Its TFLite and Keras files need no trust",
    )


def add_public_key(parser):
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        help="public keys as OpenSSH writes them: tells which of them signed what the photo shows "
        "(tfwm embed --sign); absent if none did, copied if it signed another picture",
    )


def read_public_key(options, key):
    """Returns what --public-key names, see `tfwm.signatures.read_keys`, or `None`."""
    if options.public_key is None:
        return None
    from tfwm.signatures import read_keys

    if key is not None:
        raise ValueError(
            "Signatures are read without a key: leave out --key, --key-file and the variable "
            "TFWM_KEY, or --public-key."
        )
    return read_keys(options.public_key)


def add_key(parser, what=None):
    """Adds the options of which `read_key` makes the key.

    Args:
        parser: of the command.
        what: what the key is for and what happens without one; by default a mark's message.
    """
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--key",
        metavar="KEY",
        help=(
            what
            or "secret key of the message: nobody can read the message or compose another one "
            "without it. But who has a marked photo and the network can detect or remove the mark, "
            "of photo-private not by the network alone. "
            "Without a key, everybody can read the message"
        )
        + ". A key on the command line is not private. Other users of this computer see it in the "
        "list of processes, and your shell keeps it: --key-file, or the environment variable "
        "TFWM_KEY, is safer",
    )
    keys.add_argument(
        "--key-file",
        metavar="FILE",
        help="take the key from FILE, such as `tfwm keygen` writes, without its last line end",
    )


def read_key(options, strong=False):
    """Returns the key that the options or the environment give, or `None`; see `find_key`."""
    from tfwm.keys import find_key

    return find_key(options.key, options.key_file, strong)


def photo_source(word):
    """Returns what to read a photo from: the path itself, or for `-` the standard input."""
    if word != STANDARD:
        return word
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("- reads a photo from the standard input: send one, as in: < photo.jpg")
    return sys.stdin.buffer


def add_strength(parser):
    parser.add_argument(
        "--strength",
        type=number(1e-9, 256, "a strength above 0, up to 256"),
        default=1.0,
        metavar="FACTOR",
        help="factor on the mark, 1 by default: 0.5 is 6 dB fainter, 2 is 6 dB stronger",
    )


def add_jobs(parser):
    parser.add_argument(
        "--jobs",
        type=number(1, 256, "1 to 256 jobs", int),
        dest="workers",
        metavar="N",
        help="photos of a folder that are in work at once; one for each core by default, 2 to 8",
    )


def add_format(parser):
    parser.add_argument(
        "--format",
        choices=("png", "jpg", "webp", "avif", "heic", "jxl", "gif", "keep"),
        help="format of the files in a folder: keep (the default) is the photo's own, or PNG if "
        "that cannot be written",
    )
    parser.add_argument(
        "--quality",
        type=number(1, 100, "a quality from 1 to 100", int),
        metavar="1..100",
        help="quality of JPEG, AVIF, HEIC or WebP; JPEG and AVIF are then 4:4:4. By default a "
        "still JPEG, AVIF or lossy WebP that becomes the same keeps its own compression if the "
        "mark reads so; else JPEG gets 95, AVIF and HEIC 90, and WebP is lossless",
    )


def add_register(parser, marks):
    """Adds `--register`, and `--recipient` for a command that marks."""
    what = (
        "write into a register whose copy this is: message, recipient, digest and likeness of the "
        "photo, time, network, fingerprint of the key; its file is made if it is missing"
        if marks
        else "tell from this register whose copy it is, and whether it shows what was marked"
    )
    parser.add_argument(
        "--register",
        metavar="FILE|URL",
        help=f"{what}. A SQLite file, or a database's URL as SQLAlchemy takes it, such as "
        "postgresql+psycopg://host/name",
    )
    if marks:
        parser.add_argument(
            "--recipient",
            metavar="NAME",
            help="to whom the copy is given, for --register; a column recipient of --messages "
            "tells it for each photo",
        )


def add_false_positive_rate(parser, default="1e-3"):
    parser.add_argument(
        "--false-positive-rate",
        type=number(0, 1, "a rate between 0 and 1", open_ends=True),
        default=default,
        metavar="RATE",
        help="share of unmarked images that may be called marked: p-values up to RATE count as "
        f"proof, {default} by default",
    )


def add_unmarked(parser, **how):
    parser.add_argument(
        "--unmarked",
        nargs="+",
        metavar="IMAGE",
        help="images, or folders, known to be unmarked: best of all outputs of other networks for "
        "the same task, a folder for each network, as innocent networks too read more than photos",
        **how,
    )


def find_unmarked(sources):
    """Raises `ValueError` unless each folder, and the files together, hold images."""
    from tfwm.batch.jobs import by_folder, find_photos

    for group in by_folder(sources or ()):
        find_photos(group, what="images")


def start_for(*networks, kind=None):
    """Imports TensorFlow, which takes seconds, if there are networks of these names or paths.

    Args:
        *networks: names or paths.
        kind: what they must be by their cards, `"barrier"` or `"keyed"`.
    """
    from tfwm.networks import KINDS, network_directory, read_card

    for network in networks:
        folder = network_directory(network)
        found = read_card(folder)["kind"] if (folder / "card.json").is_file() else kind
        if kind not in (None, found):
            raise ValueError(
                f"Expected a {kind} network. Received: {network}, a {found} network, which "
                f"{KINDS[found].what}"
            )
    import_tensorflow()


def load_watermarker(options):
    """Returns the `tfwm.Watermarker` that the options of `add_network` name."""
    from tfwm.watermarker import load

    return load(options.network, options.trust, options.runtime)


def named_networks(words, trust=False, runtime="auto"):
    """Finds networks given as NAME, FOLDER or NAME=FOLDER; they are opened at their first use."""
    from tfwm.networks import lazy_network

    networks = {}
    for word in words:
        name, equals, folder = word.rpartition("=")
        network = lazy_network(folder, trust, runtime)
        name = name if equals else network.name
        if name in networks:
            raise ValueError(f"Two networks are called {name}: name one, such as other={folder}.")
        networks[name] = network
    return networks


def number(low, high, what, kind=float, open_ends=False):
    """Returns the type of an argument: a number in a range.

    Args:
        low: least value.
        high: largest value.
        what: the range in words, for the error message.
        kind: `float` or `int`.
        open_ends: whether the least and the largest value are outside.
    """

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        inside = low < value < high if open_ends else low <= value <= high
        if not inside:
            raise argparse.ArgumentTypeError(f"expected {what}. Received: {text}")
        return value

    return parse


def add_over(parser):
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--over",
        action="store_true",
        help="mark photos that carry a mark of this network already, which erases it; without "
        "--over or --beside they are refused. Noticed are marks of this key and of none, and in "
        "photos from about 320 pixels a side on those of other keys; not in a copy that was "
        "cropped, turned, mirrored or, below 768 x 512 pixels, resized since",
    )
    group.add_argument(
        "--beside",
        dest="over",
        action="store_const",
        const="beside",
        help="write only half of the mark's places, beside a mark of another key: two messages of "
        "up to 8 bytes are read then, each with less to spare; a longer one, a signature or a "
        "signpost of the first mark is often lost, and by a third mark most of what was there",
    )
