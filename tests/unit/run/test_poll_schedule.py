"""When to ask next: never before now, never too often, and soon where the end is likely."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rh_api.run.poll_schedule import (
    CONFIRM,
    LONGEST,
    QUEUE_LONGEST,
    QUEUE_SHORTEST,
    SAFETY,
    SHORTEST,
    SOCKET_SILENCE,
    PollSchedule,
)

HISTORY = st.lists(st.floats(-1, 1e6) | st.sampled_from([0.0, 1e-300, 1e300, 60.0]), max_size=20)
EVENTS = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.sampled_from(["asked", "running", "heard", "deaf", "hint", "due"]),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(HISTORY, EVENTS, st.floats(0, 1e9))
@example([], [(1.0, "asked")], 0.0)
def test_whatever_happens_the_next_poll_comes_and_not_before_now(
    history: list[float], events: list[tuple[float, str]], start: float
):
    plan = PollSchedule(history)
    now, last = start, None
    hinted = -math.inf
    for pause, event in events:
        now += pause
        if event == "due":
            due = plan.next_at(now)
            assert now <= due <= now + SOCKET_SILENCE
            now = due
            confirming = now <= hinted + CONFIRM[-1] + 1e-6
            if last is not None and not confirming and plan.started != now:
                assert now - last >= SHORTEST - 1e-6
            last = now
            plan.asked(now)
        elif event == "asked":
            last = now
            plan.asked(now)
        elif event == "running":
            plan.running(now)
        elif event == "deaf":
            plan.deaf()
        elif event == "heard":
            plan.heard(now)
        else:
            hinted = now
            plan.hint(now)


def polls(plan: PollSchedule, start: float, end: float) -> list[float]:
    """The times of all polls until one shows the end."""
    times: list[float] = []
    now = start
    while not times or times[-1] < end:
        now = plan.next_at(now)
        plan.asked(now)
        times.append(now)
    return times


def test_the_first_poll_of_a_queued_task_comes():
    plan = PollSchedule()
    first = plan.next_at(0.0)
    assert first == QUEUE_SHORTEST
    assert plan.next_at(first) == first


def test_a_queue_is_asked_less_and_less_but_never_too_seldom():
    times = polls(PollSchedule(), 0.0, 200.0)
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == QUEUE_LONGEST


@pytest.mark.parametrize("seconds", [20.0, 60.0, 240.0])
def test_polls_crowd_where_earlier_runs_ended(seconds: float):
    plan = PollSchedule([seconds * share for share in (0.96, 0.98, 1.0, 1.02, 1.05)])
    plan.running(0.0)
    times = polls(plan, 0.0, seconds)
    assert times[-1] - seconds <= SHORTEST + seconds / 50
    assert len(times) < seconds / 5 + 8
    blind = PollSchedule()
    blind.running(0.0)
    assert times[-1] - seconds <= polls(blind, 0.0, seconds)[-1] - seconds + 0.5


@settings(deadline=None)
@given(HISTORY, st.floats(0, 2000))
def test_without_a_socket_no_pause_is_out_of_bounds(history: list[float], end: float):
    plan = PollSchedule(history)
    plan.running(0.0)
    times = [0.0, *polls(plan, 0.0, end)]
    for earlier, later in pairwise(times):
        assert SHORTEST - 1e-6 <= later - earlier <= LONGEST + 1e-6


def test_a_socket_that_speaks_makes_polls_rare():
    plan = PollSchedule([100.0])
    plan.running(0.0)
    now = 0.0
    for _ in range(10):
        plan.heard(now)
        due = plan.next_at(now)
        assert due == pytest.approx(now + SAFETY)
        plan.heard(due)
        plan.asked(due)
        now = due


def test_a_socket_that_fell_silent_counts_as_gone():
    plan = PollSchedule()
    plan.running(0.0)
    plan.heard(1.0)
    plan.asked(20.0)
    assert plan.next_at(20.0) == 1.0 + SOCKET_SILENCE
    gone = plan.next_at(1.0 + SOCKET_SILENCE)
    assert gone <= 1.0 + SOCKET_SILENCE + LONGEST


def test_a_hint_is_confirmed_at_once_and_a_few_times_more():
    plan = PollSchedule()
    plan.running(0.0)
    plan.heard(50.0)
    plan.hint(50.0)
    times: list[float] = []
    now = 50.0
    for _ in CONFIRM:
        now = plan.next_at(now)
        plan.asked(now)
        times.append(now)
    assert times == [50.0 + pause for pause in CONFIRM]
    assert plan.next_at(now) > now


def test_after_a_false_hint_the_socket_no_longer_thins_out_the_polls():
    plan = PollSchedule()
    plan.running(0.0)
    plan.heard(50.0)
    plan.hint(50.0)
    for pause in CONFIRM:
        plan.asked(50.0 + pause)
    plan.heard(54.0)
    assert plan.next_at(54.0) <= 53.0 + LONGEST


def test_a_socket_that_cries_wolf_is_heard_less_and_less():
    plan = PollSchedule()
    plan.running(0.0)
    polled = 0
    now = 0.0
    while now < 600.0:
        plan.heard(now)
        plan.hint(now)
        due = plan.next_at(now)
        if due <= now + 0.5:
            plan.asked(due)
            polled += 1
        now += 0.5
    blind = PollSchedule()
    blind.running(0.0)
    assert polled <= len(polls(blind, 0.0, 600.0)) + 40
