"""The journal, one SQLite file: what was ordered and what became of it, across any crash.

An order's row is on the disk before its request leaves, so a process that dies at any moment
leaves a question behind and never a silent second order. It holds no key. Several processes may
use one file.
"""

from .journal import SqliteJournal
from .ledger import NO_HOLD, Committed, Hold, LimitReached, LimitsChanged, Rules
from .rows import FileStamp, Identity, OrderExists, OrderRow, ResultRow, State
from .store import Store
from .webhooks import Address, token_hash

__all__ = [
    "NO_HOLD",
    "Address",
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
    "token_hash",
]
