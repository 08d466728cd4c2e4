"""The journal's file: migrated, writable and intact; a damaged one is set aside and replaced."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path

from ..errors import Fate, StoreUnavailable
from ..money.amounts import micros
from ..system.disk import rename_over, sync_path
from .order_states import Event, apply_event
from .rows import read_order
from .schema import MIGRATIONS

_FILE = "orders.sqlite3"
_GATE = "orders.lock"  # an empty database: SQLite's file locks are portable
_SUSPECT = "orders.suspect"  # marker: an operation failed, check all at the next opening
_CHECKED_BYTES = 8 << 20  # up to this size each opening checks the file, in some 20 ms
_ASIDE_PREFIXES = ("damaged-", "newer-")  # why a journal was set aside; "newer" by 0.1.0 only
_LOGS = ("-journal", "-wal")  # SQLite's own names beside the file's
_COMPANIONS = ("", *_LOGS, "-shm")

_NOT_OURS = "file is not a database"  # as SQLite says it

# A rollback journal: between commits no order is anywhere but in the file itself. A WAL that is
# lost or damaged, or not copied along, takes its orders with it, and they would be placed again.
_JOURNAL_MODE = "delete"
# FULL: a commit returns when it is on the disk; fullfsync makes that true on macOS as well.
_DURABLE = ("PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON")
_CONNECTION_SETUP = (
    *_DURABLE,
    "PRAGMA foreign_keys = ON",
    # KiB: the default of 2,000 evicts the pages that thousands of orders share.
    "PRAGMA cache_size = -16384",
    # A write that is rolled back: BEGIN IMMEDIATE alone succeeds on a file that is not writable.
    "BEGIN IMMEDIATE",
    f"PRAGMA user_version = {len(MIGRATIONS)}",
    "ROLLBACK",
)


class JournalFile:
    """An open journal of the current schema version. A use that fails raises StoreUnavailable.

    `set_aside`: where this opening moved a damaged file, or None.
    """

    def __init__(self, folder: Path, patience: float) -> None:
        """Open the file in `folder`, created with owner-only permissions if missing.

        `patience`: seconds to wait for another process's lock. Raises StoreUnavailable if it is
        not writable, of a newer version, or unusable while another process has it open.
        """
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.ExitStack() as undo:
                self._gate = undo.enter_context(contextlib.closing(_open_gate(folder)))
                self._db, self.set_aside = _open_current(self._gate, folder, patience)
                undo.pop_all()
        except (OSError, sqlite3.Error, _Unusable) as error:
            raise StoreUnavailable(folder=str(folder), reason=str(error)) from error
        self._is_group = False

    def close(self) -> None:
        self._db.close()
        self._gate.close()

    def set_aside_files(self) -> list[Path]:
        """Paths, sorted, of journals that were set aside here and still exist."""
        paths = self.folder.glob("orders.*-*.sqlite3")
        return sorted(path for path in paths if path.name.split(".")[1].startswith(_ASIDE_PREFIXES))

    def change(self, statement: str, values: tuple[object, ...]) -> bool:
        """Run one statement as a transaction; return whether it changed a row."""
        with self.writing() as db:
            return db.execute(statement, values).rowcount > 0

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        """Group the block's writes into one transaction; an exception rolls it back."""
        self._is_group = True
        try:
            yield
            with self.reading() as db:
                if db.in_transaction:
                    db.execute("COMMIT")
        finally:
            self._is_group = False
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self, fate: Fate = Fate.UNKNOWN) -> Generator[sqlite3.Connection]:
        """A transaction: durable on exit, or rolled back and an exception raised; within
        `together`, a part of that one. `fate`: of the StoreUnavailable raised."""
        with self.reading(fate) as db:
            try:
                if not db.in_transaction:
                    db.execute("BEGIN IMMEDIATE")
                yield db
                if not self._is_group:
                    db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # some failures have rolled back already
                    db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self, fate: Fate = Fate.UNKNOWN) -> Generator[sqlite3.Connection]:
        try:
            yield self._db
        except (sqlite3.Error, ValueError, OverflowError) as error:
            if not isinstance(error, sqlite3.ProgrammingError):  # such as a closed store
                with contextlib.suppress(OSError):
                    (self.folder / _SUSPECT).touch()
            raise StoreUnavailable(fate=fate, folder=str(self.folder), reason=str(error)) from error


class _Unusable(Exception):
    """No journal of the current version to use; `verdict`: "missing", "older" or "damaged"."""

    def __init__(self, verdict: str) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def _open_current(
    gate: sqlite3.Connection, folder: Path, patience: float
) -> tuple[sqlite3.Connection, Path | None]:
    """Return a connection to a current journal, and where a damaged one was moved, or None.

    A process holds the gate shared while it has the journal open. It holds it exclusively while it
    creates, migrates or replaces it: a journal renamed while open would go on being written.
    """
    deadline = time.monotonic() + patience
    set_aside: Path | None = None
    if _take_gate(gate, "BEGIN EXCLUSIVE"):
        _mark_intended_uncertain(folder / _FILE, patience)
        gate.execute("ROLLBACK")
    verdict = "locked"
    while True:
        if _take_gate(gate, "BEGIN"):
            try:
                return _open_checked(folder, patience), set_aside
            except _Unusable as unusable:
                verdict = unusable.verdict
            gate.execute("ROLLBACK")
            if _take_gate(gate, "BEGIN EXCLUSIVE"):
                set_aside = _repair(folder, patience) or set_aside
                _mark_intended_uncertain(folder / _FILE, patience)  # skipped above if it was older
                gate.execute("ROLLBACK")
                continue  # past the deadline too: a slow disk took the time, not a lock
        if time.monotonic() > deadline:
            raise StoreUnavailable("error.store_in_use", folder=str(folder), reason=verdict)


def _open_gate(folder: Path) -> sqlite3.Connection:
    """Connect to the gate, which has no content: what stands in it beside a journal is cut off.

    In place, since processes hold locks on it. Raises StoreUnavailable that names the file if it is
    somebody else's, or cannot be opened.
    """
    path = folder / _GATE
    try:
        gate = _connect(path, 0.1)
        if _is_database(gate):
            return gate
        gate.close()
        if (folder / _FILE).exists():
            with path.open("r+b") as file:
                file.truncate(0)
            return _connect(path, 0.1)
    except (OSError, sqlite3.Error) as error:
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise  # the folder is what cannot be used, not this file
        raise StoreUnavailable("error.store_lock", file=str(path), reason=str(error)) from error
    raise StoreUnavailable("error.store_lock", file=str(path), reason=_NOT_OURS)


def _is_database(db: sqlite3.Connection) -> bool:
    """Whether SQLite reads the file, now or once no other process has it locked."""
    try:
        db.execute("SELECT * FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        return False
    return True


def _mark_intended_uncertain(path: Path, patience: float) -> None:
    """Given the exclusive gate, no process awaits a reply: intended orders become uncertain."""
    if not path.exists():
        return
    with (
        contextlib.closing(_connect(path, patience)) as db,
        contextlib.suppress(sqlite3.Error, ValueError),
    ):
        # What is wrong with the file is reported by `_open_checked`.
        if db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
            error = {"error_key": "error.uncertain_before"}
            apply_event(db, Event.PROCESS_DIED, "ended IS NULL", (), error)
            # Reservations of orders that were never inserted.
            db.execute("DELETE FROM reservations WHERE order_id IS NULL")


def _take_gate(gate: sqlite3.Connection, begin: str) -> bool:
    """Lock the gate (BEGIN: shared, BEGIN EXCLUSIVE); False if its short timeout expires."""
    try:
        gate.execute(begin)
        gate.execute("SELECT * FROM sqlite_master").fetchall()  # BEGIN alone takes no lock
    except sqlite3.OperationalError:
        if gate.in_transaction:
            gate.execute("ROLLBACK")
        return False
    return True


def _open_checked(folder: Path, patience: float) -> sqlite3.Connection:
    """Return a connection to a writable, intact journal of our version, else raise _Unusable.

    Raises sqlite3.OperationalError where its surroundings fail (lock, disk), not its content.
    """
    path = folder / _FILE
    if not path.exists():
        # A log left without its journal would be replayed into the next one.
        is_log_left = any(path.with_name(_FILE + log).exists() for log in _LOGS)
        raise _Unusable("damaged" if is_log_left else "missing")
    db = _connect(path, patience)
    try:
        _examine(db, folder)
        for statement in _CONNECTION_SETUP:
            db.execute(statement)
    except BaseException as error:
        db.close()
        # SQLITE_CORRUPT and SQLITE_NOTADB raise DatabaseError itself, all else a subclass of it;
        # ValueError is invalid UTF-8 (in the file or in SQLite's message) or an unreadable row.
        if type(error) is sqlite3.DatabaseError or isinstance(error, ValueError):
            raise _Unusable("damaged") from error
        raise
    return db


def _examine(db: sqlite3.Connection, folder: Path) -> None:
    """Check version, schema, content; if intact, delete the suspect marker.
    Raises _Unusable, StoreUnavailable, SQLite's errors, ValueError."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        # The newer version may go on writing to it, and its limits hold: leave it in place.
        path = folder / _FILE
        backup = _backup(path, len(MIGRATIONS))
        key = "error.store_newer_kept" if backup.exists() else "error.store_newer"
        raise StoreUnavailable(key, file=str(path), backup=str(backup))
    if version < 1:
        raise _Unusable("damaged")
    if version < len(MIGRATIONS) or _journal_mode(db) != _JOURNAL_MODE:
        raise _Unusable("older")
    suspect = (folder / _SUSPECT).exists()
    small = (folder / _FILE).stat().st_size <= _CHECKED_BYTES
    if not _has_current_schema(db) or ((suspect or small) and not _is_intact(db)):
        raise _Unusable("damaged")
    if suspect:
        for row in db.execute("SELECT * FROM orders"):
            read_order(row)
        (folder / _SUSPECT).unlink(missing_ok=True)


def _repair(folder: Path, patience: float) -> Path | None:
    """Create, migrate or replace the journal; return where a damaged one was moved, or None.

    Raises _Unusable if the disk does not even keep a new one.
    """
    set_aside: Path | None = None
    try:
        _open_checked(folder, patience).close()
    except _Unusable as unusable:
        if unusable.verdict == "older":
            _migrate(folder / _FILE, patience)
        else:
            if unusable.verdict == "damaged":
                set_aside = _set_aside(folder)
            _create(folder, patience)
        _open_checked(folder, patience).close()
    return set_aside


def _create(folder: Path, patience: float) -> None:
    """Create a journal by atomic rename, so that an empty file of its name is always damage."""
    path = folder / "orders.new.sqlite3"
    for companion in _COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    path.touch(mode=0o600)
    _migrate(path, patience)
    rename_over(path, folder / _FILE)


def _migrate(path: Path, patience: float) -> None:
    db = _connect(path, patience)
    try:
        for statement in _DURABLE:
            db.execute(statement)
        # Persistent. Takes over what is in a WAL; fails while another program has the file open.
        db.execute(f"PRAGMA journal_mode = {_JOURNAL_MODE}")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version < len(MIGRATIONS):
            _back_up(path, version)
        steps = "".join(MIGRATIONS[version:])
        db.executescript(
            f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {len(MIGRATIONS)}; COMMIT"
        )
    finally:
        db.close()


def _backup(path: Path, version: int) -> Path:
    """Where the journal `path` as it was in `version` is kept for whoever goes back to that one."""
    return path.with_name(f"orders-v{version}.bak")


def _back_up(path: Path, version: int) -> None:
    """Copy it whole or not at all. Raises OSError."""
    target = _backup(path, version)
    part = target.with_name(f"{target.name}.part")
    shutil.copy(path, part)
    sync_path(part)
    rename_over(part, target)


def _journal_mode(db: sqlite3.Connection) -> str:
    return db.execute("PRAGMA journal_mode").fetchone()[0]


def _set_aside(folder: Path) -> Path:
    """Rename the journal, then its companions: after a crash in between, its absence shows."""
    number = 1
    while any(folder.glob(f"orders.damaged-{number}.sqlite3*")):
        number += 1
    target = folder / f"orders.damaged-{number}.sqlite3"
    for companion in _COMPANIONS:
        source = folder / (_FILE + companion)
        if source.exists():
            source.rename(target.with_name(target.name + companion))
    (folder / _SUSPECT).unlink(missing_ok=True)
    return target


def _has_current_schema(db: sqlite3.Connection) -> bool:
    """Whether its schema is, word for word, what MIGRATIONS create."""
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        model.executescript("".join(MIGRATIONS))
        return [tuple(row) for row in db.execute(schema)] == model.execute(schema).fetchall()


def _is_intact(db: sqlite3.Connection) -> bool:
    """Whether pages, indexes and constraints are consistent; reads the whole file."""
    return [tuple(row) for row in db.execute("PRAGMA integrity_check")] == [("ok",)]


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.create_function("micros", 1, micros, deterministic=True)
    db.text_factory = bytes.decode  # invalid UTF-8 raises ValueError, unlike an I/O error
    return db
