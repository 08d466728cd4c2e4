"""What a task's progress socket says, beside the polls."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from ..errors import RunningHubError
from ..run.ports import Transport
from ..wire.envelope import read_json, read_object, read_text
from ..wire.socket import MAX_TEXT, SocketReader
from ..wire.tasks import Phase, Report
from .findings import Finding, Verdict

DOCUMENTED = frozenset(
    [
        "status",
        "execution_start",
        "execution_cached",
        "executing",
        "progress",
        "progress_state",
        "executed",
        "execution_success",
        "execution_error",
        "execution_interrupted",
    ]
)
"""Kinds of messages that RunningHub's documents name, and ComfyUI's own."""


@dataclass(slots=True)
class SocketMessages:
    """Listens from the poll that names the socket. `ended`: seconds from `start` until it told
    the end; None if it never did.

    It is a second socket of the task. Of two, ComfyUI serves the later one: the order itself then
    goes by its polls.
    """

    transport: Transport
    start: float
    ended: float | None = None
    _kinds: dict[str, None] = field(default_factory=dict[str, None])
    _failure: RunningHubError | None = None
    _was_running: bool = False
    _listening: asyncio.Future[None] | None = None

    def follow(self, report: Report | None) -> None:
        """Listen as soon as a report of the older poll names the socket."""
        if report is None or report.phase is not Phase.RUNNING:
            return
        self._was_running = True
        if report.socket_url and self._listening is None:
            self._listening = asyncio.ensure_future(self._listen(report.socket_url))

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))

    def finding(self) -> Finding:
        """Return whether it said what the documents say: their kinds of messages, and the end."""
        if not self._was_running:
            return Finding("socket", Verdict.NOT_TOLD, "doctor.seen_socket_short")
        if self._listening is None:
            return Finding("socket", Verdict.OTHER, "doctor.seen_socket_none")
        if self._failure is not None:
            return Finding("socket", Verdict.OTHER, self._failure)
        params = {"kinds": ", ".join(self._kinds) or "-"}
        if self.ended is None:
            return Finding("socket", Verdict.OTHER, "doctor.seen_socket_endless", params)
        verdict = Verdict.AS_ASSUMED if DOCUMENTED.issuperset(self._kinds) else Verdict.OTHER
        return Finding("socket", verdict, "doctor.seen_socket", params)

    async def _listen(self, url: str) -> None:
        reader = SocketReader(total=0)
        try:
            async with self.transport.socket(url) as frames:
                async for frame in frames:
                    self._take(frame, reader)
        except RunningHubError as error:
            self._failure = error

    def _take(self, frame: str | bytes, reader: SocketReader) -> None:
        news = reader.read(frame)
        if self.ended is None and news is not None and news.may_be_over:
            self.ended = time.monotonic() - self.start
        if isinstance(frame, str) and len(frame) <= MAX_TEXT:
            kind = read_text(read_object(read_json(frame)).get("type"))
            self._kinds |= {kind[:40]: None} if kind else {}
