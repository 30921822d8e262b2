"""Commands for watermarked networks: keyed keygen, train, prove, verify."""

import json

from tfwm.cli.options import add_command, add_json, number
from tfwm.cli.output import in_one_line, print_json, show_progress
from tfwm.startup import import_tensorflow

NETWORK_HELP = "a watermarked network's name, or its folder, as a run writes it"


def add_keyed(subparsers):
    parser = add_command(
        subparsers,
        "keyed",
        None,
        "networks whose outputs carry their owner's mark: makes keys, trains, proves, verifies",
        "The owner makes a secret, trains a host network together with an extractor that reads "
        "the mark only with the secret's key, publishes a commitment, and in a dispute verifies "
        "images with the secret. Each command has its own --help.",
        [
            "tfwm keyed keygen my.secret",
            "tfwm keyed train --config cpu-colorize.toml --secret-file my.secret output=runs/mine",
            "tfwm keyed prove runs/mine/mine --secret-file my.secret -o commitment.json",
            "tfwm keyed verify found/ --network runs/mine/mine --secret-file my.secret \\",
            "    --unmarked others/ --commitment commitment.json",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (_add_keygen, _add_train, _add_prove, _add_verify):
        add(commands)


def _add_secret(parser):
    parser.add_argument(
        "--secret-file",
        metavar="FILE",
        required=True,
        help="file with the owner's secret, as keygen writes it",
    )


def _add_network(parser, *names, **options):
    parser.add_argument(*names, metavar="NETWORK", help=NETWORK_HELP, **options)


def _add_keygen(commands):
    parser = add_command(
        commands,
        "keygen",
        run_keygen,
        "writes a new secret to a file that only you can read",
        "The key of a watermarked network is made from it. Keep a copy: without it, no mark can "
        "be read. A file that exists is never replaced.",
        ["tfwm keyed keygen my.secret"],
    )
    parser.add_argument("file", metavar="FILE", help="file to write")


def run_keygen(options):
    import_tensorflow()
    from tfwm.keys import write_key_file

    print(f"{in_one_line(write_key_file(options.file))} is written: keep it secret, keep a copy")


def _add_train(commands):
    parser = add_command(
        commands,
        "train",
        run_train,
        "trains a host network and its extractor by a recipe, and writes a report",
        "As `python -m tfwm.recipes.keyed`. key=value changes a setting of the TOML file. A killed "
        "run goes on with --resume.",
        [
            "tfwm keyed train --secret-file my.secret output=runs/first",
            "tfwm keyed train --config mine.toml --secret-file my.secret steps=20000 --resume",
        ],
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file; the bundled quick by default")
    _add_secret(parser)
    parser.add_argument("--resume", action="store_true", help="go on from output's checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings to change")


def run_train(options):
    import_tensorflow()
    from tfwm.keys import read_key_file
    from tfwm.recipes import keyed

    read_key_file(options.secret_file, strong=True)

    # As a TOML string, whatever the name of the file.
    words = [*options.overrides, f"secret_file={json.dumps(str(options.secret_file))}"]
    words += ["--config", options.config] if options.config else []
    return keyed.main(words + ["--resume"] * options.resume)


def _add_prove(commands):
    parser = add_command(
        commands,
        "prove",
        run_prove,
        "makes a commitment: a hash of network, watermark and secret to publish before a dispute",
        "Publish the file, or have it time-stamped: a date is worth what its witness is. It tells "
        "nothing about the secret. With the secret, `verify --commitment` shows later that network "
        "and key are as old as that date.",
        ["tfwm keyed prove runs/mine/mine --secret-file my.secret -o commitment.json"],
    )
    _add_network(parser, "network")
    _add_secret(parser)
    parser.add_argument("-o", "--output", metavar="FILE.json", required=True, help="file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE.json if it exists")


def run_prove(options):
    import_tensorflow()
    from tfwm.keys import read_key_file
    from tfwm.protection import write_commitment

    secret = read_key_file(options.secret_file, strong=True)
    record = write_commitment(options.network, secret, options.output, options.overwrite)
    print(f"{in_one_line(options.output)} is written, commitment {record['commitment']}")


def _add_verify(commands):
    parser = add_command(
        commands,
        "verify",
        run_verify,
        "tells whether images come from a watermarked network, by the owner's secret",
        "Prints how much of the watermark is read, a p-value against random keys, one against "
        "unmarked images, the text of the QR code if one is decoded, and a verdict. The exit code "
        "is 0 if the mark is proven and a given commitment holds, 1 if not, 2 after an error.",
        [
            "tfwm keyed verify found/ --network runs/mine/mine --secret-file my.secret "
            "--unmarked others/",
            "tfwm keyed verify a.png b.jpg --network keyed-colorize --secret-file my.secret --json",
        ],
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="suspected images, or a folder")
    _add_network(parser, "--network", required=True)
    _add_secret(parser)
    parser.add_argument(
        "--unmarked",
        nargs="+",
        metavar="IMAGE",
        help="images, or a folder, that are known to be unmarked: outputs of other models for the "
        "same task, or photos. Recommended",
    )
    parser.add_argument(
        "--commitment", metavar="FILE.json", help="commitment of prove, which is then checked"
    )
    parser.add_argument(
        "--keys",
        type=number(1, 100_000, "1 to 100000 keys", int),
        default=999,
        metavar="N",
        help="random keys; 999 by default, which allow p-values down to 0.001",
    )
    parser.add_argument(
        "--rate",
        type=number(0, 1, "a rate above 0 and below 1", open_ends=True),
        default=1e-3,
        metavar="P",
        help="false-claim rate: p-values up to it count as proof; 0.001 by default",
    )
    add_json(parser)


def run_verify(options):
    import_tensorflow()
    from tfwm.keys import read_key_file
    from tfwm.protection import check_commitment_file, load_keyed_reader, verify_files

    secret = read_key_file(options.secret_file, strong=True)
    record = None
    if options.commitment:
        record = check_commitment_file(options.commitment, options.network, secret)
    reader = load_keyed_reader(options.network, secret)
    with show_progress() as progress:
        found = verify_files(
            reader, options.images, options.unmarked, options.keys, options.rate, progress=progress
        )
    holds = record is None or record["holds"]
    if options.json:
        print_json({**found.to_dict(), "commitment": record, "network": options.network})
    else:
        print(found)
        for note in found.notes:
            print(f"note: {note}")
        if record is not None:
            print(_commitment_line(record))
    return 0 if found.proven and holds else 1


def _commitment_line(record):
    if record["holds"]:
        return f"the commitment holds; it says that it was made on {in_one_line(record['date'])}"
    return f"the commitment does NOT hold: {in_one_line(record['reason'])}"
