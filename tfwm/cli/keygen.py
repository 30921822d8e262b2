"""`tfwm keygen`: writes a new key file."""

from tfwm.cli.options import add_command
from tfwm.console import in_one_line, say


def add_keygen(subparsers):
    parser = add_command(
        subparsers,
        "keygen",
        run_keygen,
        "writes a new secret key to a file that only you can read",
        "The key serves for messages in photos and for networks whose outputs carry a mark. Keep "
        "a copy: without the key, nobody can read what was marked with it. An existing file is "
        "never replaced.",
        ["tfwm keygen my.key", "tfwm embed photo.jpg -o marked.png --int 1 --key-file my.key"],
    )
    parser.add_argument("file", metavar="FILE", help="file to write")


def run_keygen(options):
    from tfwm.keys import write_key_file

    say(f"{in_one_line(write_key_file(options.file))} is written: keep it secret, keep a copy")
