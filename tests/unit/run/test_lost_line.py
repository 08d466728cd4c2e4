"""A line that is gone for a while costs a transfer time, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from unit.run.world import Files, Service, UnthreadedJournal, now, taken, virtually

from rh_api.errors import (
    Fate,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
    Unreachable,
    UploadFailed,
)
from rh_api.run.ports import Fetched, Meter
from rh_api.run.progress import unwatched
from rh_api.run.retry import BUDGET, Sender
from rh_api.run.transfers import Source, Transfers
from rh_api.wire.call import Response
from rh_api.wire.filetypes import PNG, Kind
from rh_api.wire.orders import create
from tests.support.clocks import LoopClock

UPLOADED = json.dumps({"code": 0, "data": {"fileName": "openapi/x.png", "download_url": "u"}})
SIZE = 10_000_000
RESET = Unreachable(host="x", reason="reset")
PICTURE = Source(Kind.IMAGE, b"x", ".png", "image/png")

Loss = Callable[[float], "RunningHubError | None"]


def between(start: float, end: float, error: RunningHubError = RESET) -> Loss:
    return lambda at: error if start <= at < end else None


@dataclass
class Line(Files):
    """Moves `rate` bytes a second, and fails with what `lost` says; downloads are resumed."""

    lost: Loss = lambda _: None
    rate: float = SIZE
    tries: int = 0
    have: int = 0

    async def upload(self, *_: object) -> Response:
        await self._move(None)
        return Response(200, UPLOADED.encode())

    async def download(self, url: str, into: Path, meter: Meter) -> Fetched:
        await self._move(meter)
        path = into.with_suffix(".png")
        return Fetched(path, SIZE, PNG)

    async def _move(self, meter: Meter | None) -> None:
        self.tries += 1
        self.have = self.have if meter else 0
        while True:
            if (failure := self.lost(now())) is not None:
                raise failure
            if self.have >= SIZE:
                return
            await asyncio.sleep(1)
            self.have = min(SIZE, self.have + int(self.rate))
            if meter:
                meter.moved(self.have, SIZE)


@pytest.fixture
def play(tmp_path: Path):
    """`play(story, line)` runs a story of transfers in virtual time; gives how long it took."""

    def play(story: Callable[[Transfers], Coroutine[Any, Any, object]], line: Line) -> float:
        async def main() -> float:
            rows = UnthreadedJournal(tmp_path)
            service = Service(create=[RESET, taken()], uploads=line.upload)
            try:
                await story(Transfers(line, Sender(service, LoopClock()), rows.journal))
            finally:
                rows.store.close()
            return now()

        return virtually(main())

    return play


def up(number: int = 0) -> Callable[[Transfers], Coroutine[Any, Any, object]]:
    return lambda transfers: transfers.upload(PICTURE, f"{number:064}", unwatched)


def down(transfers: Transfers) -> Coroutine[Any, Any, object]:
    return transfers.download("https://x/a.png", Path("a"), "7")


@pytest.mark.parametrize("story", [up(), down])
@pytest.mark.parametrize("fate", [Fate.UNKNOWN, Fate.NOT_STARTED])
def test_a_line_that_is_reset_and_refuses_for_half_a_minute_is_waited_for(play, story, fate):
    line = Line(lost=between(5, 35, Unreachable(host="x", fate=fate)), rate=SIZE / 10)
    assert 35 <= play(story, line) < 35 + 10 + 15
    assert line.tries < 15


@pytest.mark.parametrize(("story", "kind"), [(up(), Unreachable), (down, ResultUnavailable)])
def test_a_line_that_stays_away_is_given_up_after_three_minutes(play, story, kind):
    ended: list[float] = []

    async def timed(transfers: Transfers) -> None:
        try:
            await story(transfers)
        finally:
            ended.append(now())

    line = Line(lost=between(0, 9999))
    with pytest.raises(kind):
        play(timed, line)
    assert 180 <= ended[0] < 200
    assert 12 < line.tries < 40


def test_a_download_that_has_grown_is_waited_for_anew(play):
    """Two minutes away, five times, each with something fetched in between."""
    line = Line(lost=lambda at: RESET if at % 150 >= 30 else None, rate=SIZE / 120)
    assert 450 < play(down, line) < 1200


def test_pauses_begin_anew_with_what_has_grown(play):
    line = Line(lost=lambda at: RESET if int(at) % 10 == 9 else None, rate=SIZE / 100)
    assert play(down, line) < 150


def test_a_long_upload_that_breaks_has_its_tries_all_the_same(play):
    """Each takes longer than the patience for a line that is gone."""
    line = Line(lost=lambda at: RESET if int(at) % 400 == 399 else None, rate=SIZE / 390)
    with pytest.raises(Unreachable):
        play(up(), Line(lost=lambda at: RESET if int(at) % 300 == 299 else None, rate=SIZE / 390))
    assert play(up(), line) < 400


def test_stop_ends_the_waiting_at_once(play):
    async def story(transfers: Transfers) -> None:
        waiting = asyncio.ensure_future(up()(transfers))
        await asyncio.sleep(60)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert play(story, Line(lost=between(0, 9999))) == 60


@pytest.mark.parametrize(
    "refusal",
    [ServiceFault(), UploadFailed(), Unreachable("error.tls", host="x", fate=Fate.NOT_STARTED)],
    ids=lambda error: error.key,
)
def test_what_is_not_the_line_is_not_waited_for(play, refusal: RunningHubError):
    with pytest.raises(type(refusal)):
        play(up(), Line(lost=between(0, 9999, refusal)))


def test_waiting_transfers_take_no_tries_from_orders(play):
    async def story(transfers: Transfers) -> None:
        await asyncio.gather(*(up(n)(transfers) for n in range(8)))
        assert transfers.sender.budget.tokens == BUDGET

    play(story, Line(lost=between(0, 100)))


def test_an_order_whose_line_broke_is_not_sent_again(play):
    async def story(transfers: Transfers) -> None:
        with pytest.raises(Unreachable):
            await transfers.sender.send(create("1", ()))
        service = transfers.sender.transport
        assert isinstance(service, Service)
        assert len(service.times("create")) == 1

    assert play(story, Line()) == 0
