"""Cross-process hint that an order waits for a concurrency slot: one presence file per process.

Best effort: where a file cannot be created or seen, a process waits as if it were alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from pathlib import Path
from typing import NamedTuple

FRESH = 1.0  # seconds that a touch counts; files are touched several times a second
FORGOTTEN = 60.0  # seconds after which the file of a dead process is removed


class SlotUse(NamedTuple):
    """An account's tasks in all processes, these plus the orders that are being sent, and whether
    an order of another process waits for a slot."""

    tasks: int
    tasks_and_sends: int
    others_wait: bool


class SlotWaiters:
    """Presence files of one account's waiting orders, one per process."""

    def __init__(self, folder: Path, origin: str, account: str) -> None:
        name = hashlib.sha256(f"{origin} {account}".encode()).hexdigest()[:12]
        self._folder, self._prefix = folder, f"waiting-{name}-"
        self._own = folder / (self._prefix + secrets.token_hex(4))

    def show(self) -> None:
        """Touch this process's file: one of its orders waits."""
        with contextlib.suppress(OSError):
            self._own.touch()

    def others(self) -> bool:
        """Whether an order of another process waited a moment ago."""
        waits = False
        for path in self._folder.glob(self._prefix + "*"):
            with contextlib.suppress(OSError):  # gone, or open in another process
                age = abs(time.time() - path.stat().st_mtime)
                if age > FORGOTTEN:
                    path.unlink(missing_ok=True)
                waits |= age < FRESH and path != self._own
        return waits

    def leave(self) -> None:
        with contextlib.suppress(OSError):
            self._own.unlink(missing_ok=True)
