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
    "Run the same inputs",
    "Check",
    "top up",
    "free some space",
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
    run = observe(case, route)
    expect = case.expect
    assert run.requests or case.fault not in TABLE[case.operation]
    assert run.ended in expect.ended.split(" or "), run.error
    assert run.fate is expect.fate
    assert run.orders == expect.orders
    assert run.duplicates == 0
    assert run.halves == ()
    assert run.again in expect.again.split(" or ")
    assert run.orders_after == expect.orders + expect.more
    if case.fault == "429" and case.count and case.operation != "cancel":
        assert run.seconds >= RETRY_AFTER
    if case.stop:
        assert run.seconds < STOP_SECONDS or case.operation == "cancel"
        assert run.open_tasks == 0
    if run.error is not None:
        assert any(step in str(run.error) for step in NEXT_STEPS), str(run.error)
        if run.fate in (Fate.RUNNING, Fate.OVER):
            assert run.task_id
            assert run.task_id in str(run.error)


@pytest.mark.parametrize(
    ("ending", "route"),
    [
        pytest.param(ending, route, id=f"{ending.name}-{route}")
        for ending in ENDINGS
        for route in ending.routes
    ],
)
def test_an_end_in_the_middle_is_taken_up_as_stated(ending: Ending, route: str) -> None:
    run = endings.observe(ending, route)
    expect = ending.expect
    assert run.orders == expect.orders
    assert run.again == expect.again, run.error
    assert run.orders_after == expect.orders + expect.more
    assert run.duplicates == 0
    assert run.halves == ()
    if ending.operation == "cancel":
        assert run.open_tasks == 0
    if run.error is not None:
        assert run.fate is Fate.UNKNOWN
        assert any(step in str(run.error) for step in NEXT_STEPS), str(run.error)


def test_the_table_is_whole() -> None:
    cells = {(case.operation, case.fault) for case in (*CASES, *ENDINGS)}
    assert len(cells) == len(OPERATIONS) * 18
