"""Pruning: expired uploads, orders that are old or surplus, costs of long ago."""

from __future__ import annotations

import sqlite3

from .retention import EARLIEST, PART_SECONDS

SPEND_DAYS = 31  # days of cost history: rows of pruned orders stay that long, emptied
KEEP_COSTS = 400 * 86_400.0  # seconds that reservations are kept, longer than orders and files

# Ended orders that are too old or surplus. Those of the last day stay: a batch under way may be
# longer than `keep`, and a result that was not delivered can still be fetched.
_OLD_ORDERS = """
WITH dated AS (
    SELECT id, ended, deleted,
        max(created, coalesce(placed, 0), coalesce(started, 0), coalesce(ended, 0)) AS latest
    FROM orders
)
SELECT id, ended FROM dated WHERE ended IS NOT NULL AND (
    latest BETWEEN :earliest AND :limit
        AND EXISTS (SELECT 1 FROM dated WHERE latest BETWEEN :limit AND :soon)
    OR deleted
    OR latest < :young AND id IN (
        SELECT id FROM dated WHERE ended IS NOT NULL AND NOT deleted
        ORDER BY id DESC LIMIT -1 OFFSET :keep
    )
)
"""

_OLD_RESERVATIONS = """
DELETE FROM reservations WHERE at < :now - :kept AND at < (
    SELECT max(at) FROM reservations AS later
    WHERE later.origin = reservations.origin AND later.account = reservations.account
) - :kept
"""


def prune(db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int) -> list[int]:
    """See `Store.prune`."""
    db.execute("DELETE FROM uploads WHERE expires <= ?", (now,))
    # Old both by the clock and relative to the account's latest: one wrong date deletes nothing.
    db.execute(_OLD_RESERVATIONS, {"now": now, "kept": KEEP_COSTS})
    old = _old(db, now, keep_days, keep_orders)
    for order, ended in old:
        if ended > now - SPEND_DAYS * 86_400:
            empty_order(db, order)  # its cost still counts in sums
        else:
            db.execute("DELETE FROM orders WHERE id = ?", (order,))
    return [order for order, _ in old]


def old_orders(db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int) -> list[int]:
    """Ids of the orders that `prune` would delete or empty."""
    return [order for order, _ in _old(db, now, keep_days, keep_orders, "AND deleted = 0")]


def empty_order(db: sqlite3.Connection, order: int) -> bool:
    """Delete the content of an ended order but not its cost; False if not ended, or empty."""
    cursor = db.execute(
        "UPDATE orders SET deleted = 1, identity_digest = '', what = '{}', told = '[]',"
        " missing = '[]' WHERE id = ? AND ended IS NOT NULL AND deleted = 0",
        (order,),
    )
    if cursor.rowcount:
        db.execute("DELETE FROM results WHERE order_id = ?", (order,))
        db.execute("DELETE FROM words WHERE order_id = ?", (order,))
    return cursor.rowcount > 0


def _old(
    db: sqlite3.Connection, now: float, keep_days: float, keep_orders: int, more: str = ""
) -> list[tuple[int, float]]:
    limit = now - keep_days * 86_400
    dates = {"earliest": EARLIEST, "limit": limit, "soon": now + 86_400, "keep": keep_orders}
    dates["young"] = now - PART_SECONDS
    return [tuple(row) for row in db.execute(f"{_OLD_ORDERS} {more}", dates)]
