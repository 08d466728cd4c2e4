"""Caches in the journal's file (uploads, file hashes, run times), how the nodes of a local graph
ended, and two queries of orders and results whose answers save work."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from .database import JournalFile

ENDS_KEPT = 2_000  # nodes: the most recent ends
RUNS_KEPT = 20  # per workflow and instance; more past runs do not predict better


class FileStamp(NamedTuple):
    """Metadata that changes whenever the content of a file does.

    `entry`: inode and ctime, which cannot be set back as `cp -p` does with `mtime_ns`. On Windows
    ctime is the creation time.
    """

    size: int
    mtime_ns: int
    entry: str

    @classmethod
    def of(cls, stat: os.stat_result) -> FileStamp:
        return cls(stat.st_size, stat.st_mtime_ns, f"{stat.st_ino}.{stat.st_ctime_ns}")


class Caches:
    """Facts beside the orders. Losing uploads, hashes and run times costs only time; `ends` are
    kept nowhere else. `silent_nodes` stores nothing: it reads orders and results.
    Methods raise StoreUnavailable as those of the `Store` do."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def remember_upload(
        self, origin: str, account: str, sha256: str, name: str, url: str, expires: float
    ) -> None:
        """Record that the service has content `sha256` as `name` until `expires`, unix seconds."""
        self._file.change(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)",
            (origin, account, sha256, name, url, expires),
        )

    def upload(self, origin: str, account: str, sha256: str, at: float) -> tuple[str, str] | None:
        """Name and URL of content that the service still has `at` unix seconds, else None."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT name, url FROM uploads"
                " WHERE origin = ? AND account = ? AND sha256 = ? AND expires > ?",
                (origin, account, sha256, at),
            ).fetchone()
            return None if row is None else (row["name"], row["url"])

    def contents_of(self, origin: str, account: str, texts: Collection[str]) -> dict[str, str]:
        """SHA-256 of uploads, by those of the texts that are a name or URL of one."""
        named = """WITH texts AS (SELECT value FROM json_each(?))
            SELECT sha256, name, url FROM uploads WHERE origin = ? AND account = ?
            AND (name IN texts OR url IN texts)"""
        with self._file.reading() as db:
            rows = db.execute(named, (json.dumps([*texts]), origin, account)).fetchall()
        contents = {row[key]: row["sha256"] for row in rows for key in ("name", "url")}
        return {text: contents[text] for text in texts if text in contents}

    def forget_upload(self, origin: str, account: str, sha256: str) -> None:
        """Delete the entry of an upload that the service no longer has."""
        self._file.change(
            "DELETE FROM uploads WHERE origin = ? AND account = ? AND sha256 = ?",
            (origin, account, sha256),
        )

    def remember_hash(self, path: Path, stamp: FileStamp, algorithm: str, hexdigest: str) -> None:
        self._file.change(
            "INSERT OR REPLACE INTO hashes (path, size, mtime_ns, inode, algorithm, hexdigest)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (os.fsencode(path), *stamp, algorithm, hexdigest),
        )

    def known_hash(self, path: Path, stamp: FileStamp, algorithm: str) -> str | None:
        """The cached digest of a file whose stamp is unchanged, else None."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT hexdigest FROM hashes"
                " WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ? AND algorithm = ?",
                (os.fsencode(path), *stamp, algorithm),
            ).fetchone()
            return None if row is None else row["hexdigest"]

    def paths_of(self, algorithm: str, hexdigest: str) -> list[Path]:
        """Files that had this content when they were hashed."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT path FROM hashes WHERE algorithm = ? AND hexdigest = ?",
                (algorithm, hexdigest),
            )
            return [Path(os.fsdecode(row["path"])) for row in rows]

    def remember_run(self, program_key: str, instance: str, seconds: float) -> None:
        with self._file.writing() as db:
            db.execute(
                "INSERT INTO runs (workflow, instance, seconds) VALUES (?, ?, ?)",
                (program_key, instance, seconds),
            )
            db.execute(
                "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE workflow = ?"
                " AND instance = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (program_key, instance, RUNS_KEPT),
            )

    def run_times(self, program_key: str, instance: str) -> list[float]:
        """Seconds that past runs took, newest first."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT seconds FROM runs WHERE workflow = ? AND instance = ? ORDER BY id DESC",
                (program_key, instance),
            )
            return [row["seconds"] for row in rows]

    def silent_nodes(self, origin: str, account: str, program_key: str) -> frozenset[str]:
        """Announced nodes without output in both of a program's two latest successes. A success
        whose results were never awaited does not count."""
        silent = """WITH latest AS (SELECT id, told FROM orders o WHERE origin = ? AND account = ?
            AND workflow = ? AND state = 'done' AND told != '[]' AND (missing != '[]' OR EXISTS
            (SELECT 1 FROM results WHERE order_id = o.id AND (path IS NOT NULL OR text IS NOT NULL)))
            ORDER BY id DESC LIMIT 2)
            SELECT value FROM latest, json_each(told) WHERE NOT EXISTS (SELECT 1 FROM results
            WHERE order_id = latest.id AND node_id = value AND (url != '' OR text IS NOT NULL))
            GROUP BY value HAVING count(DISTINCT latest.id) = 2"""
        with self._file.reading() as db:
            rows = db.execute(silent, (origin, account, program_key))
            return frozenset(str(row["value"]) for row in rows)

    def remember_node_end(self, graph: str, node: str, end: str) -> None:
        """Upsert how a node of a local graph ended; `end` is the host's own text."""
        with self._file.writing() as db:
            # REPLACE assigns a new id: the newest ends have the highest.
            db.execute(
                'INSERT OR REPLACE INTO ends (graph, node, "end") VALUES (?, ?, ?)',
                (graph, node, end),
            )
            db.execute(
                "DELETE FROM ends WHERE id IN"
                " (SELECT id FROM ends ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (ENDS_KEPT,),
            )

    def ends(self, graph: str) -> dict[str, str]:
        """The latest end of each node of a graph, by node id."""
        with self._file.reading() as db:
            rows = db.execute('SELECT node, "end" FROM ends WHERE graph = ?', (graph,))
            return {row["node"]: row["end"] for row in rows}
