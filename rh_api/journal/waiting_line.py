"""Who waits for a place on an account, told to the other processes of a journal by files.

A hint: where a file cannot be made or seen, each process waits as if it were alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from pathlib import Path

FRESH = 1.0  # seconds that a sign of waiting lasts; it is given several times a second
FORGOTTEN = 60.0  # what a dead process left is removed


class WaitingLine:
    """Signs of one account's waiting orders, a file a process."""

    def __init__(self, folder: Path, origin: str, account: str) -> None:
        name = hashlib.sha256(f"{origin} {account}".encode()).hexdigest()[:12]
        self._folder, self._prefix = folder, f"waiting-{name}-"
        self._own = folder / (self._prefix + secrets.token_hex(4))

    def show(self) -> None:
        """An order of this process waits."""
        with contextlib.suppress(OSError):
            self._own.touch()

    def others(self) -> bool:
        """Whether an order of another process waited a moment ago."""
        waits = False
        for path in self._folder.glob(self._prefix + "*"):
            with contextlib.suppress(OSError):  # it is no longer there, or somebody has it open
                age = abs(time.time() - path.stat().st_mtime)
                if age > FORGOTTEN:
                    path.unlink(missing_ok=True)
                waits |= age < FRESH and path != self._own
        return waits

    def leave(self) -> None:
        with contextlib.suppress(OSError):
            self._own.unlink(missing_ok=True)
