"""Every fault of every operation ends in its stated way, and nothing is paid twice."""

from __future__ import annotations

import pytest

from rh_api.errors import Fate
from tests.faults import endings
from tests.faults.cells import CASES, RETRY_AFTER, STOP_SECONDS, TABLE, Case
from tests.faults.endings import ENDINGS, Ending
from tests.faults.observing import observe
from tests.faults.operations import OPERATIONS

NEXT_STEPS = (
    "run again",
    "Run again",
    "The same inputs",
    "Check",
    "top up",
    "make room",
    "Look at",
    "look at",
    "No order is placed",
    "add the host",
    "asks for fewer",
    "Nothing was started",
    "The cloud task failed",
    "does not know this task",
    "too large",
)


@pytest.mark.parametrize(
    ("case", "route"),
    [
        pytest.param(case, route, id=f"{case.name}-{route}")
        for case in CASES
        for route in case.routes
    ],
)
def test_a_fault_ends_as_stated(case: Case, route: str) -> None:
    seen = observe(case, route)
    expect = case.expect
    assert seen.requests or case.fault not in TABLE[case.operation]
    assert seen.ended in expect.ended.split(" or "), seen.error
    assert seen.fate is expect.fate
    assert seen.orders == expect.orders
    assert seen.duplicates == 0
    assert seen.halves == ()
    assert seen.again in expect.again.split(" or ")
    assert seen.orders_after == expect.orders + expect.more
    if case.fault == "429" and case.count and case.operation != "cancel":
        assert seen.seconds >= RETRY_AFTER
    if case.stop:
        assert seen.seconds < STOP_SECONDS or case.operation == "cancel"
        assert seen.open_tasks == 0
    if seen.error is not None:
        assert any(step in str(seen.error) for step in NEXT_STEPS), str(seen.error)
        if seen.fate in (Fate.RUNNING, Fate.OVER):
            assert seen.task_id
            assert seen.task_id in str(seen.error)


@pytest.mark.parametrize(
    ("ending", "route"),
    [
        pytest.param(ending, route, id=f"{ending.name}-{route}")
        for ending in ENDINGS
        for route in ending.routes
    ],
)
def test_an_end_in_the_middle_is_taken_up_as_stated(ending: Ending, route: str) -> None:
    seen = endings.observe(ending, route)
    expect = ending.expect
    assert seen.orders == expect.orders
    assert seen.again == expect.again, seen.error
    assert seen.orders_after == expect.orders + expect.more
    assert seen.duplicates == 0
    assert seen.halves == ()
    if ending.operation == "cancel":
        assert seen.open_tasks == 0
    if seen.error is not None:
        assert seen.fate is Fate.UNKNOWN
        assert any(step in str(seen.error) for step in NEXT_STEPS), str(seen.error)


def test_the_table_is_whole() -> None:
    cells = {(one.operation, one.fault) for one in (*CASES, *ENDINGS)}
    assert len(cells) == len(OPERATIONS) * 18
