"""A quote by own runs: how far it is off, and how it is told."""

from __future__ import annotations

import math
import random
import statistics
from fractions import Fraction

import pytest

from rh_api.money.amounts import MICRO
from rh_api.money.quotes import (
    Quote,
    QuoteSource,
    fixed,
    in_few_words,
    quote_of_models_runs,
    quote_of_runs,
    total,
)
from rh_api.texts import english

COIN = 1_000_000
PROGRAMS = 400


def costs(chance: random.Random, count: int, cold: float) -> list[dict[str, int]]:
    """What runs of one program cost: log-normal, each a whole number of coins, the first and some
    others half as much again, since the machine has to load the models."""
    middle = chance.uniform(8, 300)

    def run_cost(first: bool) -> dict[str, int]:
        cost = middle * math.exp(chance.gauss(0, 0.2))
        if cold and (first or chance.random() < cold):
            cost *= 1.5
        return {"coins": math.ceil(cost) * COIN}

    return [run_cost(number == 0) for number in range(count)]


@pytest.mark.parametrize("cold", [0.0, 0.1])
def test_after_three_runs_it_is_a_fifth_off_at_most(cold: float) -> None:
    chance, errors = random.Random(3), list[float]()
    for _ in range(PROGRAMS):
        *past, after = costs(chance, 4, cold)
        amount = quote_of_runs(past).ranges["coins"].amount
        errors.append(abs(amount - after["coins"]) / after["coins"])
    assert statistics.median(errors) <= (0.2 if not cold else 0.23)


def test_without_runs_it_says_the_rate_and_that_nobody_documents_it() -> None:
    assert not quote_of_runs([]).is_known
    quote = Quote(source=QuoteSource.RATE, rate=200_000, rate_unit="coins", instance="default")
    assert quote.describe(english) == (
        "0.2 coins a second on default (observed, not documented), total not known yet"
    )
    assert Quote().describe(english) == "cost not known beforehand"


def test_runs_tell_amount_range_and_how_many() -> None:
    quote = quote_of_runs([{"coins": cost * COIN} for cost in (14, 15, 13, 14, 14)])
    assert quote.describe(english) == "about 14 coins (13 to 15 coins, in 5 earlier runs)"
    money = quote_of_runs([{"CNY": 350_000}, {"CNY": 420_000}])
    assert money.describe(english) == "about 0.385 CNY (0.35 to 0.42 CNY, in 2 earlier runs)"
    assert quote.document()["amounts"] == {"coins": {"amount": "14", "low": "13", "high": "15"}}


def test_coins_are_told_in_whole_ones() -> None:
    quote = quote_of_runs([{"coins": 13 * COIN}, {"coins": 14 * COIN}])
    assert quote.describe(english) == "about 14 coins (13 to 14 coins, in 2 earlier runs)"
    converted = quote_of_models_runs([({"coins": 7 * COIN}, Fraction(2, 3))])
    assert converted.ranges["coins"].amount == 5 * COIN


def test_a_whole_prompt_is_one_sum() -> None:
    runs = quote_of_runs([{"coins": 7 * COIN}])
    price = fixed("CNY", 350_000, QuoteSource.PREVIEW)
    assert total([runs, runs], english) == "about 14 coins, 2 orders"
    assert total([runs, price], english) == "about 7 coins + 0.35 CNY, 2 orders"
    assert total([runs, Quote()], english) == "about 7 coins plus an unknown amount, 2 orders"
    assert total([price], english) == "0.35 CNY (quoted by RunningHub)"


def test_several_orders_are_told_in_few_words() -> None:
    runs = quote_of_runs([{"coins": 7 * MICRO}] * 3)
    assert in_few_words([], english) == ""
    assert in_few_words([runs], english) == "about 7 coins, 1 order"
    assert in_few_words([runs, runs], english) == "about 14 coins, 2 orders"
    assert in_few_words([Quote()], english) == "1 order, cost not known"
    assert in_few_words([Quote(), Quote()], english) == "2 orders, cost not known"
    assert in_few_words([Quote()], english, least=True) == "at least 1 order, cost not known"
    assert (
        in_few_words([runs] * 2, english, least=True) == "about 14 coins or more, at least 2 orders"
    )
    mixed = "about 7 coins plus an unknown amount, at least 2 orders"
    assert in_few_words([runs, Quote()], english, least=True) == mixed


def test_a_price_that_is_a_least_one_is_told_as_such_among_others() -> None:
    least = fixed("CNY", 120_000, QuoteSource.LIST, is_from=True, words="from 0.12 CNY")
    assert in_few_words([least], english) == "about 0.12 CNY or more, 1 order"
    exact = fixed("CNY", 880_000, QuoteSource.LIST, words="about 0.88 CNY (price list)")
    assert in_few_words([least, exact], english) == "about 1 CNY or more, 2 orders"
    assert exact.describe(english) == "about 0.88 CNY (price list)"


CHEAP = {"USD": 30_000}


@pytest.mark.parametrize(
    ("runs", "amount", "told", "source"),
    [
        ([(CHEAP, Fraction(3))], 90_000, 1, QuoteSource.CONVERTED),
        ([(CHEAP, Fraction(1, 7))], 4_286, 1, QuoteSource.CONVERTED),  # rounded up
        ([(CHEAP, Fraction(3)), ({"USD": 80_000}, Fraction(1))], 80_000, 1, QuoteSource.RUNS),
        ([(CHEAP, None), (CHEAP, Fraction(3))], 90_000, 1, QuoteSource.CONVERTED),
        ([(CHEAP, None), (CHEAP, None)], 30_000, 2, QuoteSource.OTHER_OPTIONS),
        ([({"USD": 0}, Fraction(1)), (CHEAP, Fraction(3))], 90_000, 1, QuoteSource.CONVERTED),
    ],
)
def test_a_model_s_runs_count_by_what_their_price_says_of_this_one(
    runs: list[tuple[dict[str, int], Fraction | None]], amount: int, told: int, source: QuoteSource
) -> None:
    quote = quote_of_models_runs(runs)
    assert (quote.ranges["USD"].amount, quote.runs, quote.source) == (amount, told, source)
    assert quote.may_be_more is (source is QuoteSource.OTHER_OPTIONS)


def test_what_cost_nothing_tells_no_price() -> None:
    assert quote_of_models_runs([]) == Quote()
    assert not quote_of_models_runs([({"USD": 0}, None), ({}, Fraction(1))]).is_known


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (
            Fraction(3),
            "about 0.09 USD (0.09 USD, in one earlier run, converted by the price list)",
        ),
        (
            None,
            "about 0.03 USD if these options cost the same (0.03 USD, in one earlier run)",
        ),
    ],
)
def test_a_quote_by_other_options_says_so(ratio: Fraction | None, text: str) -> None:
    assert quote_of_models_runs([(CHEAP, ratio)]).describe(english) == text
