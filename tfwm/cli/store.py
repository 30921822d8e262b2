"""`tfwm store`: serve, list, export, remove."""

from tfwm.cli.options import (
    STANDARD,
    add_command,
    add_json,
    add_key,
    add_network,
    add_service,
    load_watermarker,
    number,
    read_key,
)
from tfwm.cli.output import print_json, write_stdout
from tfwm.console import in_one_line, say

STORE_HELP = "the file of the store, as `tfwm sign --store` writes it"
HEADS = "id", "time", "network", "key's fingerprint", "recipient"
PLACE_HELP = "a store's file, or the address of a service (https://...)"


def add_store(subparsers):
    parser = add_command(
        subparsers,
        "store",
        None,
        "manifests of signed photos: what gives stripped copies their manifests back",
        "`tfwm sign --store FILE` keeps the manifest of each photo that it signs, by the value of "
        "its mark and by a fingerprint of what it shows. `tfwm inspect --store FILE` finds it for "
        "a copy whose metadata a platform took out; `tfwm store serve` lets others do so. The "
        "store holds no key and no photo. Each command has its own --help.",
        [
            "tfwm sign photos/ -o signed/ --store manifests.db --test-certificate",
            "tfwm store list manifests.db",
            "tfwm store serve manifests.db --key-file my.key",
            "tfwm inspect copy.jpg --store http://127.0.0.1:8766 --key-file my.key",
        ],
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_list(commands)
    _add_export(commands)
    _add_remove(commands)


def _add_serve(commands):
    parser = add_command(
        commands,
        "serve",
        run_serve,
        "answers who asks for the manifest of a photo, by C2PA's Soft Binding Resolution API",
        "Anybody who reaches it may ask, by the value of a mark, by a fingerprint, or by sending a "
        "photo, and gets identifiers and manifests; nobody can write. With a key, photos that are "
        "sent are read with it; answers hold neither p-values nor confidences. Bodies, pixels and "
        "readings at a time are bounded. It speaks HTTP and listens on this computer only: for the "
        "world, put a proxy with TLS before it, and name what that is called with --public-url. "
        "Ctrl-C ends it.",
        [
            "tfwm store serve manifests.db --key-file my.key",
            "tfwm store serve manifests.db --host 0.0.0.0 --public-url https://c2pa.example.org",
        ],
    )
    parser.add_argument("store", metavar="STORE", help=STORE_HELP)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen at: 127.0.0.1 (the default) is this computer only, 0.0.0.0 all",
    )
    parser.add_argument(
        "--port",
        type=number(0, 65535, "a port from 0 to 65535", int),
        default=8766,
        metavar="N",
        help="8766 by default; 0 takes a free one",
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="what the service is called outside, such as https://c2pa.example.org: needed by "
        "other programs that ask where its API lies",
    )
    parser.add_argument(
        "--search",
        choices=("none", "crop", "scale", "rotate"),
        default="crop",
        help="how far to look for the mark in a photo that is sent, as with `tfwm extract`: crop "
        "by default, which takes a second of work",
    )
    add_key(parser, "secret key of the marks; without one, marks without a key are read")
    add_network(parser)


def run_serve(options):
    from tfwm.provenance.service import serve
    from tfwm.provenance.store import ManifestStore

    key = read_key(options)
    store = ManifestStore(options.store)
    serve(
        store,
        load_watermarker(options).open(),
        host=options.host,
        port=options.port,
        key=key,
        search=options.search,
        public_url=options.public_url,
        ready=lambda address: say(f"{address} (Ctrl-C ends it)", flush=True),
    )


def _add_list(commands):
    parser = _add(commands, "list", run_list, "lists the manifests that a store holds")
    add_json(parser)


def _add(commands, name, run, text, words=""):
    """A command of a store's file."""
    example = [f"tfwm store {name} manifests.db{words}"]
    parser = add_command(commands, name, run, text, examples=example)
    parser.add_argument("store", metavar="STORE", help=STORE_HELP)
    return parser


def run_list(options):
    from tfwm.provenance.store import ManifestStore

    records = ManifestStore(options.store).records()
    if options.json:
        print_json([record.to_dict() for record in records])
        return
    say("\t".join(HEADS))
    for record in records:
        cells = record.id, record.time, record.network, record.key, record.recipient or ""
        say("\t".join(map(in_one_line, cells)))


def _add_export(commands):
    parser = add_command(
        commands,
        "export",
        run_export,
        "writes a manifest to a file, as C2PA's tools read it beside a photo (.c2pa)",
        examples=["tfwm store export manifests.db urn:c2pa:51c29975 -o photo.c2pa"],
    )
    parser.add_argument("store", metavar="STORE", help=PLACE_HELP)
    parser.add_argument("id", metavar="ID", help="the manifest's identifier")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="file to write; - is standard output"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add_service(parser)


def run_export(options):
    from tfwm.files import check_new_file, refuse_same, write_whole
    from tfwm.provenance.client import open_store

    if options.output != STANDARD:
        check_new_file(options.output, options.overwrite)
        refuse_same(options.output, options.store)
    manifest = _known(options, open_store(options.store, follow=options.follow).manifest)
    if options.output == STANDARD:
        write_stdout(manifest)
    else:
        write_whole(options.output, manifest, options.overwrite)


def _add_remove(commands):
    text = "takes a manifest out of a store"
    parser = _add(commands, "remove", run_remove, text, " urn:c2pa:51c29975")
    parser.add_argument("id", metavar="ID", help="the manifest's identifier")


def run_remove(options):
    from tfwm.provenance.store import ManifestStore

    _known(options, ManifestStore(options.store).remove)


def _known(options, ask):
    try:
        return ask(options.id)
    except KeyError:
        raise ValueError(
            f"The store {options.store} has no manifest {options.id}: `tfwm store list` lists them."
        ) from None
