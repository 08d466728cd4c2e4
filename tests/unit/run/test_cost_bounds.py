"""What is held for an order: never less than it may cost, never more than the limits leave."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.errors import CostLimit
from rh_api.money.amounts import CNY, COINS, MICRO, USD
from rh_api.money.limits import Limits, Reached
from rh_api.money.quotes import Quote, Range
from rh_api.run.cost_bounds import Bound, CostFacts, bound_of, highest, next_bound, priced

FIFTY = Limits(order={COINS: 50 * MICRO})


def facts(**more: Any) -> CostFacts:
    """Of a workflow that costs a coin in five seconds."""
    usual: dict[str, Any] = {"unit": COINS, "rate": MICRO // 5, "is_free_of_others": True}
    return CostFacts("p", CNY, **(usual | more))


def runs(amount: int, high: int | None, unit: str = COINS) -> Quote:
    return Quote({unit: Range(amount * MICRO, amount * MICRO, high and high * MICRO)})


def coins(amount: int, seconds: float | None = None) -> Bound:
    return Bound({COINS: amount * MICRO}, seconds)


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({}, coins(50, 245)),
        ({"quote": runs(10, 20)}, coins(40, 195)),
        ({"quote": runs(10, 30)}, coins(50, 245)),
        ({"quote": runs(10, None)}, coins(50, 245)),
        ({"quote": runs(10, 20, CNY)}, coins(50, 245)),
        ({"time_limit": 20.0}, coins(5, 20)),
        ({"time_limit": 20.0, "quote": runs(60, 70)}, coins(5, 20)),
        ({"time_limit": 500.0, "quote": runs(10, 20)}, coins(40, 195)),
        ({"retained": 100, "quote": runs(10, 10)}, coins(22, 5)),
        ({"unit": "", "rate": None}, Bound()),
    ],
)
def test_what_runs_by_the_second_holds_what_it_may_cost(more: dict[str, Any], held: Bound):
    assert bound_of(facts(**more), FIFTY, {}, {}) == held


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        (Limits(order={COINS: 9 * MICRO}), Reached("order", COINS, 9 * MICRO, 0, 10 * MICRO)),
        (
            Limits(order={COINS: 10 * MICRO}, day={CNY: 0, COINS: 50 * MICRO}),
            Reached("day", COINS, 50 * MICRO, 41 * MICRO, 10 * MICRO),
        ),
        (
            Limits(prompt={COINS: 40 * MICRO}, day={COINS: 99 * MICRO}),
            Reached("prompt", COINS, 40 * MICRO, 31 * MICRO, 10 * MICRO),
        ),
    ],
)
def test_the_limit_that_leaves_too_little_for_a_usual_run_is_named(limits: Limits, reached: object):
    prompt, day = {COINS: 31 * MICRO}, {COINS: 41 * MICRO}
    assert bound_of(facts(quote=runs(10, 20)), limits, prompt, day) == reached


def test_the_last_that_a_limit_leaves_is_enough_for_a_usual_run():
    day = Limits(day={COINS: 50 * MICRO})
    usual = facts(quote=runs(10, 20), time_limit=500.0)
    assert bound_of(usual, day, {}, {COINS: 40 * MICRO}) == coins(10, 45)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"is_free_of_others": False}, "error.cost_unbounded"),
        ({"unit": None}, "error.cost_unbounded"),
        ({"rate": None}, "error.cost_rate_unknown"),
        ({"unit": CNY}, "error.cost_other_unit"),
        ({"is_model": True, "price": runs(1, 1, CNY)}, "error.cost_other_unit"),
        ({"allowed": {COINS: MICRO}, "unit": CNY}, "error.cost_other_unit"),
        ({"allowed": {CNY: MICRO}, "unit": ""}, "error.cost_other_unit"),
        (
            {"allowed": {COINS: MICRO}, "is_model": True, "price": runs(1, 1, CNY)},
            "error.cost_other_unit",
        ),
        ({"allowed": {CNY: MICRO}, "is_model": True}, "error.cost_other_unit"),
    ],
)
def test_a_cost_that_no_limit_bounds_is_refused(more: dict[str, Any], key: str):
    with pytest.raises(CostLimit) as caught:
        bound_of(facts(**more), FIFTY, {}, {})
    assert caught.value.key == key


@pytest.mark.parametrize("scope", ["order", "prompt", "day"])
def test_a_refusal_without_a_bound_names_a_limit(scope: str):
    with pytest.raises(CostLimit, match="50 coins"):
        bound_of(facts(unit=None), Limits(**{scope: {COINS: 50 * MICRO}}), {}, {})


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({}, 145),
        ({"retained": 10}, 135),
        ({"rate": None}, None),
        ({"unit": ""}, None),
        ({"is_model": True, "price": runs(1, 1)}, None),
    ],
)
def test_what_was_allowed_is_held_whole_and_ends_by_the_second(
    more: dict[str, Any], seconds: float | None
):
    assert bound_of(facts(allowed={COINS: 30 * MICRO}, **more), FIFTY, {}, {}) == coins(30, seconds)


@pytest.mark.parametrize(
    ("ranges", "sums"),
    [
        (runs(1, 2), {COINS: 2 * MICRO}),
        (runs(1, 2, CNY), {CNY: 2 * MICRO}),
        (runs(1, 2, USD), {}),
        (runs(1, None), {}),
        (Quote({**runs(1, 2).ranges, **runs(1, None, CNY).ranges}), {}),
        (
            Quote({**runs(1, 2).ranges, **runs(1, 3, CNY).ranges}),
            {COINS: 2 * MICRO, CNY: 3 * MICRO},
        ),
    ],
)
def test_a_model_holds_the_upper_end_of_a_price_that_has_one(ranges: Quote, sums: dict[str, int]):
    assert priced(ranges, CNY) == sums
    if COINS in sums or not sums:
        assert bound_of(facts(is_model=True, price=ranges), FIFTY, {}, {}) == Bound(sums)


@pytest.mark.parametrize(
    ("day", "more", "held"),
    [
        (0, {}, coins(20, 95)),
        (30, {}, coins(20, 95)),
        (35, {}, coins(15, 70)),
        (40, {}, None),
        (60, {}, None),
        (0, {"rate": None}, None),
        (0, {"unit": ""}, None),
        (0, {"unit": CNY}, None),
    ],
)
def test_a_running_order_may_have_as_much_again(day: int, more: dict[str, Any], held: Bound | None):
    limits = Limits(day={COINS: 50 * MICRO})
    own = {COINS: 10 * MICRO}
    assert next_bound(facts(**more), limits, {}, {COINS: day * MICRO}, own) == held


def test_the_balance_is_compared_with_the_upper_end_of_a_cost():
    price = Quote({**runs(1, 2).ranges, **runs(3, None, CNY).ranges})
    assert highest(facts(quote=runs(7, 9))) == {COINS: 9 * MICRO}
    assert highest(facts(quote=runs(7, 9), price=price)) == {COINS: 2 * MICRO, CNY: 3 * MICRO}
