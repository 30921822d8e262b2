"""The parser of all commands."""

import argparse

from tfwm.cli.barrier import add_barrier
from tfwm.cli.embed import add_embed
from tfwm.cli.extract import add_extract
from tfwm.cli.keyed import add_keyed
from tfwm.cli.keygen import add_keygen
from tfwm.cli.measure import add_evaluate, add_figures
from tfwm.cli.networks import add_convert, add_export, add_list, add_verify
from tfwm.cli.options import example_text
from tfwm.cli.show import add_demo, add_report
from tfwm.cli.train import add_data, add_train
from tfwm.version import __version__


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"tfwm: error: {message} (help: {self.prog} --help)\n")


def make_parser():
    parser = _Parser(
        prog="tfwm",
        description="Hides messages in photos with trained networks, and reads them back.",
        epilog=example_text(
            "tfwm embed photo.jpg -o marked.png --message '(c) 2026 Ada Lovelace'",
            "tfwm extract marked.png",
            "tfwm embed photos/ -o marked/ --message 'Ada Lovelace' --key-file my.key",
            "tfwm COMMAND --help",
        )
        + "\n\nexit codes: 0 done or present, 1 absent or a check failed, 2 error",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tfwm {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        add_embed,
        add_extract,
        add_keygen,
        add_barrier,
        add_keyed,
        add_report,
        add_demo,
        add_list,
        add_train,
        add_data,
        add_evaluate,
        add_figures,
        add_export,
        add_verify,
        add_convert,
    ):
        add(subparsers)
    return parser
