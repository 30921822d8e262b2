"""Reads the C2PA manifest of a file, and checks its signature and hash, without any network."""

import contextlib
import dataclasses
import functools
import io
import json

from tfwm.checks import need
from tfwm.images.kinds import HEAD_BYTES, MIME_TYPES, kind_of
from tfwm.images.sources import opened
from tfwm.provenance.binding import LABEL, from_value, network_of
from tfwm.provenance.certificates import TEST_NAME
from tfwm.provenance.chains import EXTRA, LARGEST, USAGES, read_certificates
from tfwm.provenance.manifest import MARK
from tfwm.provenance.problems import HASHES, REMOTE, SIGNATURE, TRUST, line_of_error, lines_of
from tfwm.provenance.source_types import to_name

STORE_TYPE = "application/c2pa"
ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
# Nothing is fetched: a remote manifest, a revocation list.
SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "trust": {"trust_config": "\n".join(USAGES)},
}
# Boxes of a manifest store (JUMBF), PNG's chunk of it, and a link to one in XMP.
TRACES = b"jumb", b"jumd", b"caBX", b"c2pa", b"dcterms:provenance"
UNCHECKED = (
    "whether the certificate was revoked (no network)",
    "whether the signer may be trusted (no list of trusted authorities was given)",
    "whether what the manifest says of the picture is true: a signature shows who says it",
)


@dataclasses.dataclass(frozen=True)
class SoftBinding:
    """A soft binding that a manifest names.

    Args:
        algorithm: its name, such as `"org.tfwm.photo.1"`.
        value: in base64.
        network: that reads it, if it is a mark of tfwm's; else `None`.
        message: of that mark.
    """

    algorithm: str
    value: str
    network: str | None = None
    message: object = None


@dataclasses.dataclass(frozen=True)
class Ingredient:
    """A picture that another one was made of.

    Args:
        title: as the manifest calls it.
        relationship: `"parentOf"`, `"componentOf"` or `"inputTo"`.
        label: of its manifest; `None` if it had none.
        problem: why its manifest did not hold, in one line; `None` if it did or if it had none.
        source_types: what its manifest, if it held, and those of its parents say that it is.
    """

    title: str | None
    relationship: str
    label: str | None = None
    problem: str | None = None
    source_types: tuple = ()


@dataclasses.dataclass(frozen=True)
class ManifestReport:
    """What a manifest says, and whether it holds.

    Args:
        state: `"trusted"`, `"valid"` (it holds; the signer is unknown), `"invalid"` or
            `"unreadable"`.
        problem: why it does not hold, in one line; `None` if it does.
        problems: all that was found, a line each.
        signature_holds: whether the signature fits all that the manifest says.
        hash_holds: whether the file is the one that was signed; `None` without a file.
        trust: `"trusted"`, `"unknown"` or `"test certificate"`.
        label: of the active manifest, a URN.
        title: of the picture.
        generator: the program that wrote the manifest.
        made_with: the program or model that made the picture, as its first action says.
        signed_by: organization, or else common name, of the signer's certificate.
        common_name: of that certificate.
        issued_by: organization and common name of the authority that issued it.
        certificate_serial: its serial number.
        signed_at: the time in ISO form that a time stamp shows; `None` without one.
        source_type: name of IPTC's digital source type, of this manifest or its nearest parent.
        source_types: of this manifest and then its parents, as far as these held.
        actions: names of the actions, such as `"c2pa.created"`.
        soft_bindings: tuple of `SoftBinding`.
        size: `(width, height)` of the signed picture, if tfwm signed it.
        drawn: whether it says that the mark's message was drawn for this one picture.
        ingredients: tuple of `Ingredient`.
        remote_url: where the manifest lies, if it is not in the file.
        unchecked: sentences about what was not checked.
        raw: all that c2pa's reader says, a dict.
    """

    state: str
    problem: str | None = None
    problems: tuple = ()
    signature_holds: bool = False
    hash_holds: bool | None = None
    trust: str = "unknown"
    label: str | None = None
    title: str | None = None
    generator: str | None = None
    made_with: str | None = None
    signed_by: str | None = None
    common_name: str | None = None
    issued_by: str | None = None
    certificate_serial: str | None = None
    signed_at: str | None = None
    source_type: str | None = None
    source_types: tuple = ()
    actions: tuple = ()
    soft_bindings: tuple = ()
    size: tuple | None = None
    drawn: bool = False
    ingredients: tuple = ()
    remote_url: str | None = None
    unchecked: tuple = UNCHECKED
    raw: dict = dataclasses.field(default_factory=dict, repr=False)

    def names(self, message):
        """Returns whether a soft binding is that of a mark with this message."""
        return any(b.network and b.message == message for b in self.soft_bindings)

    @property
    def holds(self):
        """Whether signature and hash hold, and all else that C2PA asks for."""
        return self.state in ("trusted", "valid")

    def to_dict(self):
        """Returns plain values, ready for JSON, without `raw`."""
        from tfwm.payload import to_plain

        values = dataclasses.asdict(self)
        del values["raw"]
        for binding in values["soft_bindings"]:
            binding["message"] = to_plain(binding["message"])
        return values


def read_manifest(source, *, manifest=None, trust_anchors=None):
    """Reads a file's C2PA manifest and checks it; no network is used.

    Args:
        source: path, bytes of a file, or binary file object; `None` with `manifest` alone.
        manifest: bytes of a manifest store, such as one that was found again, in place of the
            file's own.
        trust_anchors: path of a PEM file of the authorities that are trusted.

    Returns:
        `ManifestReport`, or `None` if the file has no manifest.

    Raises:
        ImageError: the file cannot be opened.
    """
    if source is None:
        return _report(STORE_TYPE, io.BytesIO(manifest), None, trust_anchors, alone=True)
    with opened(source) as (file, _):
        head = file.read(HEAD_BYTES)
        file.seek(0)
        # Without a type, c2pa goes by the bytes.
        return _report(MIME_TYPES.get(kind_of(head)), file, manifest, trust_anchors)


def _report(mime, stream, manifest, trust_anchors, alone=False):
    c2pa = need("c2pa", EXTRA)
    context = _context(_authorities(trust_anchors))
    try:
        with c2pa.Reader(mime, stream, manifest, context=context) as reader:
            raw = json.loads(reader.json())
            raw["issuers"] = _issuers(json.loads(reader.crjson()))
            remote = reader.get_remote_url()
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError.NotSupported:
        return None
    except c2pa.C2paError as error:
        if manifest is None and not alone and not _has_traces(stream):
            return None  # a damaged file, or none that holds pictures, without a manifest
        line, url = line_of_error(error), REMOTE.search(str(error))
        return ManifestReport("unreadable", line, (line,), remote_url=url and url[1])
    return dataclasses.replace(_from_raw(raw, alone, trust_anchors), remote_url=remote or None)


def _has_traces(stream):
    """Whether a file that cannot be read has any of a manifest's bytes."""
    stream.seek(0)
    data = stream.read()
    return any(trace in data for trace in TRACES)


def _authorities(path):
    if path is None:
        return None
    return read_certificates(path, LARGEST, "The file of authorities").decode()


@functools.lru_cache(maxsize=8)
def _context(authorities):
    settings = {name: dict(values) for name, values in SETTINGS.items()}
    if authorities is not None:
        settings["trust"]["trust_anchors"] = authorities
    return need("c2pa", EXTRA).Context.from_dict(settings)


def _from_raw(raw, alone, trust_anchors):
    manifests = raw.get("manifests", {})
    active = manifests.get(raw.get("active_manifest"), {})
    failures = _failures(raw)
    if alone:  # there is no file that the hash could fit
        failures = [f for f in failures if not f["code"].startswith(HASHES)]
    problems = lines_of(failures)
    codes = {failure["code"] for failure in failures if not failure.get("ingredient")}
    signed = active.get("signature_info") or {}
    is_test = signed.get("issuer") == TEST_NAME
    trusted = not problems and not codes.intersection(TRUST)
    source_types = tuple(_source_types(active, manifests))
    return ManifestReport(
        state="trusted" if trusted else "invalid" if problems else "valid",
        problem=problems[0] if problems else None,
        problems=problems,
        signature_holds=bool(signed) and not codes.intersection(SIGNATURE),
        hash_holds=None if alone else not any(code.startswith(HASHES) for code in codes),
        trust="test certificate" if is_test else "trusted" if trusted else "unknown",
        label=active.get("label"),
        title=active.get("title"),
        generator=_generator(active),
        made_with=_made_with(active),
        signed_by=signed.get("issuer") or signed.get("common_name"),
        common_name=signed.get("common_name"),
        issued_by=raw.get("issuers", {}).get(active.get("label")),
        certificate_serial=signed.get("cert_serial_number"),
        signed_at=signed.get("time"),
        source_type=source_types[0] if source_types else None,
        source_types=source_types,
        actions=tuple(action.get("action", "?") for action in _actions(active)),
        soft_bindings=tuple(_soft_bindings(active)),
        size=_size(active),
        drawn=any(told.get("drawn") is True for told in _assertions(active, MARK)),
        ingredients=tuple(_ingredient(part, manifests) for part in active.get("ingredients", ())),
        unchecked=UNCHECKED if trust_anchors is None else (UNCHECKED[0], UNCHECKED[2]),
        raw=raw,
    )


def _failures(raw):
    """Those of the active manifest, and what changed for ingredients since."""
    results = raw.get("validation_results") or {}
    found = list((results.get("activeManifest") or {}).get("failure", ()))
    for delta in results.get("ingredientDeltas") or ():
        failures = (delta.get("validationDeltas") or {}).get("failure", ())
        found += ({**failure, "ingredient": True} for failure in failures)
    return found


def _generator(manifest):
    for entry in manifest.get("claim_generator_info") or ():
        return " ".join(str(entry[key]) for key in ("name", "version") if entry.get(key))
    return manifest.get("claim_generator")


def _assertions(manifest, *labels):
    for assertion in manifest.get("assertions", ()):
        # A second assertion of a kind is called c2pa.soft-binding__1.
        if str(assertion.get("label")).split("__")[0] in labels:
            if isinstance(assertion.get("data"), dict):
                yield assertion["data"]


def _actions(manifest):
    for data in _assertions(manifest, *ACTIONS):
        yield from (action for action in data.get("actions", ()) if isinstance(action, dict))


def _source_types(manifest, manifests, depth=0):
    """Of the last action that tells one; then of the parents, as long as these held."""
    told = [a["digitalSourceType"] for a in _actions(manifest) if a.get("digitalSourceType")]
    if told:
        yield to_name(str(told[-1]))
    for part in manifest.get("ingredients", ()):
        parent = manifests.get(part.get("active_manifest"))
        if part.get("relationship") == "parentOf" and parent and depth < 32:
            if not _problems_of(part):
                yield from _source_types(parent, manifests, depth + 1)


def _made_with(manifest):
    """The `softwareAgent` of the action that made the picture, a text or an object with a name."""
    for action in _actions(manifest):
        if action.get("action") in ("c2pa.created", "c2pa.opened"):
            agent = action.get("softwareAgent")
            if isinstance(agent, dict):
                agent = " ".join(str(agent[k]) for k in ("name", "version") if agent.get(k))
            return str(agent) if agent else None
    return None


def _soft_bindings(manifest):
    for data in _assertions(manifest, LABEL):
        algorithm, blocks = str(data.get("alg")), data.get("blocks")
        network = network_of(algorithm)
        for block in blocks if isinstance(blocks, list) else ():
            value = block.get("value") if isinstance(block, dict) else None
            if isinstance(value, str):
                yield SoftBinding(algorithm, value, network, network and from_value(value))


def _size(manifest):
    for told in _assertions(manifest, MARK):
        size = told.get("width"), told.get("height")
        if all(type(side) is int and side > 0 for side in size):
            return size
    return None


def _ingredient(raw, manifests):
    problems, label = _problems_of(raw), raw.get("active_manifest")
    told = () if problems else _source_types(manifests.get(label, {}), manifests)
    return Ingredient(
        raw.get("title"),
        raw.get("relationship", "componentOf"),
        label,
        problems[0] if problems else None,
        tuple(told),
    )


def _problems_of(raw):
    """Why the manifest of an ingredient did not hold when it was put in."""
    results = (raw.get("validation_results") or {}).get("activeManifest") or {}
    problems = lines_of(list(results.get("failure", ()))) if raw.get("active_manifest") else ()
    if not problems:
        with contextlib.suppress(TypeError):  # of older manifests, a list
            problems = lines_of(list(raw.get("validation_status") or ()))
    return problems


def _issuers(raw):
    """Who issued the signer's certificate, by the label of the manifest."""
    found = {}
    for manifest in raw.get("manifests") or ():
        certificate = (manifest.get("signature") or {}).get("certificateInfo") or {}
        issuer = certificate.get("issuer") or {}
        names = [str(issuer[key]) for key in ("CN", "O") if issuer.get(key)]
        found[manifest.get("label")] = ", ".join(names) or None
    return found
