"""Reservations in the journal: what counts against a day, a prompt and an order, and until when."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from rh_api.journal import Hold, Identity, LimitReached, LimitsChanged, Store
from rh_api.money.limits import Limits, midnight
from rh_api.wire.tasks import Usage
from tests.support.clocks import SetClock

COIN = 1_000_000
OWN = ("https://x", "a")
A_DAY = 86_400.0
LIMITS = Limits(order={"coins": 10 * COIN}, prompt={"coins": 25 * COIN}, day={"coins": 50 * COIN})


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    with closing(Store.open(tmp_path, clock=clock)) as store:
        yield store


def hold(coins: int, scope: str = "", at: float | None = None) -> Hold:
    return Hold(scope, {"coins": coins * COIN}, limits=LIMITS, at=at)


def reserve(store: Store, coins: int, scope: str = "", at: float | None = None) -> int:
    return store.ledger.reserve(*OWN, "p", hold(coins, scope, at))


def reached(store: Store, coins: int, scope: str = "", at: float | None = None) -> str:
    with pytest.raises(LimitReached) as refused:
        reserve(store, coins, scope, at)
    return refused.value.reached.scope


def order(store: Store, number: int, held: Hold) -> int:
    return store.intend(
        Identity(*OWN, "p", "", str(number)), instance="default", what={}, hold=held
    )


def test_each_limit_counts_what_is_held(store: Store) -> None:
    assert reached(store, 11) == "order"
    for scope in ("one", "one", "two", "two"):
        reserve(store, 10, scope)
    assert reached(store, 6, "one") == "prompt"
    reserve(store, 10, "three")
    assert reached(store, 1, "four") == "day"


def test_a_thousand_at_once_pass_no_limit(store: Store) -> None:
    held = 0
    for number in range(1_000):
        try:
            reserve(store, 1 + number % 10, f"prompt {number % 3}")
        except LimitReached:
            continue
        held += 1 + number % 10
    assert held <= 50
    assert store.ledger.committed(*OWN, "", None).day == {"coins": held * COIN}


@pytest.mark.parametrize("other", [("https://x", "b"), ("https://y", "a")], ids=["key", "site"])
def test_another_key_or_site_has_limits_of_its_own(store: Store, other: tuple[str, str]) -> None:
    for scope in "abcde":
        reserve(store, 10, scope)
    assert reached(store, 1) == "day"
    for _ in range(2):
        assert store.ledger.reserve(*other, "p", hold(10, "a"))
    store.ledger.set_rule(*other, "order", {"coins": COIN})
    store.ledger.set_rule(*OWN, "order", {"coins": COIN})
    store.ledger.set_rule(*OWN, "day", {"coins": 60 * COIN})
    both = Limits(order={"coins": COIN}, day={"coins": 60 * COIN})
    assert store.ledger.rules(*OWN).limits == both
    store.ledger.set_rule(*OWN, "order", {})
    assert store.ledger.rules(*other).limits == Limits(order={"coins": COIN})
    assert store.ledger.rules(*OWN).limits == Limits(day={"coins": 60 * COIN})
    store.ledger.set_rule(*other, "order", {})
    assert (bool(store.ledger.rules(*other).limits), bool(store.ledger.rules(*OWN).limits)) == (
        False,
        True,
    )


def test_what_a_person_let_pass_is_held_past_a_limit_and_counts(store: Store) -> None:
    held = replace(hold(60), once=True)
    number = store.ledger.reserve(*OWN, "p", held)
    store.ledger.set_rule(*OWN, "order", {"coins": COIN})  # while it uploads
    order(store, 1, replace(held, number=number))
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 60 * COIN}
    with pytest.raises(LimitsChanged):
        order(store, 2, hold(1))


def test_a_clock_that_is_set_back_opens_no_new_day(store: Store, clock: SetClock) -> None:
    for scope in "abcde":
        reserve(store, 10, scope)
    for days in (1, 2, 400):
        clock.now -= days * A_DAY
        assert reached(store, 1) == "day"


def test_a_clock_that_is_set_forward_opens_none_where_the_service_tells_the_date(
    store: Store, clock: SetClock
) -> None:
    today = clock.now
    for scope in "abcde":
        reserve(store, 10, scope, at=today)
    clock.now += 3 * A_DAY
    store.prune(clock.now)
    assert reached(store, 1, at=today + 60) == "day"
    assert reserve(store, 1, at=today + A_DAY)


def test_what_is_booked_counts_in_place_of_what_was_held(store: Store) -> None:
    number = order(store, 1, hold(10))
    store.set_placed(number, "7")
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    assert store.set_done(number, Usage("4"), costs={"coins": 4 * COIN})
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 4 * COIN}
    assert not store.ledger.book(number, {"coins": 9 * COIN}, Usage("9"))


def test_a_cost_that_is_not_told_stays_held_and_is_booked_late(store: Store) -> None:
    number = order(store, 1, hold(10))
    store.set_placed(number, "7")
    store.set_cancelled(number)
    assert [row.id for row in store.ledger.unbooked(*OWN, 0.0)] == [number]
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    assert store.ledger.book(number, {"coins": 3 * COIN}, Usage("3"))
    assert store.ledger.unbooked(*OWN, 0.0) == []
    row = store.order(number)
    assert row is not None
    assert row.coins == "3"


def test_costs_are_asked_for_by_their_own_key_and_for_a_while(
    store: Store, clock: SetClock
) -> None:
    number = order(store, 1, hold(10))
    store.set_placed(number, "7")
    store.set_cancelled(number)
    assert store.ledger.unbooked(*OWN, clock.now)
    assert store.ledger.unbooked(*OWN, clock.now + 1) == []
    for whose in (("https://x", "b"), ("https://y", "a")):
        assert store.ledger.unbooked(*whose, 0.0) == []


def test_a_program_is_told_by_its_own_successes(store: Store) -> None:
    for number, coins in enumerate((3, 5, 9)):
        row, costs = order(store, number, Hold("p")), {"coins": coins * COIN}
        store.set_placed(row, str(number))
        if coins == 9:
            store.set_failed(row, key="error.task_failed", costs=costs)
        else:
            store.set_done(row, costs=costs)
    booked = [{"coins": 5 * COIN}, {"coins": 3 * COIN}]
    assert [*store.ledger.costs(*OWN, "p", "default", 5).values()] == booked
    assert [*store.ledger.costs(*OWN, "p", "default", 1).values()] == booked[:1]
    for whose in ((*OWN, "q"), ("https://x", "b", "p"), ("https://y", "a", "p")):
        assert store.ledger.costs(*whose, "default", 5) == {}
    assert store.ledger.costs(*OWN, "p", "plus", 5) == {}


def test_each_order_is_booked_by_itself(store: Store) -> None:
    first, second = order(store, 1, hold(10)), order(store, 2, Hold("", {"USD": 4 * COIN}))
    for number in (first, second):
        store.set_placed(number, str(number))
    store.set_cancelled(first)
    assert [row.id for row in store.ledger.unbooked(*OWN, 0.0)] == [second, first]
    assert [row.id for row in store.ledger.unbooked(*OWN, math.inf)] == [second]
    assert store.ledger.book(first, {"coins": 3 * COIN, "CNY": COIN}, Usage("3"))
    day = {"coins": 3 * COIN, "CNY": COIN, "USD": 4 * COIN}
    assert store.ledger.committed(*OWN, "", None).day == day
    assert store.set_done(second, Usage(), costs={"USD": 2 * COIN})
    assert store.ledger.committed(*OWN, "", None).day == {**day, "USD": 2 * COIN}


def test_an_order_takes_what_was_held_for_it_and_for_no_other(store: Store) -> None:
    held = replace(hold(10), number=reserve(store, 10))
    first = order(store, 1, held)
    store.ledger.release(held.number)  # of what an order has nothing is free
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    store.drop(first)  # and is sent again
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    order(store, 2, held)
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    order(store, 3, held)  # that one has it
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 20 * COIN}
    reserve(store, 1)
    released = reserve(store, 4)
    store.ledger.release(released)
    order(store, 4, replace(hold(4), number=released))
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 25 * COIN}


def test_midnight_belongs_to_the_day_that_it_begins(store: Store) -> None:
    begins = midnight(time.time())
    reserve(store, 7, at=begins)
    assert store.ledger.committed(*OWN, "", begins - 1).day == {}
    assert store.ledger.committed(*OWN, "", begins + 1).day == {"coins": 7 * COIN}


def test_what_no_order_took_is_free_when_nobody_has_the_journal_open(
    tmp_path: Path, clock: SetClock
) -> None:
    with closing(Store.open(tmp_path, clock=clock)) as store:
        reserve(store, 10)
        number = order(store, 1, hold(10))
        store.set_placed(number, "7")
    with closing(Store.open(tmp_path, clock=clock)) as store:
        assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}


def test_an_order_that_did_not_start_frees_what_was_held_for_it_alone(store: Store) -> None:
    number, other = order(store, 1, hold(10)), order(store, 2, hold(4))
    store.drop(number, for_good=True)
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 4 * COIN}
    reserved = reserve(store, 5), reserve(store, 6)
    store.ledger.release(reserved[0])
    assert store.ledger.committed(*OWN, "", None).day == {"coins": 10 * COIN}
    store.ledger.release(reserved[1])
    store.drop(other, for_good=True)
    assert store.ledger.committed(*OWN, "", None).day == {}


def test_what_runs_may_hold_more_as_far_as_the_limits_leave_it(store: Store) -> None:
    number = order(store, 1, hold(4, "one"))
    order(store, 2, hold(10, "one"))
    held = store.ledger.held(number)
    assert held is not None
    held = replace(held, limits=LIMITS)
    assert store.ledger.replace_hold(replace(held, amounts={"coins": 9 * COIN}, seconds=40.0))
    with pytest.raises(LimitReached):
        store.ledger.replace_hold(replace(held, amounts={"coins": 11 * COIN}, seconds=50.0))
    again = store.ledger.held(number)
    assert again is not None
    assert (again.amounts, again.seconds) == ({"coins": 9 * COIN}, 40.0)


def test_what_runs_over_midnight_may_use_what_the_new_day_leaves(store: Store) -> None:
    today = midnight(time.time()) + A_DAY / 2
    number = order(store, 1, hold(8, "own", today))
    other = order(store, 2, Hold(seconds=20.0, at=today))
    for scope, coins in (("a", 10), ("b", 10), ("c", 10), ("d", 10), ("e", 2)):
        reserve(store, coins, scope, today)
    held = store.ledger.held(number)
    assert held is not None
    held = replace(held, limits=LIMITS)
    # Of a day that is full it has its own part.
    assert store.ledger.replace_hold(replace(held, seconds=40.0))
    own, kept = store.ledger.held(number), store.ledger.held(other)
    assert own is not None
    assert kept is not None
    assert (own.seconds, kept.seconds) == (40.0, 20.0)
    for scope in "efghi":
        reserve(store, 9, scope, today + A_DAY)
    assert store.ledger.replace_hold(replace(held, amounts={"coins": 5 * COIN}, at=today + A_DAY))
    with pytest.raises(LimitReached):
        store.ledger.replace_hold(replace(held, amounts={"coins": 6 * COIN}, at=today + A_DAY))


def test_what_is_held_instead_is_all_that_is_held(store: Store) -> None:
    number = order(store, 1, hold(10))
    held = store.ledger.held(number)
    assert held is not None
    assert store.ledger.replace_hold(replace(held, amounts={"CNY": 2 * COIN}))
    day = store.ledger.committed(*OWN, "", None).day
    assert {unit: amount for unit, amount in day.items() if amount} == {"CNY": 2 * COIN}


def test_costs_of_before_are_counted(tmp_path: Path) -> None:
    """A journal of before reservations: what its orders did cost is booked, open ones are not."""
    import sqlite3

    from rh_api.journal.schema import MIGRATIONS

    at = len(MIGRATIONS) - next(
        index for index, step in enumerate(reversed(MIGRATIONS)) if "reservations" in step
    )
    with closing(Store.open(tmp_path)):
        pass
    file = tmp_path / "orders.sqlite3"
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.executescript("".join(MIGRATIONS[: at - 1]) + f"PRAGMA user_version = {at - 1}")
        columns = "identity_digest, origin, account, workflow, item, instance, what, state, created"
        rows = [
            ("1", "done", "5", "6", None),
            ("2", "done", "5", None, "0.35"),
            ("3", "running", None, None, None),
        ]
        for digest, state, ended, coins, money in rows:
            db.execute(
                f"INSERT INTO orders ({columns}, ended, coins, money)"
                " VALUES (?, 'https://x', 'a', 'p', 0, 'default', '{}', ?, 1800000000, ?, ?, ?)",
                (digest, state, ended, coins, money),
            )
        db.commit()
    with closing(Store.open(tmp_path, clock=lambda: 1_800_000_100.0)) as store:
        costs = store.ledger.costs(*OWN, "p", "default", 10)
        assert costs == {2: {"USD": 350_000}, 1: {"coins": 6 * COIN}}
        assert [*costs] == [2, 1]
        assert store.ledger.held(3) is not None


def test_an_order_that_went_leaves_no_reservation_of_nothing(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        store.drop(order(store, number, Hold("p")))
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        assert db.execute("SELECT count(*) FROM reservations").fetchone() == (0,)


@pytest.mark.parametrize(("month", "day"), [(3, 29), (7, 1), (10, 25), (12, 31)])
def test_a_day_begins_at_its_own_midnight_where_clocks_change(
    monkeypatch: pytest.MonkeyPatch, month: int, day: int
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        noon = datetime(2026, month, day, 12)
        assert datetime.fromtimestamp(midnight(noon.timestamp())) == datetime(2026, month, day)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_day_is_the_service_s_whatever_this_machine_s_clock_says(
    store: Store, clock: SetClock
) -> None:
    service = clock.now
    clock.now += A_DAY
    store.ledger.reserve(*OWN, "p", Hold("one", {"coins": 45 * COIN}, at=service))
    number = order(store, 1, hold(1, "two", at=service))
    held = store.ledger.held(number)
    assert held is not None
    more = replace(held, amounts={"coins": 9 * COIN}, limits=LIMITS, at=service)
    with pytest.raises(LimitReached):
        store.ledger.replace_hold(more)


def test_an_order_that_a_clock_far_ahead_dated_counts_for_no_other_day(
    store: Store, clock: SetClock
) -> None:
    service = clock.now
    clock.now += 400 * A_DAY
    store.ledger.reserve(*OWN, "p", Hold("one", {"coins": 45 * COIN}))
    clock.now = service
    for day in range(3):
        at = service + day * A_DAY
        assert store.ledger.committed(*OWN, "", at).day == {}
        reserve(store, 10, f"scope {day}", at=at)


def test_another_account_s_wrong_clock_forgets_nothing_of_today(
    store: Store, clock: SetClock
) -> None:
    reserve(store, 9, "one", at=clock.now)
    store.ledger.reserve(
        "https://x", "b", "p", Hold("x", {"coins": COIN}, at=clock.now + 900 * A_DAY)
    )
    store.prune(clock.now)
    assert store.ledger.committed(*OWN, "", clock.now).day == {"coins": 9 * COIN}


def test_a_rate_is_learnt_whatever_zeros_stand_beside_it(store: Store) -> None:
    for number, third in enumerate(("0", "0.00", "0.0", "1.5", None)):
        row = order(store, number, Hold("p"))
        store.set_placed(row, str(number))
        store.set_done(row, Usage(None, "2", third, "10" if number else "1"), costs={})
    short, failed = (order(store, number, Hold("p")) for number in (8, 9))
    for row in (short, failed):
        store.set_placed(row, f"task {row}")
    store.set_done(short, Usage(None, "2", "0", "0.9"), costs={})
    store.set_failed(failed, key="error.task_failed", usage=Usage(None, "2", "0", "10"), costs={})
    assert len(store.ledger.paid_runs(*OWN, "default")) == 4
    for whose in (("https://x", "b", "default"), ("https://y", "a", "default"), (*OWN, "plus")):
        assert store.ledger.paid_runs(*whose) == []
