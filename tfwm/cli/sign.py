"""`tfwm sign`: marks photos and writes signed C2PA manifests into them."""

from tfwm.cli.embed import add_marking, run_embed
from tfwm.cli.options import add_command, add_json, add_network, load_watermarker
from tfwm.console import in_one_line, say, tell

TEST_NOTE = (
    "signed with a test certificate, which says nothing about who signed: --certificate and "
    "--private-key take your own"
)


def add_sign(subparsers):
    parser = add_command(
        subparsers,
        "sign",
        run_sign,
        "marks a photo, or all photos of a folder, and writes a signed C2PA manifest into them",
        "The manifest (Content Credentials) says what was done, by which program, and what the "
        "picture is; its soft binding names the mark, which leads back to the manifest where a "
        "platform takes the metadata out. The message is an id of 8 random bytes, unless one is "
        "given; it stands in the manifest, which everybody can read. A manifest that a photo has "
        "is kept as its parent's. The digital source type is written into the XMP as well. What "
        "is written is read back before it is put in place: the mark, the signature and the hash "
        "of the file. JPEG, PNG, WebP, TIFF, AVIF, HEIC, JPEG XL and GIF. Folders, --check and "
        "the report are as with `tfwm embed`. Exit codes: 0 done, 1 a photo does not pass --check, "
        "2 error.",
        [
            "tfwm sign photo.jpg -o signed.jpg --test-certificate",
            "tfwm sign out.png -o signed.png --certificate chain.pem --private-key key.pem "
            "--key-file my.key --source-type trainedAlgorithmicMedia --generator 'acme-diffusion "
            "3.1'",
            "tfwm sign photos/ -o signed/ --certificate chain.pem --private-key key.pem --key-file "
            "my.key",
        ],
    )
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="one, several, or a folder; - is standard input"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file to write, or a folder for several photos; - is the standard output",
    )
    _add_signer(parser)
    _add_claims(parser)
    parser.add_argument(
        "--store",
        metavar="FILE",
        help="keep the manifest in FILE too, which is made if it is missing: `tfwm inspect "
        "--store` finds it for a copy without metadata, and `tfwm store serve` lets others do so",
    )
    add_marking(parser, _open_watermarker, _tell_manifest, _new_id)
    add_network(parser)
    add_json(parser)


def _add_signer(parser):
    group = parser.add_argument_group("signer")
    group.add_argument(
        "--certificate",
        metavar="FILE",
        help="PEM file of your certificate and those of the authorities above it, without the root",
    )
    group.add_argument("--private-key", metavar="FILE", help="PEM file of its private key")
    group.add_argument(
        "--password-file", metavar="FILE", help="take the private key's password from FILE"
    )
    group.add_argument(
        "--test-certificate",
        action="store_true",
        help="sign with a test certificate, which is made on this computer and names itself a "
        "test, to try things out",
    )
    group.add_argument(
        "--time-authority",
        metavar="URL",
        help="RFC 3161 service that stamps the time of the signing, so that the signature holds "
        "when the certificate has expired; by default none is asked, and no network is used. One "
        "that does not answer holds up each photo for 30 to 90 seconds, and it is not written",
    )


def _add_claims(parser):
    from tfwm.provenance.source_types import SOURCE_TYPES

    group = parser.add_argument_group("what the manifest says")
    group.add_argument(
        "--source-type",
        metavar="TYPE",
        help=f"IPTC's digital source type of the picture: {', '.join(SOURCE_TYPES)}. Without one, "
        "nothing is said of its origin",
    )
    group.add_argument(
        "--generator", metavar="NAME", help="program or model that made it, its version at the end"
    )
    group.add_argument("--title", help="of the picture; by default its file's name")
    group.add_argument(
        "--parent", metavar="FILE", help="the picture that it was made of, if it is not PHOTO"
    )
    group.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="FILE",
        help="a picture of which parts were put in; may be repeated",
    )
    group.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="FILE",
        help="a picture that the model was given; may be repeated",
    )
    group.add_argument(
        "--assertions",
        metavar="FILE.json",
        help="further assertions of C2PA: an object of content by label",
    )


def run_sign(options):
    from tfwm.files import refuse_same

    if options.store and options.output:
        refuse_same(options.output, options.store)
    options.signer = _signer(options)  # what is wrong with it is told before the work
    options.claims = _claims(options)
    code = run_embed(options)
    if not code and not options.check:
        tell("note", TEST_NOTE if options.signer.is_test else _until(options.signer))
    return code


def _until(signer):
    if signer.time_authority:
        return f"signed by {signer.name}, with a time stamp of {signer.time_authority}"
    return (
        f"without a time stamp, the signature holds until {signer.expires}, when the certificate "
        "expires: --time-authority asks for one"
    )


def _new_id():
    from tfwm.provenance import new_id

    return new_id()


def _open_watermarker(options):
    from tfwm.provenance import SigningWatermarker

    network = load_watermarker(options).network
    return SigningWatermarker(network, options.signer, options.claims, options.store)


def _signer(options):
    from tfwm.files import read_bounded
    from tfwm.provenance import load_signer, make_test_signer
    from tfwm.provenance.chains import LARGEST

    own = options.certificate, options.private_key
    authority = options.time_authority
    if options.test_certificate:
        if any(own):
            raise ValueError("--test-certificate goes without --certificate and --private-key.")
        return make_test_signer(time_authority=authority)
    if not all(own):
        raise ValueError(
            "Expected who signs: --certificate FILE and --private-key FILE, or --test-certificate "
            "to try things out."
        )
    password = None
    if options.password_file:
        password = read_bounded(options.password_file, LARGEST, "The password's file")
        password = password.rstrip(b"\r\n")
    return load_signer(*own, password=password, time_authority=authority)


def _claims(options):
    from tfwm.cli.embed import KINDS
    from tfwm.provenance import Claims

    given = any(getattr(options, name) is not None for name in (*KINDS, "messages"))

    return Claims(
        source_type=options.source_type,
        generator=options.generator,
        title=options.title,
        assertions=_assertions(options.assertions) if options.assertions else {},
        components=tuple(options.component),
        inputs=tuple(options.input),
        parent=options.parent,
        drawn=not given,
    )


def _assertions(path):
    from tfwm.checks import shortened
    from tfwm.files import read_bounded
    from tfwm.networks.strict_json import parse_json
    from tfwm.provenance.chains import LARGEST

    try:
        found = parse_json(read_bounded(path, LARGEST, "The file of assertions"))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"Expected an object of content by label in {path}. Received: {shortened(found)}"
        )
    return found


def _tell_manifest(report):
    manifest = report.manifest
    what = f", {manifest.source_type}" if manifest.source_type else ""
    say(
        f"  manifest {manifest.label}, signed by {in_one_line(manifest.signed_by)}{what}\n"
        f"  soft binding {report.algorithm} {report.value}"
    )
