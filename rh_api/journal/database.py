"""The file under the journal: current, writable and sound; a damaged one gives way to a new one."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path

from ..disk import put
from ..errors import Fate, StoreUnavailable
from ..money.amounts import micros
from .rows import read_order
from .schema import MIGRATIONS

_FILE = "orders.sqlite3"
_GATE = "orders.lock"  # an empty database, for SQLite's locks, which work on every platform
_SUSPECT = "orders.suspect"  # an operation failed: look everything over at the next opening
_CHECKED_BYTES = 8 << 20  # a file up to this size is looked over each time, in some 20 ms
_ASIDE_PREFIXES = ("damaged-", "newer-")  # why a journal was set aside; the latter by 0.1.0
_COMPANIONS = ("", "-wal", "-shm")  # SQLite's own names beside the file's

# FULL: a commit returns when it is on the disk; fullfsync makes that true on macOS as well.
_CONNECTION_SETUP = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    # KiB: with the default of 2,000 each of thousands of orders reads pages anew.
    "PRAGMA cache_size = -16384",
    # Else its log stays as long as it ever was, as when thousands of orders were forgotten at once.
    "PRAGMA journal_size_limit = 8388608",
    # Written and taken back: alone, BEGIN IMMEDIATE passes on a file that cannot be written.
    "BEGIN IMMEDIATE",
    f"PRAGMA user_version = {len(MIGRATIONS)}",
    "ROLLBACK",
)


class JournalFile:
    """An open file of the current version. Failing, each use of it raises StoreUnavailable.

    `set_aside` is where this opening put a damaged file, or None.
    """

    def __init__(self, folder: Path, patience: float) -> None:
        """Open the file in `folder`, or make it, for its owner alone.

        `patience` is seconds that another process may hold it. Raises StoreUnavailable where
        it cannot be written, is of a newer version, or is unusable and another process has it open.
        """
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.ExitStack() as undo:
                self._gate = undo.enter_context(contextlib.closing(_connect(folder / _GATE, 0.1)))
                self._db, self.set_aside = _open_current(self._gate, folder, patience)
                undo.pop_all()
        except (OSError, sqlite3.Error, _Unusable) as error:
            raise StoreUnavailable(folder=str(folder), reason=str(error)) from error
        self._is_group = False

    def close(self) -> None:
        self._db.close()
        self._gate.close()

    def set_aside_files(self) -> list[Path]:
        """Journals that were set aside here, and that nobody has removed."""
        paths = self.folder.glob("orders.*-*.sqlite3")
        return sorted(path for path in paths if path.name.split(".")[1].startswith(_ASIDE_PREFIXES))

    def change(self, statement: str, values: tuple[object, ...]) -> bool:
        """Run one statement by itself; whether it changed a row."""
        with self.writing() as db:
            return db.execute(statement, values).rowcount > 0

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        """All writing meanwhile is one transaction, which any exception ends."""
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
        """One transaction: all of it on the disk, or nothing and an exception; or a part of one,
        see `together`."""
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
    """There is no current journal: "missing", "older" or "damaged"."""

    def __init__(self, verdict: str) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def _open_current(
    gate: sqlite3.Connection, folder: Path, patience: float
) -> tuple[sqlite3.Connection, Path | None]:
    """A connection to a current journal, and where an unusable one was put.

    Whoever has the journal open shares the gate, and whoever makes, migrates or replaces it has
    the gate alone: SQLite would delete the log of a new journal when the old one, renamed while
    it was open, is closed.
    """
    deadline = time.monotonic() + patience
    set_aside: Path | None = None
    if _take_gate(gate, "BEGIN EXCLUSIVE"):
        _mark_orphans_uncertain(folder / _FILE, patience)
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
                _mark_orphans_uncertain(folder / _FILE, patience)  # of an older version until now
                gate.execute("ROLLBACK")
                continue  # however long a slow disk took: nobody else had it
        if time.monotonic() > deadline:
            raise StoreUnavailable("error.store_in_use", folder=str(folder), reason=verdict)


def _mark_orphans_uncertain(path: Path, patience: float) -> None:
    """Nobody has the journal open: of a request that was on its way, nobody hears the reply."""
    if not path.exists():
        return
    with (
        contextlib.closing(_connect(path, patience)) as db,
        contextlib.suppress(sqlite3.Error, ValueError),
    ):
        # What is wrong with the file is said by whoever attaches it.
        if db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS):
            db.execute(
                "UPDATE orders INDEXED BY unfinished SET state = 'uncertain',"
                " error_key = 'error.uncertain_before'"
                " WHERE ended IS NULL AND state = 'intended'"
            )
            # What was held for orders that never came to be written down.
            db.execute("DELETE FROM reservations WHERE order_id IS NULL")


def _take_gate(gate: sqlite3.Connection, begin: str) -> bool:
    """Take the gate, shared or alone; False when others kept it for a moment."""
    try:
        gate.execute(begin)
        gate.execute("SELECT * FROM sqlite_master").fetchall()  # a shared lock starts with this
    except sqlite3.OperationalError:
        if gate.in_transaction:
            gate.execute("ROLLBACK")
        return False
    return True


def _open_checked(folder: Path, patience: float) -> sqlite3.Connection:
    """A connection to a journal of our version that can be written; else _Unusable.

    Raises sqlite3.OperationalError where the trouble is around the file and not in it.
    """
    path = folder / _FILE
    if not path.exists():
        # Without its journal, a left-over log would be replayed into the next one.
        raise _Unusable("damaged" if path.with_name(_FILE + "-wal").exists() else "missing")
    db = _connect(path, patience)
    try:
        _examine(db, folder)
        for statement in _CONNECTION_SETUP:
            db.execute(statement)
    except BaseException as error:
        db.close()
        # SQLITE_CORRUPT and SQLITE_NOTADB arrive as the plain class, all else as a child of it;
        # ValueError is a text (of the file or quoted in SQLite's message) or row that is none.
        if type(error) is sqlite3.DatabaseError or isinstance(error, ValueError):
            raise _Unusable("damaged") from error
        raise
    return db


def _examine(db: sqlite3.Connection, folder: Path) -> None:
    """Raise _Unusable, or what SQLite or `read_order` raises, unless the journal can be trusted."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        # Whoever wrote it may go on writing to it, and its limits hold: it stays where it is.
        raise StoreUnavailable("error.store_newer", file=str(folder / _FILE))
    if version < 1:
        raise _Unusable("damaged")
    if version < len(MIGRATIONS):
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
    """Make, migrate or replace the journal; where the damaged one was put.

    Raises _Unusable where the disk does not even keep a new one.
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
    """Under another name first, so that an empty file under the journal's own is always damage."""
    path = folder / "orders.new.sqlite3"
    for companion in _COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)
    path.touch(mode=0o600)
    _migrate(path, patience)
    put(path, folder / _FILE)


def _migrate(path: Path, patience: float) -> None:
    db = _connect(path, patience)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        steps = "".join(MIGRATIONS[version:])
        db.executescript(
            f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {len(MIGRATIONS)}; COMMIT"
        )
        # Kept in the file. Where the disk cannot do it the mode stays what it was, as safe. Last:
        # what a log holds of a new journal would not go with it when it gets its name.
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()


def _set_aside(folder: Path) -> Path:
    """Rename the file and its companions; the journal first, whose absence shows in a crash."""
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
    """Its tables are word for word those that this version makes."""
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        model.executescript("".join(MIGRATIONS))
        return [tuple(row) for row in db.execute(schema)] == model.execute(schema).fetchall()


def _is_intact(db: sqlite3.Connection) -> bool:
    """Its pages, indexes and constraints agree; reads the whole file."""
    return [tuple(row) for row in db.execute("PRAGMA integrity_check")] == [("ok",)]


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.create_function("micros", 1, micros, deterministic=True)
    db.text_factory = bytes.decode  # a text that is none raises ValueError, told from an I/O error
    return db
