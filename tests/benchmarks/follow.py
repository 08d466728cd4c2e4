"""Following tasks in virtual time: 200 against asking every five seconds, 500 long ones with
webhooks against polls alone, and how fast a webhook is answered.

Run times, the late HTTP answers and the share of working sockets are assumptions: workflows
with medians of 10 to 240 s, 8 % spread, 15 % cold starts of 20 to 60 s more, the end visible
over HTTP a little late in 30 % of runs, 0.15 s a round trip, sockets in 90 % of runs. A webhook
comes 0.1 to 0.5 s after the end, and one in a hundred never.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from benchmarks.rows import Row, timed
from rh_api.emulator.catalog import TEXT_TO_IMAGE
from rh_api.journal import Address, Identity, Store, token_hash
from rh_api.run.poll_schedule import PollSchedule
from rh_api.run.webhook_deliveries import JOURNAL_POLL_SECONDS
from rh_api.webhook_listener import listening

ROUND_TRIP = 0.15
TASKS = 200
ROUNDS = 7


@dataclass(frozen=True)
class Run:
    history: list[float]
    seconds: float
    late: float
    socket: bool


def world(seed: int, socket_share: float) -> list[Run]:
    rng = random.Random(seed)
    return [_run(rng, socket_share) for _ in range(TASKS)]


def _run(rng: random.Random, socket_share: float) -> Run:
    median = 10 * 24 ** rng.random()

    def once() -> float:
        cold = rng.uniform(20, 60) if rng.random() < 0.15 else 0.0
        return median * max(0.5, rng.gauss(1, 0.08)) + cold

    late = rng.uniform(0.2, 2.0) if rng.random() < 0.3 else 0.0
    return Run([once() for _ in range(20)], once(), late, rng.random() < socket_share)


def fixed(run: Run, every: float = 5.0) -> tuple[int, float]:
    visible = run.seconds + run.late
    polls, at = 0, 0.0
    while True:
        at += every + ROUND_TRIP
        polls += 1
        if at >= visible + ROUND_TRIP / 2:
            return polls, at - visible


def planned(run: Run) -> tuple[int, float]:
    plan = PollSchedule(run.history)
    plan.running(0.0)
    visible, now, polls, hinted = run.seconds + run.late, 0.0, 0, False
    while True:
        if run.socket and not hinted:
            plan.heard(now)  # a working socket names each node and step
        at = plan.next_at(now)
        if run.socket and not hinted and at >= run.seconds:
            now = max(now, run.seconds)
            plan.heard(now)
            plan.hint(now)
            hinted = True
            continue
        now = at + ROUND_TRIP
        polls += 1
        plan.asked(now)
        if at + ROUND_TRIP / 2 >= visible:
            return polls, now - visible


LONG_TASKS, SHORTEST_LONG = 500, 120.0
LOST_DELIVERIES = 0.01


def long_world(seed: int, *, ran_before: bool) -> list[Run]:
    """Runs of 120 s and more, without a socket; `ran_before`: their programs did."""
    rng, runs = random.Random(seed), list[Run]()
    while len(runs) < LONG_TASKS:
        run = _run(rng, 0.0)
        if run.seconds >= SHORTEST_LONG:
            runs.append(run if ran_before else replace(run, history=[]))
    return runs


def with_webhook(run: Run, rng: random.Random) -> tuple[int, float]:
    """Requests and lag where deliveries before have come."""
    plan = PollSchedule(run.history, promised=True)
    plan.running(0.0)
    visible, now, polls = run.seconds + run.late, 0.0, 0
    comes = run.seconds + rng.uniform(0.1, 0.5) + rng.uniform(0, JOURNAL_POLL_SECONDS)
    if rng.random() < LOST_DELIVERIES:
        comes = math.inf
    while True:
        at = plan.next_at(now)
        if at >= comes:
            now, comes = max(now, comes), math.inf
            plan.delivered(now)
            continue
        now = at + ROUND_TRIP
        polls += 1
        plan.asked(now)
        if at + ROUND_TRIP / 2 >= visible:
            return polls, now - visible


def webhook_rows() -> list[Row]:
    rows: list[Row] = []
    for ran_before in (True, False):
        rng, runs = random.Random(0), long_world(0, ran_before=ran_before)
        requests, lag = _totals(lambda run, rng=rng: with_webhook(run, rng), runs)
        share, lag = requests / _totals(planned, runs)[0], lag / LONG_TASKS
        name = f"follow {LONG_TASKS} tasks of 120 s and more by webhooks"
        note = f"programs that {'ran before' if ran_before else 'are new'}, 1 % lost, virtual time"
        rows.append(Row(f"{name}: requests", "webhook", "polls alone", share, 0.1, note))
        if ran_before:
            rows.append(Row(f"{name}: mean lag", f"{lag:.2f} s", "1 s", lag, 1.0, note))
    return rows


ANSWER_SECONDS = 0.05
AT_ONCE = 4


def answer_row() -> Row:
    """500 deliveries, some at once, through HTTP to the journal of a real disk."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(_answers(Path(folder)))
    slow = statistics.quantiles(seconds, n=20)[-1]
    note = f"{len(seconds)} deliveries, {AT_ONCE} at once, client in the same process"
    return timed("answer to a webhook, 95th percentile", slow, ANSWER_SECONDS, note)


async def _answers(folder: Path) -> list[float]:
    store = Store.open(folder)
    for number in range(LONG_TASKS):
        identity = Identity("https://x", "a", TEXT_TO_IMAGE, "", "", number)
        address = Address("https://x", token_hash(f"token-{number}"))
        order = store.intend(identity, instance="default", what={}, webhook=address)
        store.set_placed(order, str(1900000000000000000 + number))
    gate, seconds = asyncio.Semaphore(AT_ONCE), list[float]()
    async with listening(folder, 0) as port, aiohttp.ClientSession() as session:

        async def deliver(number: int) -> None:
            data = json.dumps({"code": 0, "msg": "success", "data": []})
            task_id = str(1900000000000000000 + number)
            body = {"event": "TASK_END", "taskId": task_id, "eventData": data}
            url = f"http://127.0.0.1:{port}/webhook/token-{number}"
            async with gate:
                begin = time.perf_counter()
                async with session.post(url, json=body) as answer:
                    assert answer.status == 200
                seconds.append(time.perf_counter() - begin)

        await asyncio.gather(*map(deliver, range(LONG_TASKS)))
    assert len(store.webhooks.received(range(1, LONG_TASKS + 1))) == LONG_TASKS
    store.close()
    return seconds


def compare(socket_share: float) -> tuple[float, float]:
    """Median over seeds of requests and mean lag, each as a share of the fixed interval's."""
    requests, lags = [], []
    for seed in range(ROUNDS):
        runs = world(seed, socket_share)
        ours = _totals(planned, runs)
        theirs = _totals(fixed, runs)
        requests.append(ours[0] / theirs[0])
        lags.append(ours[1] / theirs[1])
    return statistics.median(requests), statistics.median(lags)


def _totals(policy: Callable[[Run], tuple[int, float]], runs: list[Run]) -> tuple[float, float]:
    results = [policy(run) for run in runs]
    return sum(polls for polls, _ in results), sum(lag for _, lag in results)


def rows() -> list[Row]:
    follows: list[Row] = []
    for share, goals in ((0.9, (0.40, 0.35)), (0.0, (1.25, 0.45))):
        requests, lag = compare(share)
        name = f"follow {TASKS} tasks, sockets in {share:.0%}"
        note = f"median of {ROUNDS} worlds, virtual time"
        for figure, ratio, goal in (("requests", requests, goals[0]), ("mean lag", lag, goals[1])):
            follows.append(Row(f"{name}: {figure}", "plan", "every 5 s", ratio, goal, note))
    return [*follows, *webhook_rows(), answer_row()]
