"""Databases, opened in one way: a SQLite file by itself, any other by SQLAlchemy."""

import contextlib
import dataclasses
import os
import re
import sqlite3
import time
from pathlib import Path

from tfwm.checks import need, one_line
from tfwm.files import check_writable

# Seconds that a writer waits for another one.
PATIENCE = 30.0
# So often a change is tried again that met another writer's in a database that does not wait.
TRIES, PAUSE = 6, 0.05
EXTRA = "register"


@dataclasses.dataclass(frozen=True)
class Layout:
    """What makes a database one of ours: a format on disk.

    Args:
        tables: statements that make the tables, in SQL, each ended by `;`.
        name: of the table by which a server's database is known.
        application: number in a SQLite file's header.
        version: of the tables.
        what: what errors call it, such as `"store"`.
        hint: what is expected where there is none, such as "expected a file that `...` wrote".
        after: a statement for a new SQLite file that is not part of the format, such as an index.
    """

    tables: str
    name: str
    application: int
    version: int
    what: str
    hint: str
    after: str = ""

    @property
    def statements(self):
        """The statements that make the tables, one by one."""
        return [text.strip() for text in self.tables.split(";") if text.strip()]


class SQLiteFile:
    """A database in one SQLite file. Several programs may use it at once.

    Args:
        path: of the file.
        layout: `Layout`.
        create: whether to make it if it is missing.
    """

    def __init__(self, path, layout, create=False):
        self.path, self.name, self.layout = Path(path), str(path), layout
        if not is_there(path):
            if not create:
                raise FileNotFoundError(f"The {layout.what} {path} does not exist: {layout.hint}.")
            check_writable(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif not self.path.is_file():
            raise ValueError(
                f"Expected a file as the {layout.what}. Received: {path}, which is none"
            )
        with self.opened("rwc" if create else "rw") as database:
            self._check(database, create)

    @contextlib.contextmanager
    def opened(self, mode="rw"):
        """A connection for one task, so that threads share nothing; each statement is a whole."""
        place = f"{self.path.absolute().as_uri()}?mode={mode}"
        try:
            with contextlib.closing(
                sqlite3.connect(place, timeout=PATIENCE, isolation_level=None, uri=True)
            ) as database:
                database.execute("PRAGMA foreign_keys = ON")
                yield database
        except UnicodeDecodeError as error:  # SQLite's own words hold bytes of the file
            raise OSError(
                f"The {self.layout.what} {self.name} is damaged: take it from a copy."
            ) from error
        except sqlite3.DatabaseError as error:
            raise OSError(
                f"The {self.layout.what} {self.name} cannot be used: {one_line(error)}."
            ) from error

    @contextlib.contextmanager
    def transaction(self, write=False):
        """All or nothing of what is done in it; an exception takes it back.

        Args:
            write: whether something is changed.

        Yields:
            Function of a statement with named values, `:name`, and a dict of them, that returns
            what has `fetchone`, `fetchmany` and `rowcount`, and gives rows one by one.
        """
        with self.opened() as database:
            database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield lambda statement, values=None: database.execute(statement, values or {})
            database.execute("COMMIT")

    def write(self, change):
        """Calls a function with what `transaction` yields, and returns its result."""
        with self.transaction(write=True) as run:
            return change(run)

    def _check(self, database, create):
        layout = self.layout
        database.execute("BEGIN IMMEDIATE" if create else "BEGIN")
        application, version = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
        empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if create and empty and not application:
            for statement in layout.statements:
                database.execute(statement)
            if layout.after:
                database.execute(layout.after)
            database.execute(f"PRAGMA application_id = {layout.application}")
            database.execute(f"PRAGMA user_version = {layout.version}")
        elif (application, version) != (layout.application, layout.version):
            newer = application == layout.application and version > layout.version
            what = (
                "of a newer tfwm: update it"
                if newer
                else f"no {layout.what} of tfwm: name the right file"
            )
            raise ValueError(f"The file {self.name} is {what}.")
        database.execute("COMMIT")


class ServerDatabase:
    """A database that SQLAlchemy reaches: PostgreSQL, MySQL, MariaDB and others.

    Args:
        url: as SQLAlchemy takes it, such as `postgresql+psycopg://host/database`. Errors never
            tell its password.
        layout: `Layout`. Its statements must be plain enough for all of them.
        create: whether to make the tables if they are missing.
    """

    def __init__(self, url, layout, create=False):
        self._sql, self.layout = need("sqlalchemy", EXTRA), layout
        try:
            address = self._sql.engine.make_url(url)
            self.name = address.render_as_string(hide_password=True)
        except (self._sql.exc.ArgumentError, ValueError):
            scheme = str(url).partition("://")[0]
            raise ValueError(
                f"Expected the URL of a database as SQLAlchemy takes it, such as "
                f"postgresql+psycopg://host/name. Received: {scheme}://..."
            ) from None
        self.has_password = address.password is not None
        with self._told():
            self._engine = self._sql.create_engine(address, pool_pre_ping=True)
            if not self._sql.inspect(self._engine).has_table(layout.name):
                if not create:
                    raise FileNotFoundError(
                        f"The database {self.name} has no {layout.what}: {layout.hint}."
                    )
                self._make()

    @contextlib.contextmanager
    def transaction(self, write=False):
        """See `SQLiteFile.transaction`."""
        with self._told(), self._begun() as run:
            yield run

    def write(self, change):
        """See `SQLiteFile.write`; what met another writer's change is tried again."""
        for attempt in range(TRIES):
            try:
                with self._begun() as run:
                    return change(run)
            except (self._sql.exc.IntegrityError, self._sql.exc.OperationalError) as error:
                if attempt == TRIES - 1:
                    raise self._as_told(error) from error
                time.sleep(PAUSE * 2**attempt)
            except self._sql.exc.SQLAlchemyError as error:
                raise self._as_told(error) from error
        return None

    def _make(self):
        try:
            with self._begun() as run:
                for statement in self.layout.statements:
                    run(statement)
        except self._sql.exc.SQLAlchemyError:
            # Another program may have made them at the same time.
            if not self._sql.inspect(self._engine).has_table(self.layout.name):
                raise

    @contextlib.contextmanager
    def _begun(self):
        with self._engine.begin() as connection:
            yield lambda statement, values=None: connection.execute(
                self._sql.text(statement), values or {}
            )

    @contextlib.contextmanager
    def _told(self):
        try:
            yield
        except self._sql.exc.SQLAlchemyError as error:
            raise self._as_told(error) from error
        except ModuleNotFoundError as error:
            raise ImportError(
                f"The database {self.name} needs its driver: pip install {error.name}"
            ) from error

    def _as_told(self, error):
        # The database's own words: SQLAlchemy's hold the statement and its values as well.
        reason = one_line(getattr(error, "orig", None) or error)
        return OSError(f"The {self.layout.what} {self.name} cannot be used: {reason}")


def open_database(place, layout, create=False):
    """Returns the `SQLiteFile` of a path, or the `ServerDatabase` of an address."""
    kind = ServerDatabase if is_address(place) else SQLiteFile
    return kind(place, layout, create)


def is_there(path):
    """Returns whether something is at a path but an empty file, which counts as missing."""
    return os.path.exists(path) and not (os.path.isfile(path) and not os.path.getsize(path))


def is_address(place):
    """Returns whether a place is an address, such as `https://...`, and no path."""
    return re.match(r"[a-z][a-z0-9+.-]+://", str(place), re.IGNORECASE) is not None
