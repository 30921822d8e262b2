"""A store of manifests by soft binding: what leads from a stripped copy back to its manifest.

One SQLite file. It holds what was published anyway, and nothing secret: signed manifests, digests
and fingerprints of the photos, times, names of networks, fingerprints of keys.
"""

import dataclasses
import datetime

from tfwm import fingerprints
from tfwm.checks import check_number, shortened
from tfwm.databases import Layout, SQLiteFile, is_address

# "tfwm" in a file's header, and the version of these tables: formats on disk.
APPLICATION = 0x7466776D
VERSION = 1
TABLES = """
CREATE TABLE manifests (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    manifest BLOB NOT NULL,
    digest TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    time TEXT NOT NULL,
    network TEXT NOT NULL,
    key TEXT NOT NULL,
    recipient TEXT
);
CREATE TABLE bindings (
    algorithm TEXT NOT NULL,
    value TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE,
    PRIMARY KEY (algorithm, value, number)
) WITHOUT ROWID;
CREATE INDEX bindings_of ON bindings (number);
"""
# Not part of the format: older stores get it with the next manifest, and are read without it. The
# fingerprints of a row lie behind its manifest; here they lie together.
INDEX = "CREATE INDEX IF NOT EXISTS fingerprints ON manifests (fingerprint)"
# So many rows are in memory at once.
ROWS = 1 << 14
MOST_RESULTS = 100
RESULTS = 10
LARGEST_MANIFEST = 1 << 26
LAYOUT = Layout(
    *(TABLES, "manifests", APPLICATION, VERSION, "store"),
    "expected a file that `tfwm sign --store` wrote, or the address of a service (https://...)",
    INDEX,
)


@dataclasses.dataclass(frozen=True)
class Record:
    """One signed photo in a store.

    Args:
        id: the manifest's identifier, such as `urn:c2pa:...`.
        digest: SHA-256 of the signed file, hexadecimal.
        fingerprint: see `tfwm.provenance.fingerprint`, 32 bytes; empty for a photo that has none,
            which is found by its mark only.
        network: name of the network that marked it.
        key: `tfwm.keys.Key.fingerprint` of the key of the mark.
        recipient: to whom this copy was given, or `None`.
        time: when it was signed, ISO 8601 in UTC; now by default.
    """

    id: str
    digest: str
    fingerprint: bytes
    network: str
    key: str
    recipient: str | None = None
    time: str = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    )

    def to_dict(self):
        """Returns plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "fingerprint": self.fingerprint.hex()}


@dataclasses.dataclass(frozen=True)
class Match:
    """A manifest that a soft binding leads to.

    Args:
        id: the manifest's identifier.
        score: how alike the binding is, 0 to 100: 100 for a watermark, whose value is the same or
            not; for a fingerprint 100 less what the different bits cost, 50 of them at the limit.
        endpoint: address of the service that holds the manifest, if it is another one.
    """

    id: str
    score: int = 100
    endpoint: str | None = None


class ManifestStore:
    """Manifests of signed photos in one SQLite file, by the values of their soft bindings.

    Several programs may use one file at once. Every addition is there as a whole or not at all.

    Args:
        path: of the file.
        create: whether to make it if it is missing.

    Example:

    >>> store = ManifestStore("manifests.db", create=True)
    >>> record = Record("urn:c2pa:1", "ab" * 32, bytes(32), "photo", "public")
    >>> store.add(record, b"a manifest", {"org.tfwm.photo.1": "AWFkYQ=="})
    >>> store.find("org.tfwm.photo.1", "AWFkYQ==")[0].id
    'urn:c2pa:1'
    >>> store.manifest("urn:c2pa:1")
    b'a manifest'
    """

    def __init__(self, path, create=False):
        if is_address(path):
            raise ValueError(
                f"Expected the path of a store's file. Received: {path}, an address: `tfwm inspect "
                "--store` and `tfwm store export` ask services, which take in no manifests"
            )
        self._file = SQLiteFile(path, LAYOUT, create)
        self.path, self.name = self._file.path, self._file.name
        self._opened = self._file.opened

    def add(self, record: Record, manifest: bytes, bindings: dict):
        """Adds a signed photo; the same one again changes nothing.

        Args:
            record: `Record`.
            manifest: bytes of the C2PA manifest store.
            bindings: values by the names of soft-binding algorithms, in base64.

        Raises:
            ValueError: another manifest has this identifier.
        """
        if not record.id or not manifest or len(manifest) > LARGEST_MANIFEST:
            raise ValueError(
                "Expected a manifest of up to 64 MiB and its identifier. Received: "
                f"{len(manifest)} bytes, identifier {shortened(record.id)}"
            )
        if not _is_fingerprint(record.fingerprint):
            raise ValueError(
                f"Expected a fingerprint of 32 bytes, or none: b''. Received: "
                f"{len(record.fingerprint)} bytes"
            )
        values = {**dataclasses.asdict(record), "manifest": bytes(manifest)}
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            known = self._row(database, "id", record.id, "manifest, number")
            if known and known[0] != manifest:
                raise ValueError(f"The store {self.name} has another manifest {record.id}.")
            if known:
                number = known[1]
            else:
                database.execute(INDEX)
                insert = f"INSERT INTO manifests ({columns}) VALUES ({marks})"
                number = database.execute(insert, tuple(values.values())).lastrowid
            database.executemany(
                "INSERT OR IGNORE INTO bindings VALUES (?, ?, ?)",
                [(name, value, number) for name, value in bindings.items()],
            )
            database.execute("COMMIT")

    def find(self, algorithm, value, most=RESULTS, like=None):
        """Returns the manifests that a soft binding leads to, the best first.

        Args:
            algorithm: name of the soft-binding algorithm.
            value: of the binding, base64. That of a watermark must be the same; a fingerprint may
                differ in up to a quarter of its bits.
            most: largest number of results, up to 100.
            like: fingerprint of the copy, which ranks manifests that share a value, as those of
                photos that were all marked with one message do. Of equals, the newest is first.

        Returns:
            List of `Match`.
        """
        most = check_number("most", most, 1, MOST_RESULTS, "1 to 100 results", kind=int)
        if algorithm == fingerprints.ALGORITHM:
            known = fingerprints.from_value(value)
            if known is None:
                raise ValueError(
                    f"Expected a fingerprint of 32 bytes in base64. Received: {value!r:.60}"
                )
            return self._nearest(known, most)
        query = (
            "SELECT number, fingerprint FROM bindings JOIN manifests USING (number) "
            "WHERE algorithm = ? AND value = ? ORDER BY number DESC"
        )
        with self._opened() as database:
            self._check_values(database, algorithm)
            if like is None:
                rows = database.execute(f"{query} LIMIT ?", (algorithm, value, most))
                ranked = [(0, number) for number, _ in rows]
            else:
                rows = database.execute(query, (algorithm, value))
                ranked = self._ranked(database, rows, like, most, fingerprints.BITS)
            return [Match(id) for id, _ in self._named(database, ranked)]

    def manifest(self, id, endpoint=None) -> bytes:
        """Returns the bytes of a manifest; raises `KeyError` if there is none of this id.

        Args:
            id: of the manifest.
            endpoint: only services have one, see `Match`.
        """
        return self._get(id, "manifest")[0]

    def record(self, id) -> Record:
        """Returns the `Record` of a manifest; raises `KeyError` if there is none."""
        names = [field.name for field in dataclasses.fields(Record)]
        return Record(*self._get(id, *names))

    def records(self):
        """Returns the `Record`s of all manifests, the oldest first."""
        names = [field.name for field in dataclasses.fields(Record)]
        with self._opened() as database:
            rows = database.execute(f"SELECT {', '.join(names)} FROM manifests ORDER BY number")
            return [Record(*self._checked(names, row)) for row in rows]

    def remove(self, id):
        """Takes a manifest and its bindings out; raises `KeyError` if there is none."""
        with self._opened() as database:
            if not database.execute("DELETE FROM manifests WHERE id = ?", (id,)).rowcount:
                raise KeyError(id)

    def algorithms(self):
        """Returns the names of the watermark algorithms whose values the store holds."""
        query = "SELECT DISTINCT algorithm FROM bindings ORDER BY algorithm"
        with self._opened() as database:
            rows = database.execute(query).fetchall()
        return [self._checked(("algorithm",), row)[0] for row in rows]

    def __len__(self):
        with self._opened() as database:
            return database.execute("SELECT count(*) FROM manifests").fetchone()[0]

    def _nearest(self, value, most):
        query = "SELECT number, fingerprint FROM manifests WHERE fingerprint != x''"
        with self._opened() as database:
            rows = database.execute(query)
            ranked = self._ranked(database, rows, value, most, fingerprints.SAME)
            return [Match(id, _score(bits)) for id, bits in self._named(database, ranked)]

    def _check_values(self, database, algorithm):
        """Bytes in place of a value's text are found by no value: told by one look at the index."""
        query = "SELECT number FROM bindings WHERE algorithm = ? AND value >= x'' LIMIT 1"
        if database.execute(query, (algorithm,)).fetchone():
            self._checked(("value",), (b"",))

    def _ranked(self, database, rows, value, most, limit):
        """The `(distance, number)` of the most similar rows, read in parts of bounded memory."""

        def parts():
            while part := rows.fetchmany(ROWS):
                known = [own for _, own in part]
                if {*map(type, known)} != {bytes} or not {*map(len, known)} <= {0, len(value)}:
                    for number, own in part:
                        id = self._row(database, "number", number, "id")
                        self._checked(("id", "fingerprint"), (id and id[0], own))
                yield part

        return fingerprints.nearest(value, parts(), most, limit)

    def _named(self, database, ranked):
        """Yields identifier and distance of each `(distance, number)` that is still there."""
        for distance, number in ranked:
            if row := self._row(database, "number", number, "id"):
                yield self._checked(("id",), row)[0], distance

    def _get(self, id, *columns):
        with self._opened() as database:
            row = self._row(database, "id", id, ", ".join(columns))
        if row is None:
            raise KeyError(id)
        return self._checked(columns, row)

    def _checked(self, columns, row):
        """A row as it was read; raises `OSError` if it is not as `add` writes rows."""
        for name, value in zip(columns, row, strict=True):
            wanted = bytes if name in ("manifest", "fingerprint") else str
            fits = isinstance(value, wanted) or (name == "recipient" and value is None)
            if not fits or (name == "fingerprint" and not _is_fingerprint(value)):
                which = dict(zip(columns, row, strict=True)).get("id")
                of = f" of {shortened(which)}" if which else ""
                raise OSError(
                    f"The store {self.name} was damaged or changed: the {name}{of} is "
                    f"{shortened(value)}, not what `tfwm sign` writes. Take it from a copy."
                )
        return row

    def _row(self, database, name, value, columns):
        query = f"SELECT {columns} FROM manifests WHERE {name} = ?"
        return database.execute(query, (value,)).fetchone()


def _is_fingerprint(value):
    return isinstance(value, bytes) and len(value) * 8 in (0, fingerprints.BITS)


def _score(distance):
    return round(100 - 50 * float(distance) / fingerprints.SAME)
