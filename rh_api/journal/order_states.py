"""The life of an order: what each event makes of it. Total: an event that a state does not name
leaves it as it is, and a success is taken in every state, however late.

Deletion is no event: it empties a row that is over (`retention.empty_order`), whose cost counts."""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Iterable, Mapping


class State(enum.Enum):
    """State of an order. While it is not over, no equal order can be inserted."""

    INTENDED = "intended"
    """Its request may be in flight; found after a crash: it may have been placed."""
    PLACED = "placed"
    RUNNING = "running"
    UNCERTAIN = "uncertain"
    """It may have been placed and no task id is known; the user or a later lookup decides."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class Event(enum.Enum):
    """What becomes known of an order."""

    ACCEPTED = "its task's id"
    NOT_STARTED = "that the service provably did not take it"
    REPLY_LOST = "that the request may have arrived, and no answer came"
    PROCESS_DIED = "that nobody awaits an answer any more"
    STARTED = "that its task runs"
    UNLISTED = "that the service no longer lists its task"
    SUCCEEDED = "that its task succeeded"
    FAILED = "that its task failed, or that an equal order took its place"
    CANCELLED = "that its task was cancelled"
    SETTLED_AS_TASK = "the user's word that it became a task"
    SETTLED_AS_NOT_STARTED = "the user's word that it never started"


_ENDS = {
    Event.SUCCEEDED: State.DONE,
    Event.FAILED: State.FAILED,
    Event.CANCELLED: State.CANCELLED,
}
_SETTLED = {Event.SETTLED_AS_TASK: State.PLACED, Event.SETTLED_AS_NOT_STARTED: None}
_UNANSWERED = {Event.ACCEPTED: State.PLACED, Event.NOT_STARTED: None, **_ENDS, **_SETTLED}
_LISTED = {
    Event.UNLISTED: State.UNCERTAIN,
    Event.SETTLED_AS_TASK: State.PLACED,  # another one
    **_ENDS,
}

# Next states. None: the order is gone.
TRANSITIONS: Mapping[State, Mapping[Event, State | None]] = {
    State.INTENDED: {
        Event.REPLY_LOST: State.UNCERTAIN,
        Event.PROCESS_DIED: State.UNCERTAIN,
        **_UNANSWERED,
    },
    State.UNCERTAIN: _UNANSWERED,
    State.PLACED: {
        Event.STARTED: State.RUNNING,
        Event.SETTLED_AS_NOT_STARTED: None,
        **_LISTED,
    },
    State.RUNNING: _LISTED,
    State.DONE: {},
    # The user may settle an uncertain order that an equal one took the place of.
    State.FAILED: {Event.SUCCEEDED: State.DONE, **_SETTLED},
    State.CANCELLED: {Event.SUCCEEDED: State.DONE},
}


def apply_event(
    db: sqlite3.Connection,
    event: Event,
    where: str,
    values: Iterable[object],
    columns: Mapping[str, object] | None = None,
    *,
    now: float | None = None,
) -> int:
    """Apply `event` to the orders that match `where`; return how many it changed.

    `values`: of `where`; `columns`: set with the state. `now`: unix seconds, of events that end.
    """
    sources = [state for state in State if event in TRANSITIONS[state]]
    (target,) = {TRANSITIONS[state][event] for state in sources}
    # Texts are of this package alone: what comes from outside is bound.
    states = ", ".join("?" for _ in sources)
    matching = ("WHERE", where, "AND deleted = 0 AND state IN (", states, ")")
    matched = (*values, *(state.value for state in sources))
    if target is None:
        return db.execute(" ".join(("DELETE FROM orders", *matching)), matched).rowcount
    ended = now if target.is_over else None
    changes = {**(columns or {}), "state": target.value, "ended": ended}
    assignments = ", ".join(f"{column} = ?" for column in changes)
    update = " ".join(("UPDATE orders SET", assignments, *matching))
    return db.execute(update, (*changes.values(), *matched)).rowcount
