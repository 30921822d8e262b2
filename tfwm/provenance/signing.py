"""Marks a picture and writes a signed C2PA manifest into it, in one call."""

import dataclasses
import functools
import io
import os
import secrets
from pathlib import Path

from tfwm.checks import need, one_line
from tfwm.files import in_place, other_names
from tfwm.images import KEEP, ImageError, check_output, ending_of, read_any, write_encoded
from tfwm.images.carried import CREDENTIALS
from tfwm.images.jxl import in_container
from tfwm.images.kinds import HEAD_BYTES, MIME_TYPES, kind_of
from tfwm.images.sources import opened
from tfwm.images.xmp import SOURCE_TYPE, with_property
from tfwm.marking.check import EmbedOptions, FileReport
from tfwm.provenance.binding import algorithm_of, to_value
from tfwm.provenance.certificates import EXTRA
from tfwm.provenance.manifest import (
    COMPONENT,
    INPUT,
    PARENT,
    SETTINGS,
    Claims,
    definition,
)
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.source_types import to_uri
from tfwm.watermarker import load

ID_BYTES = 8


@dataclasses.dataclass(frozen=True)
class SignReport:
    """The result of marking and signing a file.

    Args:
        mark: `tfwm.marking.FileReport` of the marking.
        manifest: `ManifestReport` of the written file, read back.
        algorithm: name of the soft binding's algorithm.
        value: of the soft binding, by which the manifest is found again.
        store: bytes of the manifest store (JUMBF), to be kept for that.
        notes: sentences about what the file lost, kept or gained.
        size: of the file in bytes.
    """

    mark: FileReport
    manifest: ManifestReport
    algorithm: str
    value: str
    store: bytes = dataclasses.field(repr=False)
    notes: tuple = ()
    size: int | None = None

    def to_dict(self):
        """Returns plain values, ready for JSON, without `store`."""
        mark = {key: value for key, value in self.mark.to_dict().items() if key != "notes"}
        return {
            **mark,
            "size": self.size,
            "notes": list(self.notes),
            "soft_binding": {"algorithm": self.algorithm, "value": self.value},
            "manifest": self.manifest.to_dict(),
        }


def sign(
    source,
    target,
    *,
    signer,
    message=None,
    key=None,
    watermarker=None,
    claims=None,
    file_format=KEEP,
    overwrite=False,
    dry_run=False,
    progress=None,
    **options,
):
    """Marks a picture and writes a signed C2PA manifest into it.

    The marked file is read back before it is signed, and again afterwards; if mark, signature or
    hash do not hold, nothing is written. A manifest that the picture has becomes that of the
    parent. The digital source type stands in the XMP as well, for readers without C2PA.

    Args:
        source: path of a picture, bytes of a file, or binary file object.
        target: path of the file to write, whose ending chooses the format; or a binary file object,
            whose format is `file_format`.
        signer: `Signer`, see `load_signer` and `make_test_signer`.
        message: of the mark, see `tfwm.Watermarker.embed`; it stands in the manifest, which
            everybody can read. By default 8 random bytes, an id that no other picture has.
        key: secret text or bytes of the mark; with `None` everybody can read the mark.
        watermarker: `tfwm.Watermarker`; by default that of the network `photo`.
        claims: `Claims`, what is said of the picture; by default nothing but its mark.
        file_format: see `tfwm.Watermarker.embed_file`.
        overwrite: whether an existing file, the source too, may be replaced.
        dry_run: does everything but write.
        progress: called with the share done (0 to 1) and a line, for an animation.
        **options: see `tfwm.marking.EmbedOptions`.

    Returns:
        `SignReport`.

    Raises:
        ImageError: the picture cannot be read, marked, signed or written, in one line.

    Example:

    >>> signer = make_test_signer("certificate")
    >>> claims = Claims(source_type="trainedAlgorithmicMedia", generator="acme-diffusion 3.1")
    >>> report = sign("photo.jpg", "signed.jpg", signer=signer, key="secret", claims=claims)
    >>> report.manifest.state, report.manifest.source_type
    ('valid', 'trainedAlgorithmicMedia')
    """
    is_stream = hasattr(target, "write")
    options = EmbedOptions(key=key, **options)
    if not is_stream:
        check_output(target, options.quality, overwrite)
    encoded, report = sign_bytes(
        source,
        signer=signer,
        message=message,
        options=options,
        watermarker=watermarker,
        claims=claims,
        file_format=file_format,
        target=None if is_stream else target,
        progress=progress,
    )
    if dry_run:
        return dataclasses.replace(report, mark=dataclasses.replace(report.mark, output=None))
    if is_stream:
        target.write(encoded)
        return report
    write_encoded(encoded, in_place(source, target), overwrite)
    return dataclasses.replace(report, notes=(*report.notes, *other_names(source, target)))


def sign_bytes(
    source,
    *,
    signer,
    message=None,
    options=None,
    watermarker=None,
    claims=None,
    file_format=KEEP,
    target=None,
    progress=None,
):
    """Does what `sign` does, up to writing.

    Args:
        source: see `sign`, also for what is not named here.
        options: `tfwm.marking.EmbedOptions`, the key among them.
        target: path that the file is meant for, whose ending chooses the format; `None` for a file
            without a name.

    Returns:
        `(encoded, report)`: the bytes of the file, and its `SignReport`.
    """
    options, claims = options or EmbedOptions(), claims or Claims()
    watermarker = watermarker or load()
    message = secrets.token_bytes(ID_BYTES) if message is None else message
    with opened(source) as (file, name):
        data = file.read()
    old = read_manifest(data)
    photo = read_any(data)
    photo.name = name
    if claims.source_type:
        _tell_source_type(photo, to_uri(claims.source_type))
    output = target if target is not None else f"signed{ending_of(photo, file_format)}"
    encoded, mark = watermarker.mark_file(photo, output, message, options, progress=progress)
    has_parent = claims.parent is None and (old is not None or not claims.source_type)
    if has_parent:
        claims = dataclasses.replace(claims, parent=data)
    title = claims.title or (None if target is None else Path(target).name)
    claims = dataclasses.replace(claims, title=title)
    network = watermarker.network.name
    encoded, store, manifest = write_manifest(encoded, message, network, signer, claims)
    notes = [note for note in mark.notes if note != CREDENTIALS]
    notes += _told(old, claims)
    report = SignReport(
        mark=dataclasses.replace(mark, source=name),
        manifest=manifest,
        algorithm=algorithm_of(network),
        value=to_value(message),
        store=store,
        notes=tuple(notes),
        size=len(encoded),
    )
    return encoded, report


def write_manifest(encoded, message, network, signer, claims):
    """Writes a signed manifest into the file of a picture that is marked already.

    Args:
        encoded: bytes of the file.
        message: of its mark.
        network: name of the network that marked it.
        signer: `Signer`.
        claims: `Claims`.

    Returns:
        `(encoded, store, report)`: bytes of the file, bytes of its manifest store, and the
        `ManifestReport` of the file, read back.

    Raises:
        ImageError: one line; the format holds no manifest, or what was written does not hold.
    """
    c2pa = need("c2pa", EXTRA)
    kind = kind_of(encoded[:HEAD_BYTES])
    if kind not in MIME_TYPES:
        raise ImageError(
            f"Expected a format that holds a C2PA manifest: {', '.join(MIME_TYPES)}. "
            f"Received: {kind or 'an unknown one'}"
        )
    if kind == "JXL":
        encoded = in_container(encoded)
    mime = MIME_TYPES[kind]
    ingredients = list(_ingredients(claims))
    known = [(relation, name, kind) for relation, name, kind, _, _ in ingredients]
    content = definition(message, network, claims, known, mime)
    signed = io.BytesIO()
    try:
        with c2pa.Builder(content, context=_context()) as builder:
            for relation, name, _, title, data in ingredients:
                told = {
                    "relationship": relation,
                    "label": name,
                    **({"title": title} if title else {}),
                }
                builder.add_ingredient(told, _mime_of(data), io.BytesIO(data))
            with signer.open() as opened_signer:
                store = builder.sign(opened_signer, mime, io.BytesIO(encoded), signed)
    except c2pa.C2paError as error:
        raise ImageError(
            f"The manifest could not be signed ({one_line(error, 160)}): check the certificate, "
            "the key and, if there is one, the time-stamp service."
        ) from error
    report = read_manifest(signed.getvalue())
    if report is None or not report.holds:
        why = report.problem if report else "it is not there"
        raise ImageError(f"The manifest that was written does not hold: {why}.")
    return signed.getvalue(), store, report


@functools.cache
def _context():
    return need("c2pa", EXTRA).Context.from_dict(SETTINGS)


def _ingredients(claims):
    """`(relationship, identifier, source type, title, data)` of each."""
    groups = (
        (PARENT, () if claims.parent is None else (claims.parent,)),
        (COMPONENT, claims.components),
        (INPUT, claims.inputs),
    )
    for relation, sources in groups:
        for number, source in enumerate(sources):
            with opened(source) as (file, name):
                data = file.read()
            old = read_manifest(data)
            title = os.path.basename(name) if isinstance(source, str | os.PathLike) else None
            yield relation, f"{relation}{number}", old and old.source_type, title, data


def _mime_of(data):
    kind = kind_of(data[:HEAD_BYTES])
    if kind not in MIME_TYPES:
        raise ImageError(
            f"Expected ingredients of the formats {', '.join(MIME_TYPES)}. Received: "
            f"{kind or 'an unknown one'}"
        )
    return MIME_TYPES[kind]


def _tell_source_type(photo, uri):
    """The XMP says of the origin what the manifest says."""
    packet = with_property(photo.metadata.get("xmp"), SOURCE_TYPE, uri)
    if packet is None:
        photo.notes.append("its XMP cannot be read: the source type stands in the manifest only")
    else:
        photo.metadata["xmp"] = packet


def _told(old, claims):
    if old is None:
        return []
    if old.problem:
        return [
            f"its manifest, which does not hold ({old.problem}), is kept as it is, as its parent's"
        ]
    return ["its manifest is kept as that of its parent"]
