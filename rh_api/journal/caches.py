"""What saves work another time: uploads, hashes of big files, how long workflows ran, where their
results lie, which nodes gave nothing, and how the nodes of a local graph ended."""

from __future__ import annotations

import os
from pathlib import Path

from .database import JournalFile
from .rows import FileStamp

ENDS_KEPT = 2_000  # nodes, those that ended last
RUNS_KEPT = 20  # a workflow and instance; more past runs do not foretell better


class Caches:
    """What the journal's file remembers beside orders; to lose it costs time alone.

    Methods raise StoreUnavailable as those of the `Store` do.
    """

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def remember_upload(
        self, origin: str, account: str, sha256: str, name: str, url: str, expires: float
    ) -> None:
        """The service keeps content `sha256` as `name` until `expires` (unix seconds)."""
        self._file.change(
            "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)",
            (origin, account, sha256, name, url, expires),
        )

    def upload(self, origin: str, account: str, sha256: str, now: float) -> tuple[str, str] | None:
        """Name and URL of content that the service still has at `now`."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT name, url FROM uploads"
                " WHERE origin = ? AND account = ? AND sha256 = ? AND expires > ?",
                (origin, account, sha256, now),
            ).fetchone()
            return None if row is None else (row["name"], row["url"])

    def forget_upload(self, origin: str, account: str, sha256: str) -> None:
        """The service turned out not to have it any more."""
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
        """The hash of a file that has not changed since, else None."""
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

    def remember_run(self, workflow: str, instance: str, seconds: float) -> None:
        with self._file.writing() as db:
            db.execute(
                "INSERT INTO runs (workflow, instance, seconds) VALUES (?, ?, ?)",
                (workflow, instance, seconds),
            )
            db.execute(
                "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE workflow = ?"
                " AND instance = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
                (workflow, instance, RUNS_KEPT),
            )

    def run_times(self, workflow: str, instance: str) -> list[float]:
        """Seconds that past runs took, newest first."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT seconds FROM runs WHERE workflow = ? AND instance = ? ORDER BY id DESC",
                (workflow, instance),
            )
            return [row["seconds"] for row in rows]

    def silent_nodes(self, origin: str, account: str, workflow: str) -> frozenset[str]:
        """Nodes that gave nothing in the two latest successes of a program, although they were to
        run. One whose results nobody has waited for is none of these."""
        silent = """WITH latest AS (SELECT id, told FROM orders o WHERE origin = ? AND account = ?
            AND workflow = ? AND state = 'done' AND told != '[]' AND (missing != '[]' OR EXISTS
            (SELECT 1 FROM results WHERE order_id = o.id AND (path IS NOT NULL OR text IS NOT NULL)))
            ORDER BY id DESC LIMIT 2)
            SELECT value FROM latest, json_each(told) WHERE NOT EXISTS (SELECT 1 FROM results
            WHERE order_id = latest.id AND node_id = value AND (url != '' OR text IS NOT NULL))
            GROUP BY value HAVING count(DISTINCT latest.id) = 2"""
        with self._file.reading() as db:
            rows = db.execute(silent, (origin, account, workflow))
            return frozenset(str(row["value"]) for row in rows)

    def result_url(self, origin: str) -> str:
        """Where one of the latest results of a site's was fetched, of any account; or ""."""
        latest = """SELECT url FROM (SELECT * FROM results ORDER BY order_id DESC LIMIT 50)
            JOIN orders o ON o.id = order_id WHERE o.origin = ? AND url != '' LIMIT 1"""
        with self._file.reading() as db:
            return next((str(row["url"]) for row in db.execute(latest, (origin,))), "")

    def remember_end(self, graph: str, node: str, end: str) -> None:
        """How a node of a local graph ended, in its host's own words."""
        with self._file.writing() as db:
            # A new row each time: the newest have the highest numbers.
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
        """How the nodes of a graph ended last."""
        with self._file.reading() as db:
            rows = db.execute('SELECT node, "end" FROM ends WHERE graph = ?', (graph,))
            return {row["node"]: row["end"] for row in rows}
