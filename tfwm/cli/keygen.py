"""`tfwm keygen`: writes a new key file."""

import os
from pathlib import Path

from tfwm.cli.options import add_command
from tfwm.console import in_one_line, say


def add_keygen(subparsers):
    parser = add_command(
        subparsers,
        "keygen",
        run_keygen,
        "writes a new secret key, or a pair of keys for signatures, to files",
        "The key serves for messages in photos and for networks whose outputs carry a mark; only "
        "you can read its file. Keep a copy: without the key, nobody can read what was marked with "
        "it. An existing file is never replaced.",
        [
            "tfwm keygen my.key",
            "tfwm embed photo.jpg -o marked.png --int 1 --key-file my.key",
            "tfwm keygen ada --signing 'Ada Lovelace'",
        ],
    )
    parser.add_argument("file", metavar="FILE", help="file to write")
    parser.add_argument(
        "--signing",
        metavar="NAME",
        help="instead, a private Ed25519 key for tfwm embed --sign, and in FILE.pub the public key "
        "with this name, which is for everybody; as ssh-keygen writes them",
    )


def run_keygen(options):
    from tfwm.keys import write_key_file

    if options.signing is not None:
        return _write_pair(options)
    say(f"{in_one_line(write_key_file(options.file))} is written: keep it secret, keep a copy")


def _write_pair(options):
    from tfwm.files import write_whole
    from tfwm.keys import write_key_file
    from tfwm.networks.signing import new_key_pair

    name = " ".join(options.signing.split())
    if not name or not name.isprintable():
        raise ValueError(
            f"Expected a name, such as --signing 'Ada Lovelace'. Received: {options.signing!r}"
        )
    public_file = Path(f"{options.file}.pub").expanduser()
    if os.path.lexists(public_file):
        raise ValueError(f"{public_file} exists: choose another name.")
    private, public = new_key_pair(name)
    file = write_key_file(options.file, private)
    write_whole(public_file, public)
    say(f"{in_one_line(file)} is written: keep it secret, keep a copy")
    say(f"{in_one_line(public_file)} is written: give it to those who check what you sign")
