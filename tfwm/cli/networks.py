"""Commands about networks: list, export, verify, convert."""

import textwrap
from pathlib import Path

from tfwm.cli.options import (
    NETWORK_HELP,
    add_command,
    add_json,
    add_key,
    add_network,
    load_watermarker,
    read_key,
    start_for,
)
from tfwm.cli.output import counts, print_json, show_progress
from tfwm.console import in_one_line, say
from tfwm.startup import import_tensorflow


def add_list(subparsers):
    parser = add_command(
        subparsers,
        "list",
        run_list,
        "lists the networks that come with tfwm, with their kind",
        "Also lists the networks in the folder that the environment variable TFWM_NETWORKS names.",
        examples=["tfwm list", "tfwm list --json"],
    )
    add_json(parser)


def run_list(options):
    from tfwm.networks import KINDS, list_networks

    networks = list_networks()
    if options.json:
        print_json(list(networks.values()))
        return
    if not networks:
        say("No networks come with this installation.")
    for name, card in networks.items():
        text = textwrap.fill(card["description"], 96, subsequent_indent=" " * 4)
        use = f"{card['kind']}: {KINDS[card['kind']].what}"
        if card["kind"] == "message":
            use += f", strength {card['strength']['default']:g} by default"
        say(f"{name}\n    {text}\n    {use}")


def add_export(subparsers):
    parser = add_command(
        subparsers,
        "export",
        run_export,
        "writes a trained network of any kind as SavedModel and TFLite",
        "NETWORK is a name (tfwm list), or a folder with the two Keras files, as a run or an "
        "exported network has them. With a card.json there, all forms, golden tensors and "
        "checksums are written; without, the SavedModel OUT/1 and the Keras files. With --forms "
        "serving, each NETWORK becomes OUT/<name>/<version>, a SavedModel for TensorFlow Serving "
        "that takes and gives the bytes of photos, and OUT gets models.config and batching.config: "
        "what is in OUT stays, a network that is there gets a new version.",
        [
            "tfwm export runs/mt my-network",
            "tfwm export photo redmark-mt served --forms serving",
            "tfwm export keyed-colorize my-copy",
            "tfwm export runs/mt my-network --sign ~/.ssh/id_ed25519",
            "tfwm embed photo.jpg -o a.png --message Ada --network my-network",
        ],
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="NETWORK",
        help="name, or folder of the Keras models; several with --forms serving",
    )
    parser.add_argument("output", metavar="OUT", help="folder to write")
    parser.add_argument(
        "--forms",
        choices=("all", "serving"),
        default="all",
        help="all (the default): SavedModel, TFLite and Keras; serving: photos in and out, for "
        "TensorFlow Serving",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--sign",
        metavar="KEY",
        help="sign the checksums with a private Ed25519 key, as `ssh-keygen -t ed25519` writes it",
    )
    parser.add_argument(
        "--keras-only",
        action="store_true",
        help="compare all forms, but keep only the Keras files, which are the smallest",
    )


def run_export(options):
    if options.forms == "serving":
        return _export_for_serving(options)
    if len(options.sources) != 1:
        raise ValueError("Expected one network; --forms serving takes several.")
    (source,) = options.sources
    _check_new(options.output, options.overwrite)
    start_for(source)
    from tfwm.export import export_again

    path = export_again(source, options.output, options.sign, options.keras_only)
    say(f"{in_one_line(path)} is written")


def _export_for_serving(options):
    for name in ("sign", "keras_only", "overwrite"):
        if getattr(options, name):
            raise ValueError(f"--{name.replace('_', '-')} does not go with --forms serving.")
    start_for(*options.sources, kind="message")
    from tfwm.serving.export import export_for_serving

    for path in export_for_serving(options.sources, options.output):
        say(f"{in_one_line(path)} is written")


def add_verify(subparsers):
    parser = add_command(
        subparsers,
        "verify",
        run_verify,
        "verifies that networks are what they were when exported, or photos when marked",
        "Of a network of any kind, compares checksums, and stored outputs with those of Keras, "
        "SavedModel and TFLite; of a SavedModel that does not come with tfwm, only the operations "
        "are checked without --trust. Of a folder that `tfwm embed` marked, or its report, "
        "compares the digest of each photo, and reads its message with the key. The exit code "
        "is 1 if a check fails.",
        [
            "tfwm verify",
            "tfwm verify redmark-mt runs/mt/network --json",
            "tfwm verify downloaded --signer ada.pub",
            "tfwm verify marked/ --key-file my.key",
        ],
    )
    parser.add_argument(
        "networks",
        nargs="*",
        metavar="NETWORK",
        help=f"{NETWORK_HELP}; all by default. Or a folder of marked photos, or its report",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="the report of the marked photos, where it does not lie in their folder",
    )
    add_key(parser, "the secret key of marked photos")
    add_network(parser)
    parser.add_argument(
        "--signer",
        metavar="PUBLIC",
        help="file of OpenSSH public keys: one of them must have signed each network",
    )
    add_json(parser)


def run_verify(options):
    from tfwm.batch.verify import find_report

    reports = [find_report(name) for name in options.networks]
    if options.report or any(reports):
        if len(reports) != 1:
            raise ValueError("Expected one folder of marked photos, and no network beside it.")
        return _verify_photos(options, options.report or reports[0])
    for name in ("key", "key_file"):
        if getattr(options, name) is not None:
            raise ValueError("A key goes with a folder of marked photos that holds a report.")
    start_for(*options.networks)
    from tfwm.export import verify
    from tfwm.networks import network_names

    names = options.networks or network_names()
    if not names:
        raise ValueError("No networks come with this installation: name the folder of one.")
    reports = [verify(name, trust=options.trust, signer=options.signer) for name in names]
    if options.json:
        print_json([report.to_dict() for report in reports])
    else:
        say("\n".join(line for report in reports for line in report.lines()))
    return 0 if all(report.passed for report in reports) else 1


def _verify_photos(options, report):
    from tfwm.batch.verify import verify_folder

    folder = Path(options.networks[0])
    with show_progress() as progress:
        rows = verify_folder(
            load_watermarker(options),
            report,
            folder if folder.is_dir() else folder.parent,
            key=read_key(options),
            progress=progress,
        )
    count = counts(rows)
    if options.json:
        print_json(
            {"report": str(report), "as_written": count["done"], "failed": count["failed"]}
            | {"files": rows}
        )
    else:
        say(f"{count['done']} as written and read, {count['failed']} not; {in_one_line(report)}")
    return 1 if count["failed"] else 0


def add_convert(subparsers):
    parser = add_command(
        subparsers,
        "convert",
        run_convert,
        "turns weights that a paper's authors released into a network",
        "Of ReDMark a weight file (its authors state no licence: use the result for yourself), of "
        "StegaStamp the folder of the TensorFlow 1 SavedModel, as its authors publish it and their "
        "training code writes it. The weights are read without running it; with --trust it is run "
        "as well, and both must give the same.",
        [
            "tfwm convert redmark MT-Net.h5 official-mt --golden golden.npz",
            "tfwm convert stegastamp stegastamp_pretrained official-stegastamp --trust",
        ],
    )
    parser.add_argument("system", choices=("redmark", "stegastamp"), help="whose weights they are")
    parser.add_argument("weights", metavar="SOURCE", help="the released weight file or folder")
    parser.add_argument("output", metavar="OUT", help="folder to write; OUT/1 is the SavedModel")
    parser.add_argument(
        "--golden", metavar="FILE.npz", help="of redmark: stored outputs to compare with"
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="of stegastamp: run the original, to compare what both give. A SavedModel is a "
        "program; only operations that compute are run",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")
    add_json(parser)


def run_convert(options):
    redmark = options.system == "redmark"
    if options.trust if redmark else options.golden:
        name, system = ("--trust", "stegastamp") if redmark else ("--golden", "redmark")
        raise ValueError(f"{name} goes with {system}: leave it out.")
    _check_new(options.output, options.overwrite)
    for path in filter(None, (options.weights, options.golden)):
        if not Path(path).exists():
            raise ValueError(f"{path} does not exist: check the path.")
        if Path(path).is_dir() == redmark:
            wanted = "a file" if redmark else "the folder of a SavedModel"
            raise ValueError(f"Expected {wanted}. Received: {path}")
    import_tensorflow()
    from tfwm.convert import convert_redmark, convert_stegastamp

    if redmark:
        report = convert_redmark(options.weights, options.output, options.golden)
    else:
        report = convert_stegastamp(options.weights, options.output, options.trust)
    if options.json:
        print_json(report)
        return
    say(f"{in_one_line(report['path'])} is written")
    differences = report.get("differences", ())
    for row in differences if redmark else filter(None, [differences]):
        say("  " + ", ".join(f"{key} {value}" for key, value in row.items()))
    if not redmark and not options.trust:
        say("  Not compared with the original, which is a program: --trust runs it.")


def _check_new(folder, overwrite):
    from tfwm.files import check_writable

    folder = Path(folder)
    check_writable(folder)
    if folder.exists() and not overwrite:
        raise ValueError(f"{folder} exists: choose another name, or add --overwrite.")
    # The whole folder is replaced: --overwrite must not cost a run or a photo collection.
    is_network = any((folder / name).exists() for name in ("1", "card.json"))
    if folder.is_dir() and any(folder.iterdir()) and not is_network:
        raise ValueError(f"{folder} holds no exported network, it is kept: choose another name.")
