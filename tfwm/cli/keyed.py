"""`tfwm keyed`: commit, prove."""

import os

from tfwm.cli.options import (
    add_command,
    add_false_positive_rate,
    add_json,
    add_key,
    add_unmarked,
    find_unmarked,
    number,
    read_key,
    start_for,
)
from tfwm.cli.output import print_json, show_progress
from tfwm.console import in_one_line, say

NETWORK_HELP = "a keyed network's name (tfwm list), or its folder, as a run writes it"
KEY_HELP = "the owner's secret key, with which the network was trained"


def add_keyed(subparsers):
    parser = add_command(
        subparsers,
        "keyed",
        None,
        "networks whose outputs carry their owner's mark: commits to a key, and proves the mark",
        "The owner makes a key, trains a host network together with an extractor that reads the "
        "mark only with this key, publishes a commitment, and in a dispute proves with the key "
        "that images come from the network. Each command has its own --help.",
        [
            "tfwm keygen my.key",
            "tfwm train keyed --config cpu-colorize key_file=my.key output=runs/mine",
            "tfwm keyed commit runs/mine/mine --key-file my.key -o commitment.json",
            "tfwm keyed prove found/ --network runs/mine/mine --key-file my.key "
            "--unmarked others/ --commitment commitment.json",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_commit(commands)
    _add_prove(commands)


def _add_network(parser, *names, **options):
    parser.add_argument(*names, metavar="NETWORK", help=NETWORK_HELP, **options)


def _add_commit(commands):
    parser = add_command(
        commands,
        "commit",
        run_commit,
        "writes a commitment: a hash of network, watermark and key to publish before a dispute",
        "Publish the file, or have it time-stamped: a date is worth what its witness is. The file "
        "reveals nothing about the key. With the key, `tfwm keyed prove --commitment` shows later "
        "that network and key are as old as that date.",
        ["tfwm keyed commit runs/mine/mine --key-file my.key -o commitment.json"],
    )
    _add_network(parser, "network")
    add_key(parser, KEY_HELP)
    parser.add_argument("-o", "--output", metavar="FILE.json", required=True, help="file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE.json if it exists")


def run_commit(options):
    from tfwm.files import check_new_file

    key = read_key(options, strong=True)
    check_new_file(options.output, options.overwrite)
    start_for(options.network, kind="keyed")
    from tfwm.protection import write_commitment

    record = write_commitment(options.network, key, options.output, options.overwrite)
    say(f"{in_one_line(options.output)} is written, commitment {record['commitment']}")


def _add_prove(commands):
    parser = add_command(
        commands,
        "prove",
        run_prove,
        "tells whether images come from a keyed network, by the owner's key",
        "Prints how much of the watermark is read, a p-value against random keys, one against "
        "unmarked images, the text of the QR code if one is decoded, and a verdict. The exit code "
        "is 0 if the mark is proven and a given commitment holds, 1 if not, 2 after an error.",
        [
            "tfwm keyed prove found/ --network runs/mine/mine --key-file my.key --unmarked others/",
            "tfwm keyed prove found/ --network mine --key-file my.key --unmarked net1/ net2/ net3/",
            "tfwm keyed prove a.png b.jpg --network keyed-colorize --key-file my.key --json",
        ],
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="suspected images, or a folder")
    _add_network(parser, "--network", required=True)
    add_key(parser, KEY_HELP)
    add_unmarked(parser)
    parser.add_argument(
        "--commitment",
        metavar="FILE.json",
        help="commitment that `tfwm keyed commit` wrote, to be checked",
    )
    parser.add_argument(
        "--keys",
        type=number(1, 100_000, "1 to 100000 keys", int),
        default=999,
        metavar="N",
        help="random keys; 999 by default, which allow p-values down to 0.001",
    )
    add_false_positive_rate(parser)
    add_json(parser)


def run_prove(options):
    from tfwm.batch.jobs import find_photos

    key = read_key(options, strong=True)
    find_photos(options.images, what="images")
    find_unmarked(options.unmarked)
    if options.commitment and not os.path.isfile(os.path.expanduser(options.commitment)):
        raise ValueError(f"The commitment {options.commitment} does not exist: check the path.")
    start_for(options.network, kind="keyed")
    from tfwm.protection import check_commitment_file, load_keyed, prove_files

    record = None
    if options.commitment:
        record = check_commitment_file(options.commitment, options.network, key)
    reader = load_keyed(options.network).reader(key)
    with show_progress() as progress:
        found = prove_files(
            reader,
            options.images,
            options.unmarked,
            options.keys,
            options.false_positive_rate,
            progress,
        )
    holds = record is None or record["holds"]
    if options.json:
        print_json({**found.to_dict(), "commitment": record, "network": options.network})
    else:
        say(found)
        for note in found.notes:
            say(f"note: {in_one_line(note)}")
        if record is not None:
            say(_commitment_line(record))
    return 0 if found.proven and holds else 1


def _commitment_line(record):
    if record["holds"]:
        return f"the commitment holds; it says that it was made on {in_one_line(record['date'])}"
    return f"the commitment does NOT hold: {in_one_line(record['reason'])}"
