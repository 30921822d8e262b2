"""The files of one network: inside its folder, of bounded size, and compared as they are read."""

import functools
import hashlib
import warnings
from pathlib import Path

from tfwm.networks.card import CARD, parse_card
from tfwm.networks.inside import read_inside
from tfwm.networks.manifest import MANIFEST, compare, parse_manifest, shipped_networks
from tfwm.networks.signing import SIGNATURE, read_public_keys, signer_of, signers_file
from tfwm.resources import resource_directory


class NetworkFiles:
    """The files of one network's folder.

    A name stays inside the folder, also behind symbolic links. What is read is what was compared
    with the checksums: each file is read once, into memory.

    Args:
        folder: a network's folder, or a symbolic link to one.
        trust: whether its SavedModel may be run though it does not come with tfwm.

    Attributes:
        folder: `pathlib.Path`.
        listed: dict of names, sizes and SHA-256: of the networks that come with tfwm as the
            package holds them, else from `manifest.json`; `None` without one.
        shipped: whether its files are compared with those that come with tfwm.

    Example:

    >>> from tfwm.networks import network_directory
    >>> NetworkFiles(network_directory("redmark-mt")).card["name"]
    'redmark-mt'
    """

    def __init__(self, folder, trust=False):
        self.folder = Path(folder)
        self.trust = trust
        pinned = shipped_networks()
        self._own = pinned.get(self.folder.name) if _is_in_package(self.folder) else None
        self.listed, self.shipped = self._own, self._own is not None
        self._manifest = None
        if not self.shipped and (self.folder / MANIFEST).exists():
            self._manifest = read_inside(self.folder, MANIFEST)
            self.listed = parse_manifest(self._manifest, self.folder / MANIFEST)
            digest = hashlib.sha256(self._manifest).hexdigest()
            self.shipped = any(x[MANIFEST]["sha256"] == digest for x in pinned.values())

    @classmethod
    def of(cls, folder, trust=False):
        """Returns the files of a folder; `folder` itself if it is such files already."""
        return folder if isinstance(folder, cls) else cls(folder, trust)

    @functools.cached_property
    def card(self):
        """The checked card, `{}` if there is none."""
        if not (self.folder / CARD).exists():
            return {}
        return parse_card(self.read(CARD), self.folder / CARD)

    def read(self, name):
        """Returns the bytes of a file, compared with its checksum if there is one.

        Args:
            name: path inside the folder, with `/`.
        """
        data = read_inside(self.folder, name)
        if self.listed is not None:
            where = MANIFEST if self._own is None else "tfwm, with which it comes"
            problem = compare(name, data, self.listed, where)
            if problem:
                raise ValueError(
                    f"The network {self.folder} is damaged: {problem}. Install or export it again."
                )
        return data

    def trusted(self):
        """Whether its SavedModel may be run: it comes with tfwm, or the user trusts it."""
        return self.shipped or self.trust or self.signer() is not None

    def signer(self, keys=None):
        """Returns who signed the manifest, or `None` if nobody whose key is known.

        Args:
            keys: file of public keys; by default the user's own file of signers.
        """
        if keys is None and not signers_file().exists():
            return None
        known = read_public_keys(keys or signers_file())
        if self._manifest is None or not (self.folder / SIGNATURE).exists():
            return None
        return signer_of(self._manifest, read_inside(self.folder, SIGNATURE), known)

    def warn_if_uncompared(self):
        """Warns, in one line, if there is nothing to compare the files with."""
        if self.listed is None:
            warnings.warn(
                f"The network {self.folder} has no {MANIFEST}: its files were compared with no "
                "checksums, a damaged or exchanged one is not noticed.",
                stacklevel=3,
            )


def _is_in_package(folder):
    try:
        return folder.resolve().parent == resource_directory("saved_models").resolve()
    except FileNotFoundError:
        return False
