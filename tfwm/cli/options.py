"""What several commands share: their options, and the form of their help."""

import argparse
import math
import os
import textwrap
from pathlib import Path

DEFAULT_NETWORK = "photo"
NETWORK_HELP = "a network's name (tfwm list) or the folder of an exported one"
KEY_VARIABLE = "TFWM_KEY"


def add_command(subparsers, name, run, summary, details="", examples=()):
    """Adds a command with its help; returns its parser."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=textwrap.fill(f"{summary[0].upper()}{summary[1:]}. {details}".strip(), 90),
        epilog=example_text(*examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
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


def add_key(parser):
    """Adds the options of which `read_key` makes the key."""
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--key",
        metavar="SECRET",
        help="secret without which the mark can be neither read nor forged. Other users of this "
        "computer see it in the list of processes, and your shell keeps it: --key-file, or the "
        f"environment variable {KEY_VARIABLE}, is safer. Without any, everybody can read the mark",
    )
    keys.add_argument(
        "--key-file", metavar="FILE", help="take the secret from FILE, without its last line end"
    )


def read_key(options):
    """Returns the secret that the options or the environment give, or `None`."""
    if options.key is not None:
        if not options.key:
            raise ValueError(
                "The key is empty: give --key at least one character, or leave it out."
            )
        return options.key
    if options.key_file is not None:
        return _key_of_file(Path(options.key_file))
    key = os.environ.get(KEY_VARIABLE)
    if key == "":
        raise ValueError(f"The environment variable {KEY_VARIABLE} is empty: set or unset it.")
    return key


def _key_of_file(path):
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"The key file {path} cannot be read: {error.strerror}.") from error
    for end in (b"\n", b"\r"):
        content = content.removesuffix(end)
    if not content:
        raise ValueError(f"The key file {path} is empty: it should hold the secret.")
    try:
        return content.decode("utf-8")  # the same secret as --key, however accents are written
    except UnicodeDecodeError:
        return content


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
