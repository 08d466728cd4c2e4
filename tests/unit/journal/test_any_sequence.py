"""Any sequence of calls leaves what a dictionary would hold."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rh_api.journal import OrderExists, State, Store
from tests.unit.journal.samples import identity, intend, prune

OPEN_STATES = {State.INTENDED, State.PLACED, State.RUNNING, State.UNCERTAIN}
LATE = {State.FAILED, State.CANCELLED}
MOVES: dict[str, tuple[set[State], State]] = {
    "set_placed": ({State.INTENDED, State.UNCERTAIN}, State.PLACED),
    "set_running": ({State.PLACED}, State.RUNNING),
    "set_uncertain": ({State.INTENDED}, State.UNCERTAIN),
    "set_uncertain_again": ({State.PLACED, State.RUNNING}, State.UNCERTAIN),
    "set_done": (OPEN_STATES | LATE, State.DONE),
    "set_failed": (OPEN_STATES, State.FAILED),
    "set_cancelled": (OPEN_STATES, State.CANCELLED),
}
ITEMS = st.integers(0, 2)
NEXT_WEEK = time.time() + 7 * 86_400.0


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store.open(self.folder)
        self.model: dict[int, tuple[int, State]] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def latest(self, item: int) -> int | None:
        """The one that is not over, else the latest success, else the latest."""
        ranks = [
            (state in OPEN_STATES, state is State.DONE, order)
            for order, (i, state) in self.model.items()
            if i == item
        ]
        return max(ranks)[2] if ranks else None

    @rule(item=ITEMS)
    def intend(self, item: int) -> None:
        order = self.latest(item)
        if order is not None and self.model[order][1] in OPEN_STATES:
            with pytest.raises(OrderExists) as caught:
                intend(self.store, item)
            assert caught.value.row.id == order
        else:
            new = intend(self.store, item)
            assert new not in self.model
            self.model[new] = (item, State.INTENDED)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), move=st.sampled_from(sorted(MOVES)))
    def move(self, data: st.DataObject, move: str) -> None:
        order = data.draw(st.sampled_from(sorted(self.model)))
        more = {"set_placed": (f"task-{order}",)}.get(move, ())
        key = {"key": "error.x"} if move.startswith(("set_uncertain", "set_failed")) else {}
        applied = getattr(self.store, move)(order, *more, **key)
        came_from, goes_to = MOVES[move]
        item, state = self.model[order]
        assert applied == (state in came_from)
        if applied:
            self.model[order] = (item, goes_to)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(sorted(self.model)))
        gone = self.model[order][1] in (State.INTENDED, State.UNCERTAIN)
        assert self.store.drop(order) == gone
        if gone:
            del self.model[order]

    @rule(keep=st.integers(0, 2))
    def prune(self, keep: int) -> None:
        prune(self.store, NEXT_WEEK, keep_orders=keep)
        over = sorted(order for order, (_, state) in self.model.items() if state.is_over)
        for order in over[: len(over) - keep] if len(over) > keep else []:
            del self.model[order]

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder)
        assert self.store.set_aside is None
        # Nobody hears any more whether a request that was on its way arrived.
        for order, (item, state) in self.model.items():
            if state is State.INTENDED:
                self.model[order] = (item, State.UNCERTAIN)

    @invariant()
    def the_book_says_what_was_done(self) -> None:
        unfinished = {order: s for order, (_, s) in self.model.items() if s in OPEN_STATES}
        assert {row.id: row.state for row in self.store.unfinished()} == unfinished
        for item in range(3):
            row, order = self.store.find(identity(item).digest), self.latest(item)
            assert (row and (row.id, row.state)) == (order and (order, self.model[order][1]))


AnySequence.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
test_any_sequence_of_calls_leaves_what_a_dictionary_would_hold = AnySequence.TestCase


def test_what_was_emptied_is_not_among_the_orders_that_are_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    first, second = intend(store, 1), intend(store, 0)
    store.set_cancelled(second)
    prune(store, NEXT_WEEK, keep_orders=0)
    store.set_cancelled(first)
    prune(store, NEXT_WEEK, keep_orders=1)
    row = store.find(identity(1).digest)
    store.close()
    assert row is not None
    assert row.id == first
