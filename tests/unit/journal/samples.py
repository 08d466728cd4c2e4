"""An order, its identity and a result to keep, and another process to keep them with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rh_api.journal import Identity, ResultRow, Store
from rh_api.journal.retention import KEEP_DAYS, KEEP_ORDERS

ROOT = Path(__file__).parents[3]
PICTURE = ResultRow("9", 0, "image", url="https://cdn.example/a.png", path="results/1.png", size=70)


def identity(item: int = 0) -> Identity:
    return Identity("https://www.runninghub.ai", "a1b2", "190", "graph", "inputs", item)


def intend(store: Store, item: int = 0) -> int:
    return store.intend(identity(item), instance="plus", what={"fields": {"6.text": "a cat"}})


def place(store: Store, item: int = 0) -> int:
    order = intend(store, item)
    store.set_placed(order, f"task-{item}")
    return order


def prune(
    store: Store, now: float, keep_days: float = KEEP_DAYS, keep_orders: int = KEEP_ORDERS
) -> list[int]:
    """Delete old orders, as the journal does; their ids, those emptied before included."""
    old = store.history.old_orders(now, keep_days, keep_orders, emptied=True)
    store.prune(now, old)
    return old


def child(code: str, *arguments: object, version: Path = ROOT) -> subprocess.Popen[str]:
    """Another process, whose `open_store` opens the folder of the first argument."""
    opening = (
        "import sys; from pathlib import Path\n"
        "from rh_api.errors import StoreUnavailable\n"
        "from rh_api.journal import Identity, OrderExists, Store\n"
        "def open_store(): return Store.open(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", opening + code, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=version, stdin=pipe, stdout=pipe, text=True)
