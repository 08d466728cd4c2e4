"""Following 200 tasks in virtual time against asking every five seconds.

Run times, the late HTTP answers and the share of working sockets are assumptions: workflows
with medians of 10 to 240 s, 8 % spread, 15 % cold starts of 20 to 60 s more, the end visible
over HTTP a little late in 30 % of runs, 0.15 s a round trip, sockets in 90 % of runs.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.rows import Row
from rh_api.run.poll_schedule import PollSchedule

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
    for share, goals in ((0.9, (0.50, 0.35)), (0.0, (1.25, 0.50))):
        requests, lag = compare(share)
        name = f"follow {TASKS} tasks, sockets in {share:.0%}"
        note = f"median of {ROUNDS} worlds, virtual time"
        for figure, ratio, goal in (("requests", requests, goals[0]), ("mean lag", lag, goals[1])):
            follows.append(Row(f"{name}: {figure}", "plan", "every 5 s", ratio, goal, note))
    return follows
