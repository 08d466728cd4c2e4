"""What a run usually takes and costs is told from the runs that were, and never made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rh_api.journal import Identity, OrderRow, Store
from rh_api.run.estimates import estimate


@pytest.fixture
def row(tmp_path: Path) -> OrderRow:
    """An order that succeeded."""
    store = Store.open(tmp_path)
    order = store.intend(Identity("o", "a", "7", "", "", 0), instance="default", what={})
    store.placed(order, "1")
    store.done(order, coins="7")
    (found,) = store.history.last_done("o", "a", "7", "default")
    assert store.history.last_done("o", "a", "7", "plus") == []
    assert store.history.last_done("o", "b", "7", "default") == []
    store.close()
    return found


def test_nothing_is_told_of_what_never_ran() -> None:
    told = estimate((), ())
    assert (told.runs, told.seconds, told.coins, told.money) == (0, None, None, None)


def test_one_odd_run_does_not_change_what_is_usual(row: OrderRow) -> None:
    done = [replace(row, coins=coins) for coins in ("7", "6", "8", "900", "7")]
    told = estimate((34.0, 33.0, 35.0, 999.0, 34.2), done)
    assert (told.runs, told.seconds, told.coins, told.money) == (5, 34.2, "7", None)


@pytest.mark.parametrize("coins", [None, "", "0", "a few", "NaN", "Infinity"])
def test_what_is_no_cost_is_no_estimate(row: OrderRow, coins: str | None) -> None:
    assert estimate((1.0,), [replace(row, coins=coins)]).coins is None


def test_money_is_told_as_the_service_prints_it(row: OrderRow) -> None:
    done = [replace(row, coins=None, money=money) for money in ("0.0476", "0.05", "x")]
    assert estimate((), done).money == "0.0476"
