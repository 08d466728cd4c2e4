"""Node classes available on the native route's ComfyUI: an advisory cache with a TTL of one day.

The endpoint reportedly needs no authentication and returns some 30 MB, so it is read in the
background, once a day per machine type; a failed read counts as unknown.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import RunningHubError
from ..run.ports import Send
from ..settings import Settings
from ..system.disk import replace_text
from ..wire.envelope import read_object
from ..wire.native import object_info
from ..wire.object_info import Listed

log = logging.getLogger("runninghub")

DAY = 24 * 3600.0
AGAIN_SECONDS = 600.0  # retry delay after a failed read


@dataclass(slots=True)
class CloudNodes:
    """The lists of one site. `now`: unix seconds. Each machine type's list is cached in a file of
    the state folder, which holds nothing of the account."""

    send: Send
    settings: Settings
    now: Callable[[], float]
    _known: dict[str, tuple[float, Listed | None]] = field(
        default_factory=dict[str, "tuple[float, Listed | None]"]
    )
    _reading: dict[str, tuple[float, asyncio.Task[None]]] = field(
        default_factory=dict[str, "tuple[float, asyncio.Task[None]]"]
    )

    async def listed(self, machine: str, patience: float) -> Listed | None:
        """Return a machine type's list; None if unknown `patience` seconds after the first request.
        The read continues in the background for later callers."""
        if not self._is_known(machine):
            now = asyncio.get_running_loop().time()
            if machine not in self._reading:
                self._reading[machine] = now, asyncio.create_task(self._read(machine))
            began, reading = self._reading[machine]
            await asyncio.wait((reading,), timeout=max(0.0, began + patience - now))
        return self._known[machine][1] if self._is_known(machine) else None

    def _is_known(self, machine: str) -> bool:
        return machine in self._known and 0 <= self.now() - self._known[machine][0] < DAY

    async def _read(self, machine: str) -> None:
        try:
            await asyncio.to_thread(self._load, machine)
            if self._is_known(machine):
                return
            listed = await self.send(object_info(machine))
            self._known[machine] = self.now(), listed
            await asyncio.to_thread(self._keep, machine, self.now(), listed)
        except (RunningHubError, OSError) as error:
            log.info("what the native route offers is not known: %s", error)
            self._known[machine] = self.now() - DAY + AGAIN_SECONDS, None
        finally:
            del self._reading[machine]

    def _file(self, machine: str) -> Path:
        host = urlsplit(self.settings.origin).netloc.replace(":", "-")
        return self.settings.state / f"native-{host}-{machine}.json"

    def _load(self, machine: str) -> None:
        try:
            document = read_object(json.loads(self._file(machine).read_text("utf-8")))
            self._known[machine] = float(str(document["at"])), Listed.of_document(document)
        except (OSError, ValueError, KeyError, RecursionError):
            self._known.pop(machine, None)

    def _keep(self, machine: str, at: float, listed: Listed) -> None:
        text = json.dumps({"at": at, **listed.document()}, separators=(",", ":"))
        replace_text(self._file(machine), text)

    async def close(self) -> None:
        """Cancel reads in progress."""
        reading = [task for _, task in self._reading.values()]
        for task in reading:
            task.cancel()
        if reading:
            await asyncio.wait(reading)
