"""Everything that a picture says of its origin, and whether the layers agree."""

import contextlib
import dataclasses

from tfwm import fingerprints
from tfwm.checks import one_line
from tfwm.images import ImageError, decode_any
from tfwm.images.sources import opened
from tfwm.marking import Extraction
from tfwm.marking.filtered import is_filtered
from tfwm.marking.uncut import is_whole, whole_size
from tfwm.networks import network_names
from tfwm.provenance.client import StoreClient
from tfwm.provenance.fetch import ServiceError
from tfwm.provenance.fields import origin_fields, told_source_type
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.recovery import Recovery, recover, signed_fingerprint
from tfwm.provenance.signpost import Signpost, read_signpost
from tfwm.provenance.stamp import Stamp
from tfwm.provenance.verdict import Verdict, judge
from tfwm.signatures import read_keys
from tfwm.watermarker import DEFAULT_NETWORK, FALSE_POSITIVE_RATE, load

NO_KEY = "marks with a secret key: without the key, nobody can tell whether there is one"
FURTHER = {
    "none": "whether the picture is a copy of a marked one that was cut, turned, mirrored or, "
    "below 0.4 megapixels, resized: --search crop, scale, rotate or all look further",
    "crop": "whether the picture is a copy of a marked one at another scale, cut as well, or "
    "turned: --search scale, rotate or all look further",
    "scale": "whether the picture is a turned copy of a marked one: --search rotate or all",
    "rotate": "whether the picture is a copy of a marked one that was turned and scaled at once: "
    "--search all",
}
NO_STORE = "whether a store knows a manifest of this picture (none was named)"
NOT_SENT = (
    "what the service itself, with a key of its own, reads in the picture, which was not sent: "
    "--send-picture sends its pixels, without metadata"
)


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Everything that a picture says of its origin.

    Args:
        name: of the file.
        verdict: `Verdict` over all layers.
        manifest: `ManifestReport` of the file; `None` if it has none, or if it was not looked for.
        mark: `tfwm.marking.Extraction`; `None` if no mark was looked for.
        network: name of the network that looked for it.
        stamp: `Stamp`, if the mark's message is one of a generator.
        recovery: `Recovery`, what a store knows of the picture; or `None`.
        signpost: `Signpost`, whom the public part of the mark says to ask; or `None`.
        service: what a service answered that was sent the picture, see `StoreClient.verdict`: its
            word, which nothing here can check and no verdict here counts. `None` if it was not
            sent.
        service_error: why a service could not be asked, in one line; else `None`.
        fields: what metadata without a signature say, see `origin_fields`.
        notes: sentences about the file.
        unchecked: sentences about what was not.
    """

    name: str
    verdict: Verdict
    manifest: ManifestReport | None = None
    mark: Extraction | None = None
    network: str | None = None
    stamp: Stamp | None = None
    recovery: Recovery | None = None
    signpost: Signpost | None = None
    service: dict | None = None
    service_error: str | None = None
    fields: dict = dataclasses.field(default_factory=dict)
    notes: tuple = ()
    unchecked: tuple = ()

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        layers = "verdict", "manifest", "mark", "recovery", "signpost"
        values = {name: getattr(self, name) for name in layers}
        values = {name: layer and layer.to_dict() for name, layer in values.items()}
        stamp = self.stamp and dataclasses.asdict(self.stamp)
        lists = {name: list(getattr(self, name)) for name in ("notes", "unchecked")}
        rest = {name: getattr(self, name) for name in ("service", "service_error", "network")}
        rest |= {"stamp": stamp, "metadata": self.fields}
        return {"photo": self.name, **values, **rest, **lists}


def inspect(
    source,
    *,
    key=None,
    public_keys=None,
    watermarker=None,
    network=None,
    store=None,
    trust_anchors=None,
    search="none",
    false_positive_rate=FALSE_POSITIVE_RATE,
    damaged=False,
    lane=None,
    progress=None,
) -> Inspection:
    """Tells everything that a picture says of its origin, and whether the layers agree.

    No network is used, unless `store` is an address. The picture is not sent there, unless it was
    opened with `send_picture` and no mark was read here. Where the service cannot be asked, the
    answer is what can be told without it, and `unchecked` and `service_error` say why.

    Args:
        source: path of a picture, bytes of a file, or binary file object.
        key: secret text or bytes of the mark; with `None`, marks without a key are read.
        public_keys: of those who may have signed the picture, see `tfwm.Watermarker.extract`.
        watermarker: `tfwm.Watermarker`, for many pictures by one network.
        network: name of the network that reads the mark; by default the one that the manifest
            names, else `photo`.
        store: `tfwm.provenance.ManifestStore`, or what `open_store` returns for an address.
        trust_anchors: see `read_manifest`.
        search: how far to look for the mark, see `tfwm.Watermarker.extract`. `"none"`, which takes
            a fraction of a second, finds it in copies that were saved again or resized.
        false_positive_rate: see there, as `damaged` and `progress`.
        lane: makes a context manager in which networks are used, which do not serve two threads.

    Returns:
        `Inspection`.

    Raises:
        ImageError: the file cannot be opened, or it is no picture and has no manifest.

    Example:

    >>> signer = make_test_signer("certificate")
    >>> report = sign("photo.jpg", "signed.jpg", signer=signer, key="secret")
    >>> found = inspect("signed.jpg", key="secret")
    >>> found.verdict.conclusion, found.mark.message == report.message
    ('signed', True)
    """
    public_keys = read_keys(public_keys, key)
    with opened(source) as (file, name):
        data = file.read()
    layers, unchecked = {}, []
    manifest = layers["manifest"] = _manifest(data, trust_anchors, unchecked)
    try:
        photo = decode_any(data, name, damaged)
    except ImageError as error:
        if manifest is None:
            raise
        unchecked.append(f"the mark and the metadata: {one_line(error)}")
        return Inspection(name, judge(manifest=manifest), manifest, unchecked=tuple(unchecked))
    if watermarker is None:
        watermarker = load(network) if network else _reader_of(manifest, unchecked)
    how = {"search": search, "false_positive_rate": false_positive_rate, "progress": progress}
    with lane() if lane else contextlib.nullcontext():
        mark = watermarker.extract(photo, key=key, public_keys=public_keys, **how)
        layers["mark"] = mark
        signpost = layers["signpost"] = _signpost(photo, watermarker, mark)
        filled = None
        if manifest is None or not manifest.holds:  # else, nothing says that it is a copy
            host = signpost and signpost.host
            filled = whole_size(watermarker, photo, mark, key, host)
    if key is None:
        unchecked.append(NO_KEY)
    if not mark.found and search != "all":
        unchecked.append(FURTHER[search])
    how = watermarker.network.name, trust_anchors, filled
    layers["recovery"], service, failure = _asked(photo, store, mark, unchecked, *how)
    fields = origin_fields(photo)
    shows = _shows_what_was_signed(photo, manifest, mark, filled)
    verdict = judge(**layers, told=told_source_type(fields), picture=shows)
    return Inspection(
        name,
        verdict,
        **layers,
        network=watermarker.network.name,
        service=service,
        service_error=failure,
        stamp=Stamp.parse(mark.message) if mark.accepted else None,
        fields=fields,
        notes=tuple(photo.notes),
        unchecked=tuple(unchecked),
    )


def _manifest(data, trust_anchors, unchecked):
    try:
        found = read_manifest(data, trust_anchors=trust_anchors)
    except ImportError as error:
        unchecked.append(f"the manifest: {one_line(error)}")
        return None
    unchecked += found.unchecked if found else ()
    return found


def _reader_of(manifest, unchecked):
    """A `Watermarker` of the network of ours that a manifest names, as far as there is one here.

    A stranger's text never becomes a path, nor keeps the rest from being told.
    """
    named = [binding.network for binding in manifest.soft_bindings] if manifest else []
    for name in (name for name in named if name in network_names()):
        try:
            return load(name).open()
        except (ImportError, OSError, ValueError) as error:
            told = one_line(error)
            unchecked.append(f"the mark of {name}, the network that the manifest names: {told}")
    return load(DEFAULT_NETWORK)


def _signpost(photo, watermarker, mark):
    if is_filtered(watermarker.network):  # its marks have none
        return None
    alignment = mark.alignment if mark.found and mark.corners is None else None
    try:
        return read_signpost(photo, watermarker, search="none", alignment=alignment)
    except ValueError:  # this network's marks have no room for one
        return None


def _asked(photo, store, mark, unchecked, *how):
    """`Recovery`, what a service says of the picture, and why it could not be asked."""
    recovery = service = failure = None
    try:
        if store is None:
            unchecked.append(NO_STORE)
        else:
            recovery = recover(photo, store, mark, *how)
            told = recovery.report.unchecked if recovery else ()
            unchecked += [line for line in told if line not in unchecked]
            service = _service(photo, store, mark, unchecked)
    except ServiceError as error:
        failure = one_line(error, 300)
        unchecked.append(f"whether the store or service knows this picture: {failure}")
    return recovery, service, failure


def _service(photo, store, mark, unchecked):
    """What a service says of a picture in which no mark was read here."""
    if not isinstance(store, StoreClient) or mark.found:
        return None
    if not store.send_picture:
        unchecked.append(NOT_SENT)
        return None
    return store.verdict(photo)


def _shows_what_was_signed(photo, manifest, mark, filled):
    """Whether a changed file still shows what its manifest was signed for, by the fingerprint."""
    changed = manifest is not None and manifest.signature_holds and not manifest.hash_holds
    signed = signed_fingerprint(manifest) if changed else None
    if signed is None:
        return None
    alignment = mark.alignment if mark.accepted else None
    whole = manifest.names(mark.message) and is_whole(filled, manifest.size)
    return fingerprints.compare(photo, signed, alignment, whole)
