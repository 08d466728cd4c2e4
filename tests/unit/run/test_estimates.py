"""What a run usually takes and costs is told from the runs that were, and never made up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from unit.run.world import now

from rh_api.groups.costs import Estimate
from rh_api.journal import Identity, Store
from rh_api.money.quotes import Quote, QuoteSource, fixed
from rh_api.run.orders import Order
from rh_api.wire.tasks import Usage
from tests.unit.run.engine_world import play


def test_nothing_is_told_of_what_never_ran() -> None:
    assert Estimate.of(()) == Estimate(0, None)


def test_one_odd_run_does_not_change_what_is_usual() -> None:
    assert Estimate.of((34.0, 33.0, 35.0, 999.0, 34.2)) == Estimate(5, 34.2)


def test_runs_of_another_account_or_machine_do_not_count(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    order = store.intend(Identity("o", "a", "7", "", "", 0), instance="default", what={})
    store.set_placed(order, "1")
    store.set_done(order, Usage("7"))
    assert [row.id for row in store.history.last_done("o", "a", "7", "default")] == [order]
    assert store.history.last_done("o", "a", "7", "plus") == []
    assert store.history.last_done("o", "b", "7", "default") == []
    store.close()


@pytest.mark.parametrize(
    ("currency", "resolution", "source", "amount"),
    [
        ("USD", "4k", QuoteSource.RUNS, 75_000),
        ("USD", "1k", QuoteSource.CONVERTED, 300_000),
        ("CNY", "1k", QuoteSource.LIST, 800_000),
    ],
)
def test_own_runs_are_told_before_a_list_in_another_currency(
    make, currency: str, resolution: str, source: QuoteSource, amount: int
) -> None:
    world = make()
    journal, store = world.rows.journal, world.rows.store
    journal.currency = currency
    listed = fixed("CNY", 800_000, QuoteSource.LIST)

    async def price(_: object) -> Quote:
        return listed

    def price_ratio(fields: Mapping[str, object]) -> Fraction:
        return Fraction(4 if fields["resolution"] == "1k" else 1)

    order = Order("painter", "model", price=price, price_ratio=price_ratio)
    finder = world.engine.budget.cost_finder
    assert play(world, lambda: finder.quote(order)) == listed
    identity = Identity(journal.origin, journal.account, order.program_key, "", "1")
    row = store.intend(
        identity, instance=order.options.instance, what={"inputs": {"resolution": resolution}}
    )
    store.set_placed(row, "7")
    store.set_done(row, costs={currency: 75_000})
    quote = play(world, lambda: finder.quote(order))
    assert (quote.source, quote.ranges[currency].amount) == (source, amount)


def test_a_service_that_is_slow_to_answer_holds_up_the_quotes_of_a_whole_graph_once(make) -> None:
    data = {"remainCoins": "1000", "remainMoney": "9", "currency": "CNY", "apiType": "NORMAL"}

    async def late(_: object) -> Mapping[str, object]:
        await asyncio.sleep(20)
        return {"code": 0, "data": data}

    world = make(account=[late])
    finder = world.engine.budget.cost_finder

    async def story() -> Quote:
        begun = now()
        quotes = [await finder.quote(Order(str(number))) for number in range(60)]
        assert not any(quote.rate for quote in quotes)
        assert now() - begun <= 5
        await asyncio.sleep(20)
        return await finder.quote(Order("61"))

    assert play(world, story).rate == 200_000
    assert len(world.service.times("account")) == 1
