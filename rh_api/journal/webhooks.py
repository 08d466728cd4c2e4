"""Webhook addresses of orders: a token each, of which only the hash is stored, and whether the
address was called."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from .database import JournalFile

GRACE = 60.0  # seconds after a task's end in which its delivery may still arrive
ALIVE = 60.0  # seconds that a listener's heartbeat is valid
_SIGN = "webhooks.alive"


@dataclass(frozen=True, slots=True)
class Address:
    """An order's webhook: `base` is the listener's public address, `token` the hash
    (`token_hash`) of the secret with which the order's own URL ends."""

    base: str
    token: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An expected delivery: its order, the task id if known, whether it was called before."""

    order: int
    task_id: str | None
    heard: bool


def token_hash(token: str) -> str:
    """The stored form of a token: SHA-256 with a prefix, in hexadecimal."""
    return hashlib.sha256(b"runninghub webhook\0" + token.encode()).hexdigest()


def touch_heartbeat(folder: Path) -> None:
    """Heartbeat of the listener that serves the journal in `folder`."""
    (folder / _SIGN).touch(mode=0o600)


def remove_heartbeat(folder: Path) -> None:
    """Remove the heartbeat of a listener that has ended."""
    (folder / _SIGN).unlink(missing_ok=True)


class WebhookRows:
    """The journal's rows about webhooks. Not thread-safe, like the store."""

    def __init__(self, file: JournalFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def expect_within(self, db: sqlite3.Connection, order: int, address: Address) -> None:
        """Record an order's address, in the caller's transaction."""
        db.execute(
            "INSERT INTO webhooks (order_id, token, address) VALUES (?, ?, ?)",
            (order, address.token, address.base),
        )

    def expected(self, token: str) -> Expected | None:
        """Look up a delivery by its token's hash; None if no order carries it."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT o.id, o.task_id, w.heard IS NOT NULL FROM webhooks w"
                " JOIN orders o ON o.id = w.order_id WHERE w.token = ?",
                (token,),
            ).fetchone()
            return None if row is None else Expected(row[0], row[1], bool(row[2]))

    def hear(self, orders: Iterable[int]) -> None:
        """Mark the orders' addresses as called; only the first call counts."""
        now = self._clock()
        with self._file.writing() as db:
            db.executemany(
                "UPDATE webhooks SET heard = ? WHERE order_id = ? AND heard IS NULL",
                [(now, order) for order in orders],
            )

    def received(self, orders: Collection[int]) -> set[int]:
        """Those of `orders` whose address was called."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT order_id FROM webhooks WHERE heard IS NOT NULL AND order_id >= ?",
                (min(orders, default=0),),
            )
            return {row[0] for row in rows}.intersection(orders)

    def promised(self, order: int) -> bool | None:
        """Whether to expect a delivery: a listener is alive, and the latest conclusive order at the
        same address got its call. None for an order without an address."""
        with self._file.reading() as db:
            row = db.execute("SELECT address FROM webhooks WHERE order_id = ?", (order,)).fetchone()
            if row is None:
                return None
            tells = db.execute(
                "SELECT w.heard IS NOT NULL FROM webhooks w JOIN orders o ON o.id = w.order_id"
                " WHERE w.address = ? AND (w.heard IS NOT NULL"
                " OR (o.state IN ('done', 'failed') AND o.ended < ?))"
                " ORDER BY w.order_id DESC LIMIT 1",
                (row[0], self._clock() - GRACE),
            ).fetchone()
        return bool(tells and tells[0]) and self._is_served()

    def _is_served(self) -> bool:
        try:
            touched = (self._file.folder / _SIGN).stat().st_mtime
        except OSError:
            return False
        return abs(self._clock() - touched) < ALIVE
