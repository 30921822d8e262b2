"""The register itself: entries in a SQLite file, or in a database that SQLAlchemy reaches."""

import contextlib
import dataclasses
import os
from pathlib import Path

from tfwm import fingerprints
from tfwm.checks import shortened
from tfwm.databases import Layout, is_address, open_database
from tfwm.files import sha256
from tfwm.register.entry import Entry, written

# "tfwr" in a file's header, and the version of the table, which its name tells in other databases:
# formats on disk. Plain enough for SQLite, PostgreSQL and MySQL.
APPLICATION = 0x74667772
VERSION = 1
TABLES = """
CREATE TABLE tfwm_marks_1 (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    message VARCHAR(500) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    file TEXT NOT NULL,
    network VARCHAR(200) NOT NULL,
    key_fingerprint VARCHAR(16) NOT NULL,
    recipient VARCHAR(500),
    fingerprint VARCHAR(64) NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    marked_at VARCHAR(40) NOT NULL,
    pending TEXT
);
CREATE INDEX tfwm_marks_1_message ON tfwm_marks_1 (message);
CREATE INDEX tfwm_marks_1_recipient ON tfwm_marks_1 (recipient);
"""
TABLE = "tfwm_marks_1"
LAYOUT = Layout(
    *(TABLES, TABLE, APPLICATION, VERSION, "register"),
    "expected one that `tfwm embed --register` made",
)
# The columns, in the order of `Entry`.
COLUMNS = (
    *("message", "kind", "digest", "file", "network", "key_fingerprint", "recipient"),
    *("fingerprint", "width", "height", "marked_at", "pending"),
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM {TABLE}"
INSERT = f"INSERT INTO {TABLE} (id, {', '.join(COLUMNS)}) VALUES (:id, :{', :'.join(COLUMNS)})"
DELETE = f"DELETE FROM {TABLE} WHERE id = :id"
# So many rows are in memory at once, where all are looked through.
ROWS = 1 << 14


class Register:
    """What each id meant that was marked into a photo, and who got the copy that carries it.

    Several programs may use one register at once. It holds no key, no photo and no password.

    A copy and its entry come together: the entry is written first, as pending, then the file as a
    whole, then the entry is confirmed. A program that is killed in between leaves an entry that
    says so, and no file without an entry; `settle` puts that right, and so does whoever writes the
    same file or folder again.

    Args:
        place: path of a SQLite file, or the URL of a database as SQLAlchemy takes it, such as
            `postgresql+psycopg://host/name` (extra `register`).
        create: whether to make it if it is missing.

    Example:

    >>> register = Register("register.db", create=True)
    >>> report = tfwm.load().embed_file(
    ...     "photo.jpg", "ada.jpg", 1001, register=register, recipient="Ada"
    ... )
    >>> [entry.recipient for entry in register.find(1001)]
    ['Ada']
    """

    def __init__(self, place, create=False):
        self._database = open_database(place, LAYOUT, create)
        self.place, self.name = place, self._database.name
        self.has_password = getattr(self._database, "has_password", False)

    def add(self, entry: Entry):
        """Writes an entry, in place of an older one of the same copy."""
        values = _row(entry)

        def put(run):
            run(DELETE, {"id": entry.id})
            run(INSERT, values)

        self._database.write(put)

    @contextlib.contextmanager
    def writing(self, entry: Entry, place=None):
        """A context in which the file of an entry is written: both are there at its end, or none.

        Args:
            entry: of the copy.
            place: path or address of the file, by which `settle` finds out whether it is there;
                `None` for one that has none.
        """
        earlier = self._get(entry.id)
        if earlier is None or earlier.pending:
            self.add(dataclasses.replace(entry, pending=_absolute(place)))
        try:
            yield
        except BaseException:
            if earlier is None or earlier.pending:
                self.remove(entry)
            raise
        self.add(entry)

    def find(self, message, network=None, key=None):
        """Returns the entries of a message, the newest first.

        Args:
            message: text, bytes, an integer or a UUID.
            network: name of the network that read it; `None` for any.
            key: fingerprint of the key that read it; `None` for any.
        """
        from tfwm.payload import to_bytes, to_plain

        kind, _ = to_bytes(message)
        text = str(to_plain(message))
        found = self._select(" WHERE message = :message", {"message": text})
        # Some databases take A and a for the same.
        wanted = {"message": text, "kind": kind, "network": network, "key": key}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        return [e for e in found if all(getattr(e, n) == value for n, value in wanted.items())]

    def like(self, fingerprint: bytes, most=10):
        """Returns the entries whose photos look like one, the most similar first.

        Args:
            fingerprint: of the photo, 32 bytes, see `tfwm.fingerprints.fingerprint`.
            most: largest number of entries.

        Returns:
            List of `Entry`.
        """
        query = f"SELECT id, fingerprint FROM {TABLE} WHERE fingerprint <> '' ORDER BY marked_at"
        with self._database.transaction() as run:
            rows, ids = run(query), []

            def parts():
                while part := rows.fetchmany(ROWS):
                    start = len(ids)
                    ids.extend(id for id, _ in part)
                    known = [self._bytes(value) for _, value in part]
                    yield list(zip(range(start, len(ids)), known, strict=True))

            found = fingerprints.nearest(fingerprint, parts(), most, fingerprints.SAME)
        return [entry for _, n in found if (entry := self._get(ids[n])) is not None]

    def entries(self, recipient=None):
        """Returns all entries, the oldest first.

        Args:
            recipient: only those of this one.
        """
        if recipient is None:
            found = self._select("", {})
        else:
            found = self._select(" WHERE recipient = :recipient", {"recipient": recipient})
            found = [entry for entry in found if entry.recipient == recipient]
        return found[::-1]

    def remove(self, entry: Entry):
        """Takes an entry out; returns whether it was there."""
        return bool(self._database.write(lambda run: run(DELETE, {"id": entry.id}).rowcount))

    def knows(self, id):
        """Returns whether a copy has an entry, see `Entry.id`, and its file is there."""
        known = self._get(id)
        return known is not None and known.pending is None

    def settle(self, under=None, digest_of=None):
        """Puts right what programs left that were killed: each entry's file is there, or it goes.

        No other program should be writing what is looked at. An entry is confirmed if its file is
        there with its digest, and taken out if not: the file was never written.

        Args:
            under: path or address of a file or a folder whose entries are looked at; `None` for
                all.
            digest_of: function of a path or address that returns the SHA-256 of the file,
                hexadecimal, or `None` if it is not there. By default of files of this computer;
                entries of other addresses are then left.

        Returns:
            `(confirmed, removed)`, lists of `Entry`.
        """
        digest_of = digest_of or _digest_of
        confirmed, removed = [], []
        under = under if under is None else _absolute(under).rstrip("/")
        for entry in self._select(" WHERE pending IS NOT NULL", {}):
            within = under is None or entry.pending == under
            if not within and not entry.pending.startswith(f"{under}/"):
                continue
            if digest_of is _digest_of and (is_address(entry.pending) or not entry.pending):
                continue
            if digest_of(entry.pending) == entry.digest:
                confirmed.append(dataclasses.replace(entry, pending=None))
                self.add(confirmed[-1])
            else:
                removed.append(entry)
                self.remove(entry)
        return confirmed, removed

    def __len__(self):
        with self._database.transaction() as run:
            return run(f"SELECT count(*) FROM {TABLE}").fetchone()[0]

    def _get(self, id):
        return next(iter(self._select(" WHERE id = :id", {"id": id})), None)

    def _select(self, where, values):
        with self._database.transaction() as run:
            rows = run(f"{SELECT}{where} ORDER BY marked_at DESC, id", values)
            return [self._entry(tuple(row)) for row in rows]

    def _entry(self, row):
        values = dict(zip(COLUMNS, row, strict=True))
        for name, value in values.items():
            wanted = int if name in ("width", "height") else str
            if not isinstance(value, wanted) and not (
                value is None and name in ("recipient", "pending")
            ):
                raise self._damaged(name, value)
        values["fingerprint"] = self._bytes(values["fingerprint"])
        return Entry(*values.values())

    def _bytes(self, value):
        try:
            found = bytes.fromhex(value)
            if len(found) * 8 in (0, fingerprints.BITS):
                return found
        except (TypeError, ValueError):
            pass
        raise self._damaged("fingerprint", value)

    def _damaged(self, name, value):
        return OSError(
            f"The register {self.name} was damaged or changed: a {name} is {shortened(value)}, not "
            "what tfwm writes. Take it from a copy."
        )


def open_register(place, create=False):
    """Returns a `Register`, as it is or of its place; `None` for `None`."""
    return place if place is None or isinstance(place, Register) else Register(place, create)


def _row(entry):
    values = dataclasses.asdict(entry) | {"fingerprint": entry.fingerprint.hex()}
    return {"id": entry.id} | dict(zip(COLUMNS, values.values(), strict=True))


def _absolute(place):
    if place is None or is_address(place):
        return "" if place is None else str(place)
    return written(os.path.abspath(place))


def _digest_of(path):
    from tfwm.files import named

    path = Path(named(path))
    return sha256(path) if path.is_file() else None
