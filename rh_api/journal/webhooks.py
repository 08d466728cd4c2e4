"""Webhook addresses that orders carry: a token each, of which only the hash is kept, and whether
the address was called."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from .database import JournalFile

GRACE = 60.0  # seconds after an end in which its delivery may still be on the way
ALIVE = 60.0  # seconds that a listener's sign of life is good for
_SIGN = "webhooks.alive"


@dataclass(frozen=True, slots=True)
class Address:
    """What an order carries: `base` is the listener's public address, `token` the hash of the
    order's own end of it (`token_hash`)."""

    base: str
    token: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A delivery that may come: for which order, and its task as far as that is known."""

    order: int
    task_id: str | None
    heard: bool


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256, in hexadecimal."""
    return hashlib.sha256(b"runninghub webhook\0" + token.encode()).hexdigest()


def sign_of_life(folder: Path) -> None:
    """A listener serves the journal of this folder now."""
    (folder / _SIGN).touch(mode=0o600)


def end_of_life(folder: Path) -> None:
    """The listener of this folder has ended."""
    (folder / _SIGN).unlink(missing_ok=True)


class WebhookRows:
    """A journal's rows about webhooks. For one thread at a time, as the store is."""

    def __init__(self, file: JournalFile, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    def expect_in(self, db: sqlite3.Connection, order: int, address: Address) -> None:
        """An order is about to carry an address."""
        db.execute(
            "INSERT INTO webhooks (order_id, token, address) VALUES (?, ?, ?)",
            (order, address.token, address.base),
        )

    def expected(self, token: str) -> Expected | None:
        """What a token's hash belongs to; None for one that no order carries."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT o.id, o.task_id, w.heard IS NOT NULL FROM webhooks w"
                " JOIN orders o ON o.id = w.order_id WHERE w.token = ?",
                (token,),
            ).fetchone()
            return None if row is None else Expected(row[0], row[1], bool(row[2]))

    def hear(self, orders: Iterable[int]) -> None:
        """Their addresses were called; only the first time counts."""
        now = self._clock()
        with self._file.writing() as db:
            db.executemany(
                "UPDATE webhooks SET heard = ? WHERE order_id = ? AND heard IS NULL",
                [(now, order) for order in orders],
            )

    def heard(self, orders: Collection[int]) -> set[int]:
        """The orders whose address was called."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT order_id FROM webhooks WHERE heard IS NOT NULL AND order_id >= ?",
                (min(orders, default=0),),
            )
            return {row[0] for row in rows}.intersection(orders)

    def promised(self, order: int) -> bool | None:
        """Whether a delivery is to be expected: a listener is there, and of the orders at the same
        address the last that tells was heard of. None for an order that carries no such address."""
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
