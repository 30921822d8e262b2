"""Marks a picture and writes a signed C2PA manifest into it, in one call."""

import contextlib
import copy
import dataclasses
import functools
import io
import os

from tfwm.checks import need, one_line
from tfwm.databases import is_address, is_there
from tfwm.files import check_writable, refuse_same
from tfwm.fingerprints import ALGORITHM as FINGERPRINT
from tfwm.fingerprints import fingerprint
from tfwm.images import Animation, ImageError, decode_any, read_any
from tfwm.images.carried import CREDENTIALS
from tfwm.images.jxl import in_container
from tfwm.images.kinds import HEAD_BYTES, MIME_TYPES, kind_of
from tfwm.images.reading import SOURCES
from tfwm.images.sources import opened
from tfwm.images.xmp import SOURCE_TYPE, properties_of, with_property
from tfwm.marking.check import FileReport
from tfwm.provenance.binding import algorithm_of, fingerprint_binding, soft_binding, to_value
from tfwm.provenance.certificates import check_signer
from tfwm.provenance.chains import EXTRA
from tfwm.provenance.ingredients import mime_of, read_sources, title_of
from tfwm.provenance.manifest import (
    INPUT,
    PARENT,
    SETTINGS,
    Claims,
    definition,
)
from tfwm.provenance.problems import advice_on
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.recovery import keep
from tfwm.provenance.source_types import CAPTURED, GENERATED, to_name, to_uri
from tfwm.provenance.stamp import new_id
from tfwm.provenance.store import ManifestStore
from tfwm.watermarker import DEFAULT_NETWORK, Watermarker

NO_SOURCE_TYPE = (
    "the manifest says nothing of its origin: a source type, such as trainedAlgorithmicMedia, does"
)
AGAINST = (
    "its {what} says {made}, and the new manifest says {told}: `tfwm inspect` will tell that they "
    "do not agree"
)


@dataclasses.dataclass(frozen=True)
class SignReport(FileReport):
    """The result of marking and signing a file: a `tfwm.marking.FileReport`, and the manifest.

    Args:
        manifest: `ManifestReport` of the written file, read back.
        algorithm: name of the soft binding's algorithm.
        value: of the soft binding, by which the manifest is found again.
        store: bytes of the manifest store (JUMBF), to be kept for that.
        kept_in: `ManifestStore` that has it; `None` if it was not kept.
    """

    manifest: ManifestReport | None = None
    algorithm: str = ""
    value: str = ""
    store: bytes = dataclasses.field(default=b"", repr=False)
    kept_in: ManifestStore | None = dataclasses.field(default=None, repr=False)

    def withdraw(self):
        """Takes the manifest of a file that could not be written out of the store."""
        if self.kept_in is not None:
            with contextlib.suppress(OSError, KeyError):  # why it was not written is told
                self.kept_in.remove(self.manifest.label)

    def to_dict(self):
        """Returns plain values, ready for JSON, without `store` and `kept_in`."""
        values = super().to_dict()
        del values["store"], values["kept_in"]
        values["manifest"] = self.manifest.to_dict()
        return values | {"label": self.manifest.label}


class SigningWatermarker(Watermarker):
    """A `tfwm.Watermarker` whose files are signed: all that it writes has a C2PA manifest.

    So `embed_file`, `embed_bytes` and folder runs sign as well; `sign` is the short way.

    Args:
        network: see `tfwm.Watermarker`.
        signer: `Signer`, see `load_signer` and `make_test_signer`.
        claims: `Claims`, what is said of the pictures.
        store: `ManifestStore` that keeps each manifest before its file is written, so that a copy
            without metadata leads back to it (`recover`); or its path, where the file is made
            with the first manifest.
    """

    columns = "label", "algorithm", "value"

    def __init__(self, network, signer, claims=None, store=None):
        check_signer(signer)
        super().__init__(network)
        self.signer, self.claims = signer, claims or Claims()
        told = f"signed={signer.fingerprint}", *self.claims.settings()
        self.settings = " ".join(told)
        self._store, self._keeps = store, True
        if isinstance(store, str | os.PathLike):
            if is_there(store) or is_address(store):  # which is refused
                self._store = ManifestStore(store)
            else:
                check_writable(store)

    @property
    def store(self):
        """The `ManifestStore`, or `None`; its file is made here if it is missing."""
        if isinstance(self._store, str | os.PathLike):
            self._store = ManifestStore(self._store, create=True)
        return self._store

    def rehearsing(self):
        """Returns one that does the same, and keeps no manifest."""
        other = copy.copy(self)
        other._keeps = False
        return other

    def mark_file(self, source, output, message, options, lane=contextlib.nullcontext, **how):
        """Does what `Watermarker.mark_file` does, and signs; returns bytes and a `SignReport`."""
        self._refuse(output)
        photo, data, old = _read(source)
        claims = self._claims(photo, data, old, output)
        sources = list(read_sources(claims, old))
        encoded, mark = super().mark_file(photo, output, message, options, lane, **how)
        network = self.network.name
        encoded, store, manifest = write_manifest(
            encoded, message, network, self.signer, claims, sources
        )
        values = {field.name: getattr(mark, field.name) for field in dataclasses.fields(mark)}
        values["notes"] = (*_notes(mark, old), *_against(claims, sources))
        if not claims.source_type and old is None:
            values["notes"] += (NO_SOURCE_TYPE,)
        values["size"] = len(encoded)
        values |= {"algorithm": algorithm_of(network), "value": to_value(message)}
        report = SignReport(**values, manifest=manifest, store=store)
        if self._keeps and self.store is not None:
            keep(self.store, encoded, report, options.key)
            report = dataclasses.replace(report, kept_in=self.store)
        return encoded, report

    def _claims(self, photo, data, old, output):
        """What is said of one picture: its title, its own file as its parent."""
        claims = self.claims
        if claims.source_type:
            _tell_source_type(photo, to_uri(claims.source_type))
        kind = kind_of(data[:HEAD_BYTES]) if data else None
        if data and claims.parent is None and not claims.source_type and kind not in MIME_TYPES:
            raise ImageError(
                "Expected a source type, as with --source-type digitalCapture: a file of this "
                f"format cannot be kept as the parent, as {', '.join(MIME_TYPES)} can."
            )
        if claims.parent is None and data and (old is not None or not claims.source_type):
            claims = dataclasses.replace(claims, parent=data)
        if claims.parent is None and not claims.source_type:
            raise ValueError(
                "Expected a source_type of a picture that comes from no file: where it is from."
            )
        title = claims.title or (None if output is None else title_of(output))
        return dataclasses.replace(claims, title=title)

    def _refuse(self, output):
        """Raises `ValueError` if the file to write is the store."""
        store = getattr(self._store, "path", self._store)
        if store is not None and isinstance(output, str | os.PathLike):
            refuse_same(output, store)


def sign(
    source,
    target,
    *,
    signer,
    message=None,
    key=None,
    network=DEFAULT_NETWORK,
    claims=None,
    store=None,
    **options,
):
    """Marks a picture and writes a signed C2PA manifest into it.

    The marked file is read back before it is signed, and again afterwards; if mark, signature or
    hash do not hold, nothing is written. A manifest that the picture has becomes that of the
    parent. The digital source type stands in the XMP as well, for readers without C2PA.

    Args:
        source: path of a picture, bytes of a file, or binary file object; or a `PIL.Image.Image`,
            `tfwm.images.Photo` or array, see `tfwm.images.read_photo`.
        target: path of the file to write, whose ending chooses the format; or a binary file object,
            whose format is `file_format`.
        signer: `Signer`, see `load_signer` and `make_test_signer`.
        message: of the mark, see `tfwm.Watermarker.embed`; it stands in the manifest, which
            everybody can read. By default `new_id()`.
        key: secret text or bytes of the mark; with `None` everybody can read the mark.
        network: see `tfwm.Watermarker`.
        claims: `Claims`, what is said of the picture; by default nothing but its mark.
        store: `ManifestStore`, or its path, to keep the manifest in, see `recover`.
        **options: see `tfwm.Watermarker.embed_file`.

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
    if message is None:
        message, claims = new_id(), dataclasses.replace(claims or Claims(), drawn=True)
    marker = SigningWatermarker(network, signer, claims, store)
    return marker.embed_file(source, target, message, key=key, **options)


def write_manifest(encoded, message, network, signer, claims, sources=None):
    """Writes a signed manifest into the file of a picture that is marked already.

    Args:
        encoded: bytes of the file.
        message: of its mark.
        network: name of the network that marked it.
        signer: `Signer`.
        claims: `Claims`.
        sources: its pictures, if they were read already, see `read_sources`.

    Returns:
        `(encoded, store, report)`: bytes of the file, bytes of its manifest store, and the
        `ManifestReport` of the file, read back.

    Raises:
        ImageError: one line; the format holds no manifest, or what was written does not hold.
    """
    check_signer(signer)
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
    sources = list(read_sources(claims)) if sources is None else sources
    known = [(source.relation, source.name, source.source_type) for source in sources]
    bindings = [soft_binding(message, network)]
    photo = read_any(encoded)
    if shown := fingerprint(photo):
        bindings.append(fingerprint_binding(shown))
    content = definition(bindings, claims, known, mime, size=_size(photo))
    signed = io.BytesIO()
    try:
        with c2pa.Builder(content, context=_context()) as builder:
            for source in sources:
                told = {"relationship": source.relation, "label": source.name}
                told |= {"title": source.title} if source.title else {}
                builder.add_ingredient(told, mime_of(source.data), io.BytesIO(source.data))
            with signer.open() as opened_signer:
                store = builder.sign(opened_signer, mime, io.BytesIO(encoded), signed)
    except c2pa.C2paError as error:
        raise ImageError(
            f"The manifest could not be signed ({one_line(error, 160)}): {advice_on(error)}."
        ) from error
    report = read_manifest(signed.getvalue())
    if report is None or not report.holds:
        why = report.problem if report else "it is not there"
        why += ": check its assertions" if claims.assertions else ""
        raise ImageError(f"The manifest that was written does not hold: {why}.")
    return signed.getvalue(), store, report


def _size(photo):
    pixels = (photo.frames[0] if isinstance(photo, Animation) else photo).pixels
    return pixels.shape[1], pixels.shape[0]


@functools.cache
def _context():
    return need("c2pa", EXTRA).Context.from_dict(SETTINGS)


def _read(source):
    """`(photo, bytes of its file or None, its manifest or None)`."""
    if not isinstance(source, SOURCES) and not hasattr(source, "read"):
        return read_any(source), None, None
    with opened(source) as (file, name):
        data = file.read()
    old = read_manifest(data)
    return decode_any(data, name), data, old


def _tell_source_type(photo, uri):
    """The XMP says of the origin what the manifest says."""
    packet = photo.metadata.get("xmp") or b""
    before = properties_of(packet, [SOURCE_TYPE]).get(SOURCE_TYPE, uri)
    packet = with_property(packet, SOURCE_TYPE, uri)
    if packet is None:
        photo.notes.append("its XMP cannot be read: the source type stands in the manifest only")
        return
    photo.metadata["xmp"] = packet
    if to_name(before) != to_name(uri):
        told = to_name(before), to_name(uri)
        photo.notes.append("its XMP said {} of its origin, and says {} now".format(*told))


def _against(claims, sources):
    """Yields a sentence for each part that a model made of what is said to be captured."""
    for source in sources:
        if source.manifest is None or source.relation == INPUT:
            continue
        made = next((kind for kind in source.manifest.source_types if kind in GENERATED), None)
        if made and claims.source_type and to_name(claims.source_type) in CAPTURED:
            what = "manifest" if source.relation == PARENT else f"part {source.title or ''}".strip()
            yield AGAINST.format(what=what, made=made, told=to_name(claims.source_type))


def _notes(mark, old):
    """What became of the manifest that was there, and of the mark that it names."""
    if old is None:
        return mark.notes
    notes = [note for note in mark.notes if note != CREDENTIALS]
    why = f", though it does not hold: {old.problem}" if old.problem else ""
    notes.append(f"its manifest is kept as that of its parent{why}")
    for binding in old.soft_bindings:
        if binding.algorithm == FINGERPRINT:
            continue
        what = f"the watermark {binding.value} ({binding.algorithm})"
        if binding.network:
            notes.append(f"{what} that this manifest names lies under the new one now")
        else:
            notes.append(f"whether {what} that this manifest names outlives the new one is unknown")
    return tuple(notes)
