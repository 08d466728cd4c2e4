"""The table of an order's life: what holds for every state and event, and every row of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.journal import Store
from rh_api.journal.order_states import TRANSITIONS, Event, State
from tests.unit.journal.samples import intend

ENDS = (Event.SUCCEEDED, Event.FAILED, Event.CANCELLED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path)
    yield store
    store.close()


def next_state(state: State | None, event: Event) -> State | None:
    return None if state is None else TRANSITIONS[state].get(event, state)


@given(st.lists(st.sampled_from(Event)))
def test_whatever_happens_a_success_is_taken_and_stays(events: list[Event]) -> None:
    state: State | None = State.INTENDED
    for event in events:
        after = next_state(state, event)
        if state is State.DONE:
            assert after is State.DONE
        if state is not None and event is Event.SUCCEEDED:
            assert after is State.DONE
        state = after


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("state", [state for state in State if not state.is_over])
def test_every_open_order_can_end(state: State, event: Event) -> None:
    after = next_state(state, event)
    assert after is not None
    assert after.is_over


def test_nothing_but_an_end_or_the_user_ends_an_order() -> None:
    enders = {
        event
        for state, moves in TRANSITIONS.items()
        for event, after in moves.items()
        if not state.is_over and (after is None or after.is_over)
    }
    assert enders == {*ENDS, Event.NOT_STARTED, Event.SETTLED_AS_NOT_STARTED}


def test_an_order_that_was_deleted_is_nothing_that_a_success_brings_back(store: Store) -> None:
    order = intend(store)
    store.set_failed(order, key="error.x")
    assert store.history.delete([order]) == [order]
    assert not store.set_done(order)
