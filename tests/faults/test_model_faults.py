"""The paid call of a standard model ends under every fault as that of a workflow does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rh_api import errors
from rh_api.errors import Fate
from tests.faults.cells import CASES, DONE, MAYBE, Case, Expect, error
from tests.faults.observing import observe
from tests.faults.rig import NO_QUERY, World

NOT = Fate.NOT_STARTED
# Codes of this route, each with what it means: struck once, struck for good.
CODES: dict[int, Expect | tuple[Expect, Expect]] = {
    412: error(errors.KeyRefused, NOT),
    605: error(errors.NoBalance, NOT),
    1003: (DONE, error(errors.RateLimited, NOT)),
    1007: error(errors.Refused, NOT),
    1014: error(errors.PlanRefused, NOT),
    1501: error(errors.ContentRefused, NOT),
    1505: error(errors.ContentRefused, NOT),
    1620: error(errors.NoBalance, NOT),
    **dict.fromkeys((1000, 1005, 1012, 7777), MAYBE),
}


def shared(world: World) -> None:
    """Standard models are for keys of this kind."""
    world.emulator.account.kind = "SHARED"
    world.emulator.account.money = 100
    world.emulator.account.limit = 50


def cases() -> Iterator[Case]:
    of_create = [case for case in CASES if case.operation == "create"]
    for case in of_create:
        if case.fault == "truncated":
            # The task object begins with its id: what is left of it is enough.
            yield prepared(replace(case, expect=DONE))
        elif case.fault not in ("business code", "Stop pressed"):
            yield prepared(case)
    coded = {(case.variant, case.count): case for case in of_create}
    for code, expected in CODES.items():
        once, lasting = expected if isinstance(expected, tuple) else (expected, expected)
        for count, expect in ((1, once), (None, lasting)):
            if code == NO_QUERY and count is None:
                continue  # it stands for a service without a query, and is not healed
            like = coded["7777", count]
            strike = code_strike(code)
            pace = coded["1003", count].pace if code == 1003 else like.pace
            coded_case = replace(like, variant=str(code), strike=strike, expect=expect, pace=pace)
            yield prepared(coded_case)


def code_strike(code: int):
    def strike(world: World, count: int | None) -> None:
        world.fault("/openapi/v2/rhart-image-n-pro", "code", value=code, count=count)

    return strike


def prepared(case: Case) -> Case:
    def prepare(world: World) -> None:
        shared(world)
        case.prepare(world)

    return replace(case, operation="model create", prepare=prepare)


@pytest.mark.parametrize("case", tuple(cases()), ids=lambda case: case.name)
def test_a_fault_of_a_model_s_create_ends_as_stated(case: Case) -> None:
    run = observe(case, "query")
    expect = case.expect
    assert run.ended in expect.ended.split(" or "), run.error
    assert run.fate is expect.fate
    assert run.orders == expect.orders
    assert run.duplicates == 0
    assert run.halves == ()
    assert run.again in expect.again.split(" or ")
    assert run.orders_after == expect.orders + expect.more
