"""Marked files and their entries in a register, written together."""

import contextlib
import os
from pathlib import Path


class Keeper:
    """Writes the entry of each marked file in a register; without a register it does nothing.

    Args:
        register: `Register`, or its place, which is made if it is missing; or `None`.
        network: name of the network that marks.
        key: secret text or bytes of the marks.
        under: path or address of the file or folder that is written, which nobody else writes:
            what a killed program left of it in the register is put right first.
        digest_of: see `Register.settle`.
    """

    def __init__(self, register, network, key=None, under=None, digest_of=None):
        self.register, self._network, self._key = None, network, key
        if register is not None:
            from tfwm.register.register import open_register

            self.register = open_register(register, create=True)
            if under is not None:
                self.register.settle(under, digest_of)

    def writing(self, encoded, message, place, recipient=None, file=None):
        """Returns the context in which a marked file is written, see `Register.writing`.

        Args:
            encoded: bytes of the file.
            message: that it carries.
            place: path or address of the file, or a file object.
            recipient: to whom the copy is given.
            file: the name that the entry gets; by default the last part of the place.
        """
        if self.register is None:
            return contextlib.nullcontext()
        from tfwm.register.entry import Entry

        if not isinstance(place, str | os.PathLike):
            place = None
        file = file or ("" if place is None else os.path.basename(place))
        about = message, file, self._network, self._key, recipient
        return self.register.writing(Entry.of(encoded, *about), place)

    def known(self, message, path, recipient=None, file=None):
        """Sees to it that a file that is there already has its entry, see `writing`."""
        if self.register is None:
            return
        from tfwm.files import sha256
        from tfwm.register.entry import Entry, entry_id

        if not self.register.knows(entry_id(sha256(path), file, recipient)):
            about = message, file, self._network, self._key, recipient
            self.register.add(Entry.of(Path(path).read_bytes(), *about))
