"""The socket only smooths: it spares polls, and its word is never the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from unit.run.world import (
    QUEUED,
    RUNNING,
    SOCKET,
    SUCCESS,
    TASK,
    Service,
    Watcher,
    frame,
    now,
    until,
    virtually,
)

from rh_api.run.poller import NO_NEWS_AFTER, Poller
from rh_api.wire.orders import Ticket
from rh_api.wire.tasks import Phase
from tests.support.clocks import LoopClock
from tests.unit.run.polling import OFFLINE, follow


def polls(service: Service, **more: Any) -> tuple[int, float]:
    """How many polls it took, and how late the end was seen."""
    report, at, _, _ = follow(service, socket=SOCKET, titles={"1": "a", "2": "b"}, **more)
    assert report.phase is Phase.SUCCESS
    return len(service.times("query")), at - 100


def lively(to: float) -> list[tuple[float, object]]:
    progress = [(2.0, frame("progress", node="1", value=i, max=60)) for i in range(int(to / 2))]
    return [(0.0, frame("executing", node="1")), *progress]


NEVER: tuple[float, object] = (10_000.0, "")


def test_a_socket_that_speaks_spares_polls_and_its_hint_is_confirmed():
    over = (0.1, frame("executing", node=None))
    talking = Service(query=[until(100, SUCCESS)], sockets=[[*lively(100), over, NEVER]])
    count, lag = polls(talking)
    assert count <= 6
    assert lag < 0.6
    silent_count, _ = polls(Service(query=[until(100, SUCCESS)], sockets=[[NEVER]]))
    assert count < silent_count


def test_one_poll_that_fails_after_a_long_while_is_no_silence():
    """A socket that speaks makes polls rare."""
    talking = Service(query=[OFFLINE, until(100, SUCCESS)], sockets=[[*lively(100), NEVER]])
    _, _, watcher, _ = follow(talking, socket=SOCKET)
    assert talking.times("query")[0] > NO_NEWS_AFTER
    assert watcher.stages == ["RUNNING"]


def test_a_socket_of_somebody_else_s_prompt_does_not_hold_up_the_end():
    foreign = [(1.0, frame("progress", node="9", value=1, max=2, prompt_id="q"))] * 200
    first = (0.0, frame("executing", node="1"))
    _, lag = polls(Service(query=[until(100, SUCCESS)], sockets=[[first, *foreign, NEVER]]))
    assert lag <= 15


def test_a_socket_that_lies_about_the_end_is_asked_about_and_then_less_believed():
    lies = [(2.0, frame("executing", node=None))] * 100
    service = Service(query=[until(100, SUCCESS)], sockets=[[*lies, NEVER]])
    count, lag = polls(service)
    assert lag <= 15
    honest, _ = polls(Service(query=[until(100, SUCCESS)], sockets=[[NEVER]]))
    assert count <= honest + 30


def test_a_task_from_the_queue_gets_its_socket_from_the_old_route():
    running = {"code": 804, "data": {"netWssUrl": SOCKET}}
    service = Service(
        query=[lambda _: QUEUED if now() < 10 else RUNNING if now() < 60 else SUCCESS],
        outputs=[running],
        sockets=[[*lively(20), NEVER]],
    )
    _, _, watcher, _ = follow(service, Phase.QUEUED, titles={"1": "Sampler", "2": "b"})
    assert len(service.times("outputs")) == 1
    shown = [news for _, news in watcher.seen if news.node_id == "1"]
    assert shown
    assert shown[-1].params["node"] == "Sampler"
    fractions = [news.fraction or 0.0 for _, news in watcher.seen]
    assert fractions == sorted(fractions)


def test_without_the_old_route_a_task_from_the_queue_has_no_socket():
    service = Service(
        query=[lambda _: QUEUED if now() < 10 else RUNNING if now() < 60 else SUCCESS],
        outputs=[OFFLINE],
    )
    report, _, _, _ = follow(service, Phase.QUEUED)
    assert report.phase is Phase.SUCCESS
    assert len(service.times("outputs")) == 1


def test_leaving_closes_the_socket():
    service = Service(query=[RUNNING], sockets=[[*lively(1000), NEVER]])

    async def main() -> None:
        following = Poller(service, LoopClock(), Ticket(TASK, Phase.RUNNING, SOCKET), Watcher())
        watching = asyncio.ensure_future(following.until_over())
        await asyncio.sleep(50)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    virtually(main())  # which fails when a task is left
