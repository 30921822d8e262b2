"""`tfwm register`: list, settle, remove."""

from tfwm.cli.options import add_command, add_json
from tfwm.cli.output import print_json
from tfwm.console import in_one_line, say

PLACE_HELP = "a register's file, or the URL of its database"
HEADS = "message", "recipient", "file", "time", "network", "key's fingerprint", "state"


def add_register_command(subparsers):
    parser = add_command(
        subparsers,
        "register",
        None,
        "what each id meant: who got which marked copy",
        "`tfwm embed --register FILE` writes an entry with each copy that it marks, and `tfwm "
        "extract --register FILE` tells whose copy a photo is. An entry has the message, the "
        "recipient, the digest of the file and a fingerprint of what it shows, the time, the "
        "network and a fingerprint of the key; neither key nor photo. Each command has its own "
        "--help.",
        [
            "tfwm embed photo.jpg -o ada.jpg --int 1001 --register register.db --recipient Ada",
            "tfwm extract leaked.jpg --register register.db",
            "tfwm register list register.db --recipient Ada",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_list(commands)
    _add_settle(commands)
    _add_remove(commands)


def _add(commands, name, run, text, details="", words=""):
    example = [f"tfwm register {name} register.db{words}"]
    parser = add_command(commands, name, run, text, details, example)
    parser.add_argument("register", metavar="FILE|URL", help=PLACE_HELP)
    return parser


def _add_list(commands):
    parser = _add(commands, "list", run_list, "lists the entries, the oldest first")
    parser.add_argument("--recipient", metavar="NAME", help="only those of this recipient")
    add_json(parser)


def run_list(options):
    entries = _open(options).entries(options.recipient)
    if options.json:
        print_json([entry.to_dict() for entry in entries])
        return
    say("\t".join(HEADS))
    for entry in entries:
        state = "there" if entry.pending is None else "pending"
        cells = entry.message, entry.recipient or "", entry.file, entry.time, entry.network
        say("\t".join(map(in_one_line, (*cells, entry.key, state))))


def _add_settle(commands):
    parser = _add(
        commands,
        "settle",
        run_settle,
        "puts right what a killed program left",
        "Each entry is written as pending, then the file, then the entry is confirmed. Of a "
        "pending entry the file is looked for: if it is there with its digest, the entry is "
        "confirmed, else the file was never written, and the entry is taken out. `tfwm embed` does "
        "the same for what it writes. Run this where the files lie, and while nothing is marked.",
    )
    add_json(parser)


def run_settle(options):
    confirmed, removed = _open(options).settle()
    if options.json:
        lists = {"confirmed": confirmed, "removed": removed}
        print_json({name: [e.to_dict() for e in entries] for name, entries in lists.items()})
        return
    for entry in removed:
        say(f"removed: {in_one_line(entry.pending)} was never written")
    for entry in confirmed:
        say(f"confirmed: {in_one_line(entry.file)}")
    say(f"{len(confirmed)} confirmed, {len(removed)} removed")


def _add_remove(commands):
    parser = _add(
        commands,
        "remove",
        run_remove,
        "takes out all entries of a recipient, as data protection may ask for",
        words=" --recipient Ada",
    )
    parser.add_argument("--recipient", metavar="NAME", required=True, help="of the entries")


def run_remove(options):
    register = _open(options)
    entries = register.entries(options.recipient)
    if not entries:
        raise ValueError(
            f"The register {register.name} has no entry of {options.recipient}: `tfwm register "
            "list` lists them."
        )
    for entry in entries:
        register.remove(entry)
    say(f"{len(entries)} removed")


def _open(options):
    from tfwm.register import Register

    return Register(options.register)
