"""The journal keeps what it acknowledged and places nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rh_api.journal import Identity, OrderExists, ResultRow, State, Store
from rh_api.wire.tasks import Usage
from tests.support.clocks import SetClock
from tests.unit.journal.samples import PICTURE, identity, intend, place

# An order's life


def test_a_number_that_was_taken_is_one_order_s_alone(tmp_path: Path, store: Store) -> None:
    number = store.take_number()
    with closing(Store.open(tmp_path)) as other:
        assert intend(other, 1) not in (number, other.take_number())
        facts = {"instance": "default", "what": {}}
        assert store.intend(identity(2), number=number, **facts) == number
        # Retried after a refusal: the row went, its number stays with its order.
        assert store.drop(number)
        assert intend(other, 3) != number
        assert store.intend(identity(2), number=number, **facts) == number


def test_a_later_equal_order_keeps_the_later_number(store: Store) -> None:
    number, first = store.take_number(), intend(store)
    store.set_failed(first, key="error.task_failed")
    later = store.intend(identity(), instance="plus", what={}, number=number)
    assert later > first
    latest = store.find(identity().digest)
    assert latest is not None
    assert latest.id == later


def test_an_order_is_followed_through_its_states_and_found_after_a_restart(
    tmp_path: Path, store: Store, clock: SetClock
) -> None:
    order = intend(store)
    clock.now += 1
    assert store.set_placed(order, "task-1")
    clock.now += 9
    assert store.set_running(order)
    clock.now += 30
    assert store.set_done(order, Usage("12", "0.1", seconds="30"), results=[PICTURE])
    store.close()

    with closing(Store.open(tmp_path)) as reopened:
        row = reopened.find(identity().digest)
        assert row is not None
        assert (row.id, row.state, row.task_id, row.instance) == (
            order,
            State.DONE,
            "task-1",
            "plus",
        )
        dates = (row.created, row.placed, row.started, row.ended)
        assert dates == tuple(SetClock.now + seconds for seconds in (0, 1, 10, 40))
        assert (row.coins, row.money, row.third_party_money, row.seconds) == (
            "12",
            "0.1",
            None,
            "30",
        )
        assert row.what == {"fields": {"6.text": "a cat"}}
        assert row.identity_digest == identity().digest
        assert reopened.results(order) == [PICTURE]
        assert reopened.unfinished() == []
        assert reopened.set_aside is None


def test_a_failure_keeps_its_key_and_code(store: Store) -> None:
    order = place(store)
    assert store.set_failed(order, key="error.task_failed", code=805)
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.error_key, row.code) == (State.FAILED, "error.task_failed", 805)


@pytest.mark.parametrize("state", [s for s in State if not s.is_over])
def test_an_unfinished_order_keeps_its_twin_away(store: Store, state: State) -> None:
    order = intend(store)
    if state is State.UNCERTAIN:
        store.set_uncertain(order, key="error.uncertain")
    if state in (State.PLACED, State.RUNNING):
        store.set_placed(order, "task-1")
    if state is State.RUNNING:
        store.set_running(order)
    with pytest.raises(OrderExists) as caught:
        intend(store)
    assert (caught.value.row.id, caught.value.row.state) == (order, state)
    assert [row.id for row in store.unfinished()] == [order]


def test_an_order_that_is_over_leaves_room_for_another(store: Store) -> None:
    ends: list[Callable[[int], bool]] = [
        store.set_done,
        store.set_cancelled,
        lambda order: store.set_failed(order, key="error.task_failed"),
    ]
    orders: list[int] = []
    for end in ends:
        orders.append(place(store))
        assert end(orders[-1])
    orders.append(intend(store))
    assert orders == sorted(set(orders))
    latest = store.find(identity().digest)
    assert latest is not None
    assert latest.id == orders[-1]


def test_items_of_a_batch_and_other_accounts_are_other_orders(store: Store) -> None:
    mine = [intend(store, item) for item in range(3)]
    other = store.intend(replace(identity(), account="c3d4"), instance="default", what={})
    there = store.intend(replace(identity(), origin="http://127.0.0.1:1"), instance="", what={})
    assert [row.id for row in store.unfinished()] == [*mine, other, there]
    here = identity()
    assert [row.id for row in store.unfinished(here.origin, here.account)] == mine
    assert [row.id for row in store.unfinished(account="c3d4")] == [other]


def test_an_uncertain_order_takes_the_task_id_that_was_found_later(store: Store) -> None:
    order = intend(store)
    store.set_uncertain(order, key="error.uncertain")
    assert store.set_placed(order, "task-7")
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.task_id, row.error_key) == (State.PLACED, "task-7", "")


def test_an_answer_counts_only_for_what_was_seen_when_it_was_given(store: Store) -> None:
    order = intend(store)
    store.set_uncertain(order, key="error.uncertain")
    question = store.order(order)
    assert question is not None
    assert store.settle_as_task(question, "task-1")
    answered = store.order(order)
    assert answered is not None
    assert store.settle_as_task(answered, "task-2")  # by another process, a moment ago
    for stale in (question, answered):
        assert not store.settle_as_not_started(stale)
        assert not store.settle_as_task(stale, "task-3")
    row = store.order(order)
    assert row is not None
    assert (row.state, row.task_id) == (State.PLACED, "task-2")
    assert store.set_running(order)  # another process has seen it run since
    assert not store.settle_as_not_started(row)
    assert not store.settle_as_task(row, "task-3")


def test_what_becomes_of_an_order_becomes_of_no_other(store: Store) -> None:
    others = [intend(store, 1), intend(store, 2), place(store, 3), place(store, 4)]
    store.set_uncertain(others[1], key="error.uncertain")
    store.set_cancel_wanted(others[3])
    store.save_results(others[2], [PICTURE])
    before = [store.order(order) for order in others]
    assert [row and row.cancel for row in before] == ["", "", "", "wanted"]

    first, second, third = intend(store, 5), place(store, 6), intend(store, 7)
    assert store.set_placed(first, "task-5")
    assert store.set_running(first)
    assert store.set_cancel_wanted(first)
    assert store.withdraw_cancel(first)
    assert store.set_uncertain_again(first, key="error.task_lost")
    row = store.order(first)
    assert row is not None
    assert store.settle_as_task(row, "task-5")
    assert store.set_done(first, Usage("1"), results=[PICTURE])
    assert store.save_missing(first, ["9"])
    assert store.save_results(first, [], whole=True)
    assert store.set_cancelled(second)
    assert store.set_uncertain(third, key="error.uncertain")
    question = store.order(third)
    assert question is not None
    assert store.settle_as_not_started(question)
    assert store.drop(intend(store, 8))
    assert [store.order(order) for order in others] == before
    assert (store.results(others[2]), store.results(first)) == ([PICTURE], [])


def test_a_task_is_that_of_its_own_site_and_account(store: Store) -> None:
    order, mine = place(store), identity()
    row = store.of_task(mine.origin, mine.account, "task-0")
    assert row is not None
    assert row.id == order
    assert store.of_task(mine.origin, None, "task-0") == row
    assert store.of_task("https://other.example", mine.account, "task-0") is None
    assert store.of_task(mine.origin, "c3d4", "task-0") is None


def test_an_order_that_never_started_goes_and_its_number_is_not_given_again(store: Store) -> None:
    order = intend(store)
    assert store.drop(order)
    assert store.find(identity().digest) is None
    assert intend(store) != order
    assert not store.set_placed(order, "task-1")


def test_a_task_that_the_service_named_is_never_dropped(store: Store) -> None:
    order = place(store)
    assert not store.drop(order)
    assert store.find(identity().digest) is not None


def test_news_that_comes_late_does_not_reopen_an_order(store: Store) -> None:
    order = place(store)
    store.set_done(order, Usage("12"), results=[PICTURE])
    late = [
        store.set_placed(order, "task-2"),
        store.set_running(order),
        store.set_uncertain(order, key="error.uncertain"),
        store.set_failed(order, key="error.task_failed"),
        store.set_cancelled(order),
        store.set_done(order, Usage("99"), results=[replace(PICTURE, index=1)]),
        store.set_cancel_wanted(order),
        store.drop(order),
    ]
    assert not any(late)
    row = store.find(identity().digest)
    assert row is not None
    assert (row.state, row.task_id, row.coins) == (State.DONE, "task-0", "12")
    assert store.results(order) == [PICTURE]


def test_an_end_is_taken_even_when_the_steps_before_it_could_not_be_written(store: Store) -> None:
    assert store.set_done(intend(store))


def test_a_cancel_is_wanted_until_the_order_is_over_also_after_a_restart(
    tmp_path: Path, store: Store
) -> None:
    order = place(store)
    assert store.set_cancel_wanted(order)
    store.close()
    with closing(Store.open(tmp_path)) as reopened:
        assert [row.cancel for row in reopened.unfinished()] == ["wanted"]
        assert not reopened.set_cancel_wanted(order)
        assert reopened.set_cancelled(order)
        assert reopened.unfinished() == []


def test_an_order_that_is_wanted_again_is_not_to_be_cancelled_any_more(store: Store) -> None:
    order = place(store)
    store.set_cancel_wanted(order)
    assert store.withdraw_cancel(order)
    row = store.order(order)
    assert row is not None
    assert row.cancel == ""


def test_every_part_of_an_identity_counts() -> None:
    base = Identity("o", "a", "w", "g", "i", 1)
    others = [
        replace(base, origin="p"),
        replace(base, account="b"),
        replace(base, program_key="x"),
        replace(base, graph_hash="h"),
        replace(base, inputs_hash="j"),
        replace(base, item=2),
        Identity("oa", "", "w", "g", "i", 1),
    ]
    digests = {value.digest for value in [base, *others, replace(base)]}
    assert len(digests) == 1 + len(others)


# Results


def test_results_are_added_and_replaced_by_node_and_index(store: Store) -> None:
    order = place(store)
    text = ResultRow("12:3", 0, "text", text="half a pair: \ud83d")
    store.set_done(order, results=[replace(PICTURE, path=None), replace(PICTURE, index=1), text])
    unknown = ResultRow("", 0, "file", url="https://cdn.example/x.zip")
    assert store.save_results(order, [PICTURE, unknown])
    assert store.results(order) == [
        unknown,
        replace(text, text="half a pair: ?"),
        PICTURE,
        replace(PICTURE, index=1),
    ]


def test_results_of_an_order_that_is_gone_are_not_kept(store: Store) -> None:
    assert not store.save_results(77, [PICTURE])
    assert store.results(77) == []
