"""A power cut: what a killed process has written and not synced is lost,
though its length may stay.

That is how file systems with delayed allocation fail. SQLite's own files are synced by SQLite at
each commit; a torn page behind the last one is what a cut may leave in its rollback journal.
"""

from __future__ import annotations

import os
from pathlib import Path

TORN = b"torn" * 50


def note_syncs(log: Path) -> None:
    """From now on this process notes in `log` how much of which file it has synced."""
    plain = os.fsync
    notes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def fsync(number: int) -> None:
        plain(number)
        about = os.fstat(number)
        os.write(notes, f"{about.st_ino} {about.st_size}\n".encode())

    os.fsync = fsync


def cut(folder: Path, log: Path) -> None:
    """The power is gone: of the files below `folder` only what `log` knows is left."""
    synced: dict[int, int] = {}
    for line in log.read_text("ascii").splitlines():
        number, size = line.split()
        synced[int(number)] = int(size)
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if path.name.endswith("-journal"):
            with path.open("ab") as file:
                file.write(TORN)
        elif ".sqlite3" not in path.name:
            _forget(path, synced.get(path.stat().st_ino, 0))


def _forget(path: Path, behind: int) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(behind)
        file.write(bytes(max(0, size - behind)))
