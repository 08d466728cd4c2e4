"""A task watched to its end in virtual time."""

from __future__ import annotations

from typing import Any

from unit.run.world import TASK, Service, Watcher, now, virtually

from rh_api.errors import Unreachable
from rh_api.run.poller import Poller
from rh_api.wire.orders import Ticket
from rh_api.wire.tasks import Phase, Report
from tests.support.clocks import LoopClock

OFFLINE = Unreachable(host="x", reason="down")
LISTED = {"code": 0, "data": [{"fileUrl": "https://files.example/a.png", "nodeId": "9"}]}


def follow(
    service: Service,
    phase: Phase = Phase.RUNNING,
    socket: str | None = None,
    **more: Any,
) -> tuple[Report, float, Watcher, Poller]:
    """The last report, when it came, what was shown, and the follower; its error is raised."""
    watcher = Watcher()
    pollers: list[Poller] = []

    async def main() -> tuple[Report, float]:
        ticket = Ticket(TASK, phase, socket)
        following = Poller(service, LoopClock(), ticket, watcher, **more)
        pollers.append(following)
        return await following.until_over(), now()

    report, at = virtually(main())
    if report.error is not None:
        raise report.error
    return report, at, watcher, pollers[0]
