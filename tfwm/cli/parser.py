"""The parser of all commands."""

from tfwm.checks import Parser
from tfwm.cli import (
    barrier,
    embed,
    extract,
    inspect,
    job,
    keyed,
    keygen,
    measure,
    networks,
    register,
    serve,
    show,
    sign,
    store,
    train,
)
from tfwm.cli.options import example_text
from tfwm.version import __version__


def make_parser():
    parser = Parser(
        prog="tfwm",
        description="Hides messages in photos with trained networks, and reads them back.",
        epilog=example_text(
            "tfwm embed photo.jpg -o marked.png --message '(c) 2026 Ada Lovelace'",
            "tfwm extract marked.png",
            "tfwm embed photos/ -o marked/ --message 'Ada Lovelace' --key-file my.key",
            "tfwm COMMAND --help",
        )
        + "\n\nexit codes: 0 done or present, 1 absent or a check failed, 2 error",
    )
    parser.add_argument("--version", action="version", version=f"tfwm {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        embed.add_embed,
        extract.add_extract,
        job.add_job,
        sign.add_sign,
        inspect.add_inspect,
        keygen.add_keygen,
        store.add_store,
        register.add_register_command,
        serve.add_serve,
        barrier.add_barrier,
        keyed.add_keyed,
        show.add_report,
        show.add_demo,
        show.add_browser,
        networks.add_list,
        train.add_train,
        train.add_data,
        measure.add_evaluate,
        measure.add_figures,
        networks.add_export,
        networks.add_verify,
        networks.add_convert,
    ):
        add(subparsers)
    return parser
