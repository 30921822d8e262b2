"""`tfwm embed`: writes messages into photos."""

import contextlib
import io
import os
import sys
from pathlib import Path

from tfwm.cli.check import check_many, check_one
from tfwm.cli.options import (
    STANDARD,
    add_command,
    add_format,
    add_jobs,
    add_json,
    add_key,
    add_network,
    add_over,
    add_register,
    add_server,
    add_strength,
    number,
    open_watermarker,
    photo_source,
    read_key,
)
from tfwm.cli.output import counts, print_json, print_notes, show_progress, write_stdout
from tfwm.console import in_one_line, say, tell

KINDS = {"message": "text", "bytes": "bytes", "int": "int", "uuid": "uuid"}


def add_embed(subparsers):
    parser = add_command(
        subparsers,
        "embed",
        run_embed,
        "writes a message into a photo, or into all photos of a folder",
        "A network marks the luminance, or R, G and B if it is one for color. Transparency, EXIF, "
        "color profile and other metadata are kept; the EXIF orientation is applied. The marked "
        "photo is read back before it is written, and the strength is raised, up to 2.5 times, "
        "until it reads with room to spare; if that fails, nothing is written. A photo that "
        "carries a mark of this network already is refused without --over or --beside. An "
        "animation (GIF, WebP, APNG) is marked in every frame. A folder is marked "
        "with its sub-folders. Its report (OUT/tfwm-report.csv) lists the result for each photo, "
        "and a second run continues where the first one ended. What is there with another key, "
        "message, network or strength, or was changed afterwards, is told and kept, unless "
        "--overwrite is added; `tfwm verify OUT` reads everything back. Exit codes: 0 done, "
        "1 a photo does not pass --check, 2 error, also if a photo of a folder failed.",
        [
            "tfwm embed photo.jpg -o marked.png --message '(c) 2026 Ada Lovelace'",
            "tfwm embed photos/ -o marked/ --message 'Ada Lovelace' --key-file my.key",
            "tfwm embed photos/ -o marked/ --messages recipients.csv --format jpg --quality 92",
            "tfwm embed photo.jpg -o ada.jpg --int 1001 --register register.db --recipient Ada",
            "cat photo.jpg | tfwm embed - -o - --message 'Ada Lovelace' > marked.jpg",
            "tfwm embed photo.jpg -o signed.jpg --sign ~/.ssh/id_ed25519",
            "tfwm embed photo.jpg --check --uuid 8f14e45f-ceea-467f-9575-ab5d9f3d1c0a",
        ],
    )
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="JPEG, PNG, WebP, TIFF, AVIF, HEIC, JPEG XL, ...: one, several, or a folder; - is the "
        "standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file to write: .png .webp .tif .jxl (lossless) .jpg .avif .heic .gif; for several "
        "photos, a folder; - is the standard output, in the format of --format",
    )
    add_marking(parser)
    add_network(parser)
    add_server(parser)
    add_json(parser)


def add_marking(parser, opens=None, tells=None, new_message=None):
    """Adds the options of a command that marks photos, which `run_embed` runs.

    Args:
        parser: of the command.
        opens: function of the options that returns the `Watermarker`.
        tells: function of a file's report that says what is special of it.
        new_message: function that returns a message where none is given; `None` asks for one.
    """
    parser.set_defaults(
        open_watermarker=opens or open_watermarker,
        tell_more=tells or (lambda report: None),
        new_message=new_message,
    )
    messages = add_message(parser)
    messages.required = new_message is None
    if new_message is None:
        messages.add_argument(
            "--sign",
            metavar="FILE",
            help="instead, your signature of what the photo shows, made with a private Ed25519 key "
            "(ssh-keygen -t ed25519). Everybody checks it with tfwm extract --public-key, and "
            "nobody else can make one. It is long, and not every photo can carry it: --check",
        )
    messages.add_argument(
        "--messages",
        metavar="FILE.csv",
        help="a message for each photo: a CSV with the columns file (inside the folder) and "
        "message, and optionally kind (text, bytes, int, uuid) and output (inside OUT). A photo "
        "may have several rows, for several recipients, each with an output; further columns, "
        "such as recipient, go into the report",
    )
    add_key(parser)
    add_strength_or_psnr(parser)
    parser.add_argument(
        "--subtle",
        action="store_true",
        help="less of the mark in smooth and clipped parts, such as a sky: harder to see and "
        "harder to read from a changed copy",
    )
    add_signpost(parser)
    add_register(parser, marks=True)
    _add_writing(parser)


def add_signpost(parser):
    parser.add_argument(
        "--signpost",
        metavar="HOST",
        help="the host to ask about the photo, such as c2pa.example.org, which everybody can read "
        "from the mark without the key (tfwm inspect): up to 24 characters, and best up to 12. It "
        "takes its place from the message, whose mark is then about 2 dB easier to lose",
    )


def add_message(parser):
    """Adds the options of which `message_of` makes the message; returns their group."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--message", metavar="TEXT", help="text of up to 64 bytes in UTF-8 with most networks"
    )
    group.add_argument("--bytes", metavar="HEX", help="bytes as hexadecimal digits instead")
    group.add_argument("--int", metavar="N", help="an integer of at least 0 instead")
    group.add_argument("--uuid", metavar="UUID", help="a UUID instead")
    return group


def signs(options):
    """Whether a signature takes the place of a message."""
    return getattr(options, "sign", None) is not None


def message_of(options):
    """Returns the message that the options give, or `None`."""
    from tfwm.batch.messages import parse_message

    if signs(options):
        from tfwm.signatures import Signer

        return Signer(options.sign)
    for name, kind in KINDS.items():
        if getattr(options, name) is not None:
            return parse_message(getattr(options, name), kind)
    return None


def add_strength_or_psnr(parser):
    group = parser.add_mutually_exclusive_group()
    add_strength(group)
    group.add_argument(
        "--psnr",
        type=number(20, 60, "a PSNR from 20 to 60 dB"),
        metavar="DB",
        help="instead of a strength, the PSNR of the marked photo",
    )


def _add_writing(parser):
    add_format(parser)
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="report of a folder, .csv or .json; OUT/tfwm-report.csv by default",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace existing files; in a folder, mark photos again that are done. If OUT is the "
        "photo or its folder, this replaces the photos themselves",
    )
    add_over(parser)
    add_jobs(parser)
    parser.add_argument("--dry-run", action="store_true", help="do everything but write")
    parser.add_argument(
        "--check",
        action="store_true",
        help="only check whether the photo can carry the message, and how well: it is read from a "
        "copy in JPEG 75. Nothing is written; exit code 1 if it cannot carry it",
    )


def run_embed(options):
    from tfwm.batch.jobs import is_single

    if options.output is None and not options.check:
        raise ValueError("Expected a file or folder for the marked photo: add -o OUT.")
    key = read_key(options)
    if signs(options) and key is not None:
        raise ValueError(
            "A signature is for everybody to check: leave out --key, --key-file and the variable "
            "TFWM_KEY, or --sign."
        )
    if signs(options) and options.signpost:
        raise ValueError("A signature fills the mark: leave out --signpost, or --sign.")
    how = {"key": key, "strength": options.strength, "psnr": options.psnr}
    how |= {"subtle": options.subtle, "signpost": options.signpost, "over": options.over}
    if not options.check:
        how |= _register_of(options)
    elif options.report:
        raise ValueError("--check writes nothing: leave out --report, and take --json.")
    message = message_of(options)
    if message is None and options.messages is None:
        message = options.new_message
    if options.output == STANDARD and (len(options.photos) > 1 or os.path.isdir(options.photos[0])):
        raise ValueError("-o - takes one photo: name a folder for several.")
    many = len(options.photos) > 1 or os.path.isdir(options.photos[0])
    into = not options.check and not is_single(options.photos, options.output)
    several = many or options.messages or (into and options.report)
    if callable(message) and (options.check or not several):
        message = message()
    if several:
        return (check_many if options.check else _embed_many)(options, message, how)
    if into:
        return _embed_into(options, message, how)
    if options.report or (options.format and options.output != STANDARD):
        name = "report" if options.report else "format"
        raise ValueError(f"--{name} goes with a folder of photos: leave it out for one photo.")
    return (check_one if options.check else _embed_one)(options, message, how)


def _register_of(options):
    from tfwm.files import refuse_same

    if options.recipient and not options.register:
        raise ValueError("--recipient goes with --register, which keeps it: add --register FILE.")
    if options.register and options.output == STANDARD:
        raise ValueError("--register goes with a file, which is written with its entry: -o OUT.")
    if options.register:
        refuse_same(options.output, options.register)
    return {"register": options.register, "recipient": options.recipient}


PUBLIC = (
    "no key: everybody can read this message. `tfwm keygen FILE` and --key-file FILE change that"
)


def _tell_public(options, key):
    if key is None and not signs(options):
        tell("note", PUBLIC)


def _embed_into(options, message, how):
    """One photo into a folder, under its own name."""
    from tfwm.batch.jobs import output_name

    folder, photo = Path(options.output), Path(options.photos[0])
    if not photo.exists():
        raise ValueError(f"{photo} does not exist: check the path.")
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    options.output = str(folder / output_name(photo.name, options.format or "keep"))
    options.format = None
    try:
        return _embed_one(options, message, how)
    finally:
        with contextlib.suppress(OSError):
            for parent in made:
                parent.rmdir()  # which does nothing unless the photo failed


def _embed_one(options, message, how):
    from tfwm.images import check_output

    source, output = photo_source(options.photos[0]), options.output
    if output == STANDARD:
        output = io.BytesIO()
        _check_stdout(options)
    else:
        check_output(output, options.quality, options.overwrite)
    watermarker = options.open_watermarker(options)
    with show_progress() as progress:
        report = watermarker.embed_file(
            source,
            output,
            message,
            file_format=options.format or "keep",
            quality=options.quality,
            overwrite=options.overwrite,
            dry_run=options.dry_run,
            progress=progress,
            **how,
        )
    print_notes(report.source, report.notes)
    _tell_public(options, how["key"])
    if options.output == STANDARD:
        with report.written():
            write_stdout(output.getvalue())
        return
    if options.json:
        print_json({**report.to_dict(), "network": options.network, "dry_run": options.dry_run})
        return
    say(
        f"{in_one_line(options.output)}: {report.psnr:.1f} dB at strength {report.strength:.3g}, "
        f"reads with {report.margin:.1f} times the signal needed; {_saved(report)}"
        + (" (dry run, not written)" if options.dry_run else "")
    )
    options.tell_more(report)


def _saved(report):
    sizes = [f"{size / 1000:.0f} kB" for size in (report.source_size, report.size) if size]
    return f"{report.encoding}, {' to '.join(sizes)}"


def _check_stdout(options):
    from tfwm.images import KEEP
    from tfwm.images.writing import ENDINGS, check_format

    if sys.stdout.isatty():
        raise ValueError("-o - writes a photo to the standard output: send it on, as in: > out.jpg")
    if options.json:
        raise ValueError("--json prints to the standard output, where -o - writes the photo.")
    if (options.format or KEEP) != KEEP:
        check_format(Path(f"marked{ENDINGS[options.format]}"), options.quality)


def _embed_many(options, message, how):
    from tfwm.batch.folders import DONE_BEFORE, REPORT, embed_folder

    watermarker = options.open_watermarker(options)
    report = Path(options.report or Path(options.output) / REPORT)
    with show_progress() as progress:
        try:
            rows = embed_folder(
                watermarker,
                options.photos,
                options.output,
                message,
                messages=options.messages,
                quality=options.quality,
                file_format=options.format or "keep",
                overwrite=options.overwrite,
                dry_run=options.dry_run,
                report=options.report,
                progress=progress,
                workers=options.workers,
                **how,
            )
        except KeyboardInterrupt:
            if not options.dry_run:
                tell("note", f"run this again to go on; done so far: {report}")
            raise
    count = counts(rows)
    if count["done"]:
        _tell_public(options, how["key"])
    if options.json:
        path = None if options.dry_run else str(report)
        print_json({"report": path, "dry_run": options.dry_run, **count, "files": rows})
    else:
        before = sum(row["error"] == DONE_BEFORE for row in rows)
        skipped = f"{count['skipped']} skipped" + (f" ({before} done before)" if before else "")
        where = "dry run, nothing written" if options.dry_run else in_one_line(report)
        say(f"{count['done']} done, {skipped}, {count['failed']} failed; {where}")
    return 2 if count["failed"] else 0
