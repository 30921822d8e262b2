"""`tfwm barrier`: protect, read, prove."""

from statistics import fmean

from tfwm.cli.options import (
    add_command,
    add_false_positive_rate,
    add_format,
    add_json,
    add_strength,
    add_unmarked,
    find_unmarked,
    start_for,
)
from tfwm.cli.output import counts, print_json, show_progress
from tfwm.console import in_one_line, say, tell


def add_barrier(subparsers):
    parser = add_command(
        subparsers,
        "barrier",
        None,
        "marks images so that networks trained on them mark as well, and proves it",
        "A barrier hides one picture, its watermark, in every image. Train your own with `tfwm "
        "train barrier`: everybody who has a barrier can remove and forge its mark. To protect a "
        "model, use Python: tfwm.protection.protect(model, barrier).",
        [
            "tfwm barrier protect photos/ -o marked/ --barrier runs/mine/mine",
            "tfwm barrier prove found/ --unmarked others/ --barrier runs/mine/mine",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_protect(commands)
    _add_read(commands)
    _add_prove(commands)


def _add_protect(commands):
    parser = _add(
        commands,
        "protect",
        run_protect,
        "marks images of any size, or all images of a folder and its sub-folders",
        "Gray images stay gray; transparency, EXIF, color profile and other metadata are kept; "
        "the EXIF orientation is applied. A file is written whole or not at all, and the images "
        "themselves are never replaced. What exists in OUT is left alone, so that a second run "
        "goes on where the first one ended. What is written is read back: similarity 1 is the "
        "whole watermark, 0 nothing of it. Exit codes: 0 done, 2 error, also if one image failed.",
        [
            "tfwm barrier protect photos/ -o marked/ --barrier barrier-derain",
            "tfwm barrier protect photo.jpg -o marked.png --barrier runs/mine/mine --strength 1.5",
        ],
        "images to mark",
        output="folder to write to; for one image, file that ends in .png .webp .tif (lossless) "
        ".jpg or .avif",
    )
    add_strength(parser)
    add_format(parser)


def _add_read(commands):
    _add(
        commands,
        "read",
        run_read,
        "writes what a barrier reads from images, as pictures",
        "From a marked image, or the output of a network that was trained on marked ones, the "
        "watermark; from others a blank.",
        [
            "tfwm barrier read found.jpg -o read.png --barrier barrier-derain",
            "tfwm barrier read found/ -o read/ --barrier runs/mine/mine --json",
        ],
        "images to read",
        output="folder for the pictures (PNG); for one image, the file",
    )


def _add_prove(commands):
    parser = _add(
        commands,
        "prove",
        run_prove,
        "tells whether images carry the mark, such as outputs of a network that may be a copy",
        "Compares what is read from them with what is read from images of the same kind that are "
        "certainly unmarked, such as outputs of other networks. p is the probability that "
        "unmarked images rank as high (Mann and Whitney's test). Exit codes: 0 proven, 1 not "
        "proven, 2 error.",
        [
            "tfwm barrier prove found/ --unmarked others/ --barrier barrier-derain",
            "tfwm barrier prove found/*.png --unmarked net1/ net2/ --barrier runs/mine/mine --json",
        ],
        "suspected images",
        "SUSPECT",
    )
    add_unmarked(parser, required=True)
    add_false_positive_rate(parser)


def _add(commands, name, run, summary, details, examples, what, metavar="IMAGE", output=None):
    """Adds a command that takes images and a barrier, and may write; returns its parser."""
    parser = add_command(commands, name, run, summary, details, examples)
    what += ": one, several, or a folder"
    parser.add_argument("files", nargs="+", metavar=metavar, help=what)
    if output:
        parser.add_argument("-o", "--output", metavar="OUT", required=True, help=output)
        parser.add_argument("--overwrite", action="store_true", help="replace what exists in OUT")
    parser.add_argument(
        "--barrier",
        metavar="BARRIER",
        required=True,
        help="a barrier's name (tfwm list), or the folder of one that a recipe wrote",
    )
    add_json(parser)
    return parser


def run_protect(options):
    from tfwm.batch.jobs import assign_files

    how = options.format or "keep", options.quality
    barrier = _load(options, assign_files, options.output, *how, options.overwrite)
    from tfwm.protection import protect_files

    with show_progress() as progress:
        rows = protect_files(
            barrier,
            options.files,
            options.output,
            strength=options.strength,
            quality=options.quality,
            file_format=options.format or "keep",
            overwrite=options.overwrite,
            progress=progress,
        )
    return _tell(options, rows, "psnr", "PSNR {:.1f} dB")


def run_read(options):
    from tfwm.batch.jobs import assign_files

    barrier = _load(options, assign_files, options.output, "png", None, options.overwrite)
    from tfwm.protection import read_files

    with show_progress() as progress:
        rows = read_files(
            barrier, options.files, options.output, overwrite=options.overwrite, progress=progress
        )
    return _tell(options, rows, "nc", "NC {:.3f}")


def run_prove(options):
    from tfwm.batch.jobs import find_photos

    find_unmarked(options.unmarked)
    barrier = _load(options, find_photos)
    from tfwm.protection import prove_files

    with show_progress() as progress:
        found = prove_files(
            barrier,
            options.files,
            options.unmarked,
            false_positive_rate=options.false_positive_rate,
            progress=progress,
        )
    if options.json:
        print_json({"barrier": options.barrier, **found.to_dict()})
    else:
        for note in found.notes:
            tell("note", note)
        say(found)
    return 0 if found.proven else 1


def _load(options, check, *how):
    check(options.files, *how)  # what is wrong is said before seconds of loading
    start_for(options.barrier, kind="barrier")
    from tfwm.protection import load_barrier

    return load_barrier(options.barrier)


def _tell(options, rows, measure, words):
    """Prints what was done; returns the exit code."""
    count = counts(rows)
    exit_code = 2 if count["failed"] else 0
    if options.json:
        print_json({"barrier": options.barrier, "output": options.output, **count, "files": rows})
        return exit_code
    done = [row for row in rows if row["status"] == "done"]
    if measure == "nc":
        for row in done:
            name, value = in_one_line(row["output"]), words.format(row["nc"])
            say(f"{name}: similarity {row['similarity']:.3f}, {value}")
    line = ", ".join(f"{n} {status}" for status, n in count.items())
    line += f"; {in_one_line(options.output)}"
    if done:
        similarities = [row["similarity"] for row in done]
        mean = words.format(fmean(row[measure] for row in done))
        line += f"; {mean}, similarity {fmean(similarities):.3f}"
        line += f" (least {min(similarities):.3f})" if len(done) > 1 else ""
    say(line)
    return exit_code
