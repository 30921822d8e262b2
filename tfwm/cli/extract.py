"""`tfwm extract`: reads messages from photos."""

import argparse
import os

from tfwm.cli.options import (
    add_command,
    add_false_positive_rate,
    add_jobs,
    add_json,
    add_key,
    add_network,
    add_public_key,
    add_register,
    add_server,
    open_watermarker,
    photo_source,
    read_key,
    read_public_key,
)
from tfwm.cli.output import counts, print_json, print_notes, show_progress
from tfwm.console import in_one_line, say, tell

FIND = "find"
SEARCHES = ("none", "crop", "scale", "rotate", "all")


def add_extract(subparsers):
    parser = add_command(
        subparsers,
        "extract",
        run_extract,
        "reads the message from a photo, or from all photos of a folder",
        "The photo may be a copy that was saved again, resized, cut or turned a little; --search "
        "sets how far to look, and an unmarked photo takes longest. Prints the message. The "
        "decision and its reason go to stderr, or with --json into the result: p_value is the "
        "probability that an unmarked photo or another key looks as marked, bit_confidence the "
        "probability that each bit is right. Exit codes: 0 the mark is present, 1 it is absent or "
        "uncertain (in a folder: in one photo or more), 2 error. With a wrong key or network, a "
        "marked photo looks like an unmarked one: absent. With --register, 1 also if the register "
        "does not know the message, or the copy shows another picture than was marked.",
        [
            "tfwm extract marked.png",
            "tfwm extract copy.jpg --key-file my.key --search all --json",
            "tfwm extract print.jpg --corners 12,30 410,22 420,300 8,310",
            "tfwm extract found/ --key-file my.key --report found.csv",
            "tfwm extract found/ --messages recipients.csv --report leaks.csv",
            "tfwm extract leaked.jpg --key-file my.key --register register.db",
            "tfwm extract signed.jpg --public-key ada.pub",
        ],
    )
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="photos to read: one, several, or a folder; - is the standard input",
    )
    add_key(parser)
    add_public_key(parser)
    parser.add_argument(
        "--corners",
        nargs="+",
        type=_corner,
        metavar="X,Y",
        help="corners of a marked print or screen that the photo shows, in pixels, clockwise from "
        "the picture's top left; or find: read the photo itself and everything in it that looks "
        "like a print or a screen. Write it after the photos",
    )
    _add_search(parser)
    add_false_positive_rate(parser, "1e-6")
    _add_folder(parser)
    add_network(parser)
    add_server(parser)
    add_json(parser)


def _add_search(parser):
    parser.add_argument(
        "--search",
        choices=SEARCHES,
        default="rotate",
        help="none: the copy as it is, or plainly resized; crop: also cut, mirrored, quarter "
        "turns; scale: also any scale, one side stretched by up to 15 %%, and any angle, stretch "
        "and shear where the mark's repetition shows it; rotate (the default): also turned up to "
        "12 degrees, its size kept, and slightly bent (perspective, slow warps); all: turned and "
        "scaled at once, which takes up to a minute for a photo",
    )
    parser.add_argument(
        "--damaged",
        action="store_true",
        help="read what is there of a file that is cut off (JPEG, PNG, WebP, and whatever is not "
        "compressed), and tell the share of its rows that was read",
    )


def _add_folder(parser):
    add_register(parser, marks=False)
    parser.add_argument(
        "--messages",
        metavar="FILE.csv",
        help="the table by which photos were marked (tfwm embed --messages), or the report of "
        "that run: tells for each photo to whom its copy was given, by all further columns",
    )
    parser.add_argument(
        "--report", metavar="FILE", help="write a table of the photos, .csv or .json"
    )
    add_jobs(parser)


def run_extract(options):
    key = read_key(options)
    how = {
        "key": key,
        "corners": _corners(options),
        "search": options.search,
        "false_positive_rate": options.false_positive_rate,
        "damaged": options.damaged,
        "public_keys": read_public_key(options, key),
    }
    many = len(options.photos) > 1 or options.report or options.messages
    many = many or os.path.isdir(options.photos[0])
    return (_extract_many if many else _extract_one)(options, how)


def _corner(text):
    if text == FIND:
        return text
    try:
        x, y = (float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected {FIND}, or X,Y in pixels such as 12,30. Received: {text}"
        ) from None
    return x, y


def _corners(options):
    """`None`, `"find"` or four corners."""
    corners = options.corners
    if corners is None or corners == [FIND]:
        return corners and FIND
    if FIND in corners or len(corners) != 4:
        told = " ".join(c if c == FIND else "{:g},{:g}".format(*c) for c in corners)
        raise ValueError(f"Expected four corners X,Y or {FIND}. Received: --corners {told}")
    if len(options.photos) > 1 or os.path.isdir(options.photos[0]):
        raise ValueError(f"Four corners go with one photo: use --corners {FIND} for several.")
    return corners


def _extract_one(options, how):
    from tfwm.images import DamagedError, read_any

    try:
        photo = read_any(photo_source(options.photos[0]), options.damaged)
    except DamagedError as error:
        hint = "" if options.damaged else " Or read what is there: --damaged."
        raise DamagedError(f"{error}{hint}") from error
    print_notes(photo.name, photo.notes)
    register = _register(options)
    watermarker = open_watermarker(options)
    with show_progress() as progress:
        found = watermarker.extract(photo, progress=progress, **how)
    values, owner = found.to_dict(), None
    if register:
        from tfwm.register import find_owner

        owner = find_owner(register, watermarker, photo, found, how["key"])
        values["register"] = owner.to_dict()
    if options.json:
        print_json({"photo": options.photos[0], "network": options.network, **values})
    else:
        told = _told(values, options)
        if told is not None:
            say(told)
        plain = found.binding is not None and found.binding.plain
        signed = found.kind == "signature"
        if values["message"] is None or found.decision != "present" or plain or signed:
            tell(found.decision, f"{options.photos[0]}: {found.reason}")
        if owner and (owner.entries or found.message is not None):
            tell("register", owner.sentence())
    holds = owner is None or owner.holds
    return 0 if found.decision == "present" and holds else 1


def _told(values, options):
    """What is printed of a photo: its message, or with public keys who signed it."""
    if options.public_key is None:
        return values["message"]
    return f"signed by {values['signer']}" if values["decision"] == "present" else None


def _register(options):
    if options.register is None:
        return None
    from tfwm.register import Register

    return Register(options.register)


def _extract_many(options, how):
    from tfwm.batch.folders import extract_folder
    from tfwm.batch.messages import find_recipients

    columns = find_recipients(options.messages)[0] if options.messages else ()
    register = _register(options)
    if register:
        columns = "file", "recipient", "picture"
    watermarker = open_watermarker(options)
    with show_progress() as progress:
        rows = extract_folder(
            watermarker,
            options.photos,
            messages=options.messages,
            register=register,
            report=options.report,
            progress=progress,
            workers=options.workers,
            **how,
        )
    read = [row for row in rows if row["status"] == "done"]
    failed = counts(rows)["failed"]
    present = sum(row["decision"] == "present" for row in read)
    known = [row for row in read if not register or row["holds"]]
    if options.json:
        count = {"present": present, "others": len(read) - present, "failed": failed}
        print_json({"report": options.report, "network": options.network, **count, "photos": rows})
    else:
        for row in read:
            told = _told(row, options)
            cells = row["photo"], row["decision"], told, *(row[name] for name in columns)
            say("\t".join("" if cell is None else in_one_line(cell) for cell in cells))
    return 2 if failed else 0 if present == len(read) == len(known) else 1
