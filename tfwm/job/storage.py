"""Folders anywhere: on this computer, in memory, in an object store, by fsspec."""

import os
import secrets
import time

from tfwm.checks import need
from tfwm.files import write_whole

EXTRA = "job"
LOCAL = ("file", "local")
# Here an object appears whole when its upload is complete; elsewhere it is renamed into place.
WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "memory")
TRIES, PAUSE = 4, 0.5


class StorageError(OSError):
    """A storage failed again and again; no photo is to blame, and the work can be done later."""


class Storage:
    """A folder, and the files in it by their names with slashes.

    What fails is tried again, with longer pauses. A file that is written appears whole.

    Args:
        url: path, or address as fsspec takes it: `s3://bucket/folder`, `gs://...`, `memory://...`.
            Access keys come from where the store's library looks for them, and never stand in it.

    Example:

    >>> folder = Storage("memory://photos")
    >>> folder.write("a/b.txt", b"text")
    >>> list(folder.names()), folder.read("a/b.txt")
    (['a/b.txt'], b'text')
    """

    def __init__(self, url):
        self.url = str(url).rstrip("/")
        fsspec = need("fsspec", EXTRA)
        try:
            self._system, self._root = fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise ValueError(f"The folder {url} cannot be opened: {error}") from error
        kind = self._system.protocol
        kinds = (kind,) if isinstance(kind, str) else kind
        self.is_local = any(kind in LOCAL for kind in kinds)
        self._whole = any(kind in WHOLE for kind in kinds)
        if self.is_local:
            self.url = self._root

    def place(self, name):
        """Returns the path or address of a file."""
        return f"{self.url}/{name}"

    def names(self, under=""):
        """Yields the names of all files, sorted; hidden ones and hidden folders are left out.

        Raises `PermissionError` for a folder of this computer that may not be read.
        """
        start = self._path(under) if under else self._root
        find = _find_here if self.is_local else self._system.find
        found = self._try(lambda: find(start), missing=[])
        for path in sorted(found):
            name = path[len(self._root) :].lstrip("/")
            inside = name[len(under) :].lstrip("/")
            if not any(part.startswith(".") for part in inside.split("/")):
                yield name

    def read(self, name):
        """Returns the bytes of a file, or raises `FileNotFoundError`."""
        return self._try(lambda: self._system.cat_file(self._path(name)))

    def read_if_there(self, name):
        """Returns the bytes of a file, or `None`."""
        return self._try(lambda: self._system.cat_file(self._path(name)), missing=None)

    def write(self, name, data):
        """Writes a file, whole or not at all; an older one is replaced."""
        path = self._path(name)
        if self.is_local:
            write_whole(path, data)
            return
        if self._whole:
            self._try(lambda: self._system.pipe_file(path, data))
            return
        draft = f"{path.rpartition('/')[0]}/.tfwm-{secrets.token_hex(6)}.part"
        self._try(lambda: self._system.makedirs(path.rpartition("/")[0], exist_ok=True))
        self._try(lambda: self._system.pipe_file(draft, data))
        self._try(lambda: self._system.mv(draft, path))

    def _path(self, name):
        return f"{self._root.rstrip('/')}/{name}"

    def _try(self, call, missing=FileNotFoundError):
        for attempt in range(TRIES):
            try:
                return call()
            except FileNotFoundError:
                if missing is FileNotFoundError:
                    raise
                return missing
            except (IsADirectoryError, NotADirectoryError, PermissionError):
                raise
            except Exception as error:  # each store has exceptions of its own
                if attempt == TRIES - 1:
                    reason = " ".join(str(error).split())[:200] or type(error).__name__
                    raise StorageError(f"{self.url} cannot be used: {reason}") from error
                time.sleep(PAUSE * 2**attempt)
        return None


def _find_here(folder):
    """The paths of all files in a folder of this computer; fsspec leaves out what it may not list.

    Links to folders are not followed, and stand among the files.
    """

    def refuse(error):
        if not isinstance(error, FileNotFoundError):  # it went meanwhile
            raise error

    found = []
    for parent, folders, files in os.walk(folder, onerror=refuse):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [os.path.join(parent, name).replace(os.sep, "/") for name in (*links, *files)]
    return found


def digest_of(place):
    """Returns the SHA-256 of a file of any place, or `None` if it is not there."""
    import hashlib

    folder, _, name = os.fspath(place).rpartition("/")
    data = Storage(folder).read_if_there(name)
    return None if data is None else hashlib.sha256(data).hexdigest()
