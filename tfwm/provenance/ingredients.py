"""The pictures that another one is made of, with their manifests."""

import os
from typing import NamedTuple

from tfwm.images import ImageError
from tfwm.images.kinds import HEAD_BYTES, MIME_TYPES, kind_of
from tfwm.images.sources import opened
from tfwm.provenance.manifest import COMPONENT, INPUT, PARENT
from tfwm.provenance.reading import ManifestReport, read_manifest


class Source(NamedTuple):
    """A picture that another one is made of, with its manifest.

    Args:
        relation: `"parentOf"`, `"componentOf"` or `"inputTo"`.
        name: identifier in the manifest.
        data: bytes of its file.
        title: name of the file, or `None`.
        manifest: its `ManifestReport`, or `None`.
    """

    relation: str
    name: str
    data: bytes
    title: str | None = None
    manifest: ManifestReport | None = None

    @property
    def source_type(self):
        """What its manifest says that it is, or `None`."""
        return self.manifest and self.manifest.source_type


def read_sources(claims, old=None):
    """Yields the `Source`s of a picture: its parent, components and inputs.

    Args:
        claims: `Claims`.
        old: manifest of a parent that is given as bytes, if it was read already.
    """
    groups = (
        (PARENT, () if claims.parent is None else (claims.parent,)),
        (COMPONENT, claims.components),
        (INPUT, claims.inputs),
    )
    for relation, sources in groups:
        for number, source in enumerate(sources):
            with opened(source) as (file, name):
                data = file.read()
            is_known = relation == PARENT and old is not None and isinstance(source, bytes)
            manifest = old if is_known else read_manifest(data)
            title = title_of(name) if isinstance(source, str | os.PathLike) else None
            yield Source(relation, f"{relation}{number}", data, title, manifest)


def title_of(path):
    """The name of a file as text that JSON holds; a byte that is no UTF-8 becomes `?`."""
    return os.path.basename(path).encode("utf-8", "replace").decode()


def mime_of(data):
    kind = kind_of(data[:HEAD_BYTES])
    if kind not in MIME_TYPES:
        raise ImageError(
            f"Expected ingredients of the formats {', '.join(MIME_TYPES)}. Received: "
            f"{kind or 'an unknown one'}"
        )
    return MIME_TYPES[kind]
