"""Finds the manifest of a picture without metadata, by its mark or by what it shows."""

import dataclasses
import hashlib

from tfwm import fingerprints
from tfwm.checks import shortened
from tfwm.marking.uncut import is_whole
from tfwm.payload import Key
from tfwm.provenance.binding import algorithm_of, network_of, to_value
from tfwm.provenance.fetch import ServiceError
from tfwm.provenance.reading import ManifestReport, read_manifest
from tfwm.provenance.store import MOST_RESULTS, Record

# So many manifests that share one value are looked into.
CANDIDATES = 8
MARK, LIKENESS = "watermark", "fingerprint"


@dataclasses.dataclass(frozen=True)
class Recovery:
    """A manifest that was found again.

    Args:
        by: what led to it: `"watermark"`, or `"fingerprint"`, which only says that the photo looks
            like the one that was signed.
        id: of the manifest.
        report: what it says, and whether its signature holds; there is no file that its hash
            could fit, as the copy was changed.
        names_binding: whether what was signed names the mark, or the fingerprint, that led to it.
        picture: whether the photo shows what was signed: `"same"`, `"another"`, `"unclear"` as for
            a crop, or `None` if no fingerprint was signed or stored.
        manifest: bytes of the manifest store.
        drawn: whether the mark's message was drawn for one picture, as what was signed says, and no
            other manifest names it.
    """

    by: str
    id: str
    report: ManifestReport
    names_binding: bool
    picture: str | None
    manifest: bytes = dataclasses.field(default=b"", repr=False)
    drawn: bool = False

    @property
    def holds(self):
        """Whether its signature holds, it names what led to it, and nothing speaks against it."""
        shown = self.picture != "another" if self.by == MARK else self.picture == "same"
        return self.report.holds and self.names_binding and shown

    def to_dict(self):
        """Returns plain values, ready for JSON, without the bytes."""
        values = {
            name: getattr(self, name) for name in ("by", "id", "names_binding", "picture", "drawn")
        }
        return {**values, "holds": self.holds, "report": self.report.to_dict()}


def recover(
    photo, store, found=None, network="photo", trust_anchors=None, filled=None
) -> Recovery | None:
    """Finds the manifest of a picture in a store or service.

    The mark's message is looked up first. Of several manifests that share it, that of the picture
    which the copy shows counts. If no message was read, the fingerprint of the photo is looked up.

    Args:
        photo: see `tfwm.images.read_photo`.
        store: `ManifestStore`, or what `open_store` returns for an address.
        found: `tfwm.marking.Extraction` of the photo's mark; `None` if it was not read.
        network: name of the network that read it.
        trust_anchors: see `read_manifest`.
        filled: size of the photo, if its mark lies all over it, see `whole_size`: only of such a
            photo `Recovery.picture` says that it is another one.

    Returns:
        `Recovery`, or `None` if the store has no manifest of it.

    Raises:
        ServiceError: one line; a service cannot be asked, or what a store has under the names of
            these manifests is something else.

    Example:

    >>> store = ManifestStore("manifests.db", create=True)
    >>> signer = make_test_signer("certificate")
    >>> report = sign("photo.jpg", "signed.jpg", signer=signer, key="secret", store=store)
    >>> found = tfwm.load().extract("signed.jpg", key="secret")  # or a copy without metadata
    >>> recover("signed.jpg", store, found).id == report.manifest.label
    True
    """
    matches, by, binding, own = look_up(photo, store, found, network, CANDIDATES)
    how = {"filled": filled if by == MARK else None, "trust_anchors": trust_anchors}
    return _best(store, matches, by, binding, own, **how)


def look_up(photo, store, found=None, network="photo", most=CANDIDATES, algorithm=None):
    """Asks a store by a picture's mark; if no message was read, by what the picture shows.

    Args:
        photo, store, found, network: see `recover`.
        most: largest number of matches.
        algorithm: name of a soft binding's algorithm, to ask by that one only.

    Returns:
        The `Match`es, `MARK` or `LIKENESS`, algorithm and value of the binding, and the picture's
        fingerprint, if it has one.
    """
    name = algorithm_of(network)
    if found is not None and found.authentic and algorithm in (None, name):
        # Never another picture's manifest in its place, however much alike they are.
        own, binding = fingerprints.fingerprint(photo, found.alignment), to_value(found.message)
        return store.find(name, binding, most=most, like=own), MARK, (name, binding), own
    own = fingerprints.fingerprint(photo)
    asked = fingerprints.ALGORITHM, own and fingerprints.to_value(own)
    matches = []
    if getattr(store, "send_picture", False):
        matches = store.by_content(photo, most)
    if not matches and own and algorithm in (None, asked[0]):
        matches = store.find(*asked, most=most)
    return matches, LIKENESS, asked, own


def keep(store, encoded, report, key=None, recipient=None):
    """Keeps the manifest of a signed file in a store.

    Args:
        store: `ManifestStore`.
        encoded: bytes of the signed file.
        report: its `SignReport`.
        key: of its mark; only the fingerprint is kept.
        recipient: to whom this copy is given.
    """
    record = Record(
        report.manifest.label,
        hashlib.sha256(encoded).hexdigest(),
        signed_fingerprint(report.manifest) or b"",
        network_of(report.algorithm),
        Key(key).fingerprint,
        recipient,
    )
    store.add(record, report.store, {report.algorithm: report.value})


def signed_fingerprint(report) -> bytes | None:
    """Returns the fingerprint that a manifest names as a soft binding, or `None`."""
    for binding in report.soft_bindings:
        if binding.algorithm == fingerprints.ALGORITHM:
            if value := fingerprints.from_value(binding.value):
                return value
    return None


def _best(store, matches, by, binding, own, filled, trust_anchors):
    """The first of the candidates that holds, else the first one."""
    candidates, unfit = [], []
    for match in matches[:MOST_RESULTS]:
        try:
            manifest = store.manifest(match.id, match.endpoint)
        except KeyError:
            continue  # it was taken out, or is promised only
        report = read_manifest(None, manifest=manifest, trust_anchors=trust_anchors)
        if report is None or report.label != match.id:
            unfit.append(match.id)  # the store answers with something else
            continue
        named = [(b.algorithm, b.value) for b in report.soft_bindings]
        names = binding in named if by == MARK else binding[0] in dict(named)
        signed = signed_fingerprint(report)
        whole = report.signature_holds and is_whole(filled, report.size)
        picture = None if signed is None else fingerprints.likeness(own, signed, whole)
        drawn = report.signature_holds and report.drawn and len(matches) == 1
        found = Recovery(by, match.id, report, names, picture, manifest, drawn)
        if found.holds and found.picture in ("same", None):
            return found
        candidates.append(found)
    if unfit and not candidates:
        raise ServiceError(
            f"The store {store.name} has another manifest than {shortened(unfit[0])}, or none that "
            "can be read, under this name: it was damaged or changed. Take it from a copy."
        )
    return min(candidates, key=lambda found: not found.holds, default=None)
