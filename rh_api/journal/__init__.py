"""The journal, one SQLite file: orders and their outcomes, durable across crashes.

An order's row is synced to disk before its request is sent, so a process that dies at any moment
leaves an uncertain order, never a silent duplicate. It holds no key. Several processes may share
the file.
"""

from .caches import FileStamp
from .journal import SqliteJournal
from .ledger import NO_HOLD, Committed, Hold, LimitReached, LimitsChanged, Rules
from .order_states import State
from .rows import Identity, OrderExists, OrderRow, ResultRow
from .store import Store

__all__ = [
    "NO_HOLD",
    "Committed",
    "FileStamp",
    "Hold",
    "Identity",
    "LimitReached",
    "LimitsChanged",
    "OrderExists",
    "OrderRow",
    "ResultRow",
    "Rules",
    "SqliteJournal",
    "State",
    "Store",
]
