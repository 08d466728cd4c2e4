"""Sums of money as a person writes them, as the service prints them, and as limits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest

from rh_api.errors import BadInput
from rh_api.groups.history import added, spent_document
from rh_api.journal.history import Spent
from rh_api.money.amounts import costs_of, micros, read_sums, say_sums, written
from rh_api.money.limits import Limits, left, reached
from rh_api.money.rates import cost_of, rate_of, rate_of_runs, seconds_of
from rh_api.texts import english

COIN = 1_000_000


@pytest.fixture
def another_pack_rounds() -> Iterator[None]:
    with localcontext() as context:
        context.prec = 2
        yield


@pytest.mark.parametrize(
    ("text", "sums"),
    [
        ("50 coins", {"coins": 50 * COIN}),
        ("5CNY", {"CNY": 5 * COIN}),
        (" 0.35 usd ", {"USD": 350_000}),
        ("50 coins, 5 CNY", {"coins": 50 * COIN, "CNY": 5 * COIN}),
        ("50 coins，5 CNY", {"coins": 50 * COIN, "CNY": 5 * COIN}),  # noqa: RUF001 - as typed
        ("0 coins", {"coins": 0}),
        ("7", {"": 7 * COIN}),
        ("50 金币", {"coins": 50 * COIN}),
        ("50 RH币", {"coins": 50 * COIN}),
        ("1 coin", {"coins": COIN}),
        ("5 元", {"CNY": 5 * COIN}),
        ("5元", {"CNY": 5 * COIN}),
        ("5¥", {"CNY": 5 * COIN}),
        ("¥5", {"CNY": 5 * COIN}),
        ("\uffe5 0.5", {"CNY": 500_000}),
        ("¥5 元", {"CNY": 5 * COIN}),
        ("5 美元", {"USD": 5 * COIN}),
        ("$5", {"USD": 5 * COIN}),
        ("US$5", {"USD": 5 * COIN}),
        ("50 金币、5 元", {"coins": 50 * COIN, "CNY": 5 * COIN}),
    ],
)
def test_a_sum_is_a_number_and_a_unit(text: str, sums: dict[str, int]) -> None:
    assert read_sums(text) == sums


@pytest.mark.parametrize(
    "text",
    [
        "",
        "coins",
        "-5 coins",
        "5 EUR",
        "1e3 coins",
        "5 coins, 6 coins",
        "1,5 USD",
        "5 USD, 1",
        "99999999999 CNY",
        "$5 元",
        "5 元 元",
        "5 块钱吧",
        "¥",
        "-¥5",
        "5 $5",
        "€5",
    ],
)
def test_what_is_no_sum_is_refused_and_never_taken_for_no_limit(text: str) -> None:
    with pytest.raises(BadInput):
        read_sums(text)


def test_what_is_written_is_read_again() -> None:
    sums = {"coins": 14 * COIN, "USD": 1}
    assert read_sums(written(sums, english)) == sums
    assert written({"coins": COIN}, english) == "1 coin"
    assert say_sums(sums, english) == "14 coins + 0.000001 USD"


def test_what_a_task_did_cost_is_summed_by_unit() -> None:
    assert costs_of("6", None, None, currency="USD") == {"coins": 6 * COIN}
    assert costs_of(None, "0.01", "0.2", currency="CNY") == {"CNY": 210_000}
    assert costs_of(None, None, None, currency="CNY") is None
    assert costs_of("?", "nan", "-1", currency="CNY") is None
    assert micros("0.0000001", up=True) == 1


def test_of_two_limits_of_one_unit_the_lower_holds() -> None:
    limits = Limits(order={"coins": 50, "USD": 9}, day={"": 100})
    both = limits.lowest(Limits(order={"coins": 20, "CNY": 3}))
    assert both.order == {"coins": 20, "USD": 9, "CNY": 3}
    assert both.in_unit("coins").day == {"coins": 100}


def test_a_limit_counts_what_is_spent_already() -> None:
    limits = Limits(order={"coins": 10}, prompt={"coins": 15}, day={"coins": 100})
    assert reached(limits, {"coins": 10}, {"coins": 5}, {"coins": 90}) is None
    passed = reached(limits, {"coins": 10}, {"coins": 6}, {"coins": 90})
    assert passed is not None
    assert (passed.scope, passed.committed, passed.limit) == ("prompt", 6, 15)
    assert left(limits, "coins", {"coins": 6}, {"coins": 95}) == 5
    assert left(limits, "USD", {}, {}) is None


@pytest.mark.parametrize("rate", [200_000, 400_000, 600_000, 1, 333_333])
@pytest.mark.parametrize("unit", ["coins", "USD"])
@pytest.mark.parametrize("amount", [0, 1, COIN, 5 * COIN, 50 * COIN + 7])
def test_the_time_that_a_sum_buys_costs_no_more_than_it(unit: str, rate: int, amount: int) -> None:
    seconds = seconds_of(unit, rate, amount, retained=10)
    assert seconds >= 0
    if seconds:
        assert cost_of(unit, rate, seconds, retained=10) <= amount
    assert cost_of(unit, rate, seconds + 1, retained=10) > amount


def test_a_begun_second_the_time_of_a_cancel_and_what_is_retained_are_paid() -> None:
    assert cost_of("CNY", 1000, 20) == 25_000
    assert cost_of("CNY", 1000, 20.1, retained=30) == 56_000
    assert cost_of("coins", 200_000, 20.1) == 6 * COIN  # 5.2, in whole coins


@pytest.mark.parametrize(
    ("unit", "instance", "learnt", "rate"),
    [
        ("coins", "default", None, 200_000),
        ("coins", "default", 100_000, 200_000),
        ("coins", "plus", 500_000, 500_000),
        ("coins", "unheard of", 70_000, 70_000),
        ("coins", "unheard of", None, None),
        ("CNY", "default", 9, 9),
        ("CNY", "default", None, None),
    ],
)
def test_the_higher_of_a_published_rate_and_that_of_own_runs_counts(
    unit: str, instance: str, learnt: int | None, rate: int | None
) -> None:
    assert rate_of(unit, instance, learnt) == rate


@pytest.mark.parametrize(
    ("unit", "runs", "rate"),
    [
        ("coins", [("7", "10")], 600_000),  # six of them for sure, the seventh for a part
        ("coins", [("14", "70")], 200_000),  # too long for that to say much
        ("coins", [("6", "30"), ("5", "29")], 200_000),
        ("CNY", [("0.2", "10")], 20_000),  # of money nothing is rounded
        ("coins", [("1", "3")], None),
        ("coins", [(None, "10"), ("3", None)], None),
        ("CNY", [("0.2", "0"), ("0", "10")], None),
    ],
)
def test_the_rate_that_runs_show_is_not_that_of_a_rounded_coin(
    unit: str, runs: list[tuple[str | None, str | None]], rate: int | None
) -> None:
    assert rate_of_runs(unit, runs) == rate


def test_a_limit_of_any_scope_is_one() -> None:
    assert not Limits()
    for scope in ("order", "prompt", "day"):
        assert Limits(**{scope: {"coins": 0}})


@pytest.mark.usefixtures("another_pack_rounds")
def test_other_code_may_round_its_numbers_and_not_what_orders_cost() -> None:
    cost = 1_234_567_891
    assert micros("1234.567891") == cost
    assert micros("1234.5678901", up=True) == cost
    assert read_sums("1234.567891 coins") == {"coins": cost}
    assert say_sums({"coins": cost}, english) == "1234.567891 coins"


@pytest.mark.usefixtures("another_pack_rounds")
def test_other_code_may_round_its_numbers_and_not_what_days_cost() -> None:
    days = [Spent(0.0, "", "", 1, 0, Decimal(coins), None, None) for coins in ("1234", "0.125")]
    assert spent_document(added(days))["coins"] == "1234.125"
