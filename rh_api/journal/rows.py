"""Rows of the journal as values: an order's identity, the order, and its results."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..wire.envelope import read_object
from .order_states import State
from .program_keys import kind_and_id

ORDERED_AGAIN = "error.uncertain"  # `error_key` that closes an uncertain order for an equal one
EXPECTED_TASK_ID, SCOPE = "prompt", "scope"  # keys of `what`


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two orders equal: site, account, program, graph, inputs, and item of a batch.
    `program_key`: the program's id with a prefix per kind (`app/12`), a workflow's without.
    `account` is the key's fingerprint, never the key. `inputs_hash` covers the fields with the
    hashes of their contents, and the options.
    """

    origin: str
    account: str
    program_key: str
    graph_hash: str
    inputs_hash: str
    item: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 in 64 hex digits, the same on any machine."""
        values = [getattr(self, field.name) for field in fields(self)]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order. Times are unix seconds; costs are texts as the service prints them.

    `what`: the JSON values passed to `intend`. `started`: when the task was first seen running.
    `announced`: nodes that the service was to run for output, `missing`: those of them whose
    results were awaited in vain. `paid_seconds`: running time that its hold pays for, None without
    bound; only `Ledger.unbooked` reads it. `error_key`: of `texts.py`, or "". `cancel`: "" or
    "wanted".
    """

    id: int
    identity_digest: str
    origin: str
    account: str
    program_key: str
    item: int
    instance: str
    what: Mapping[str, object]
    state: State
    cancel: str
    task_id: str | None
    created: float
    placed: float | None
    started: float | None
    ended: float | None
    error_key: str
    code: int | None
    coins: str | None
    money: str | None
    third_party_money: str | None
    seconds: str | None
    announced: tuple[str, ...]
    missing: tuple[str, ...]
    deleted: int = 0  # 1: its content was deleted; its cost still counts
    paid_seconds: float | None = None

    @property
    def snapshot(self) -> tuple[int, str, str | None]:
        """For compare-and-set: changes with the order's state or task."""
        return self.id, self.state.value, self.task_id

    @property
    def is_superseded(self) -> bool:
        """Whether it was uncertain and closed because an equal one was ordered all the same."""
        is_unknown = self.task_id is None and self.error_key == ORDERED_AGAIN
        return self.state is State.FAILED and is_unknown

    @property
    def is_answerable(self) -> bool:
        """Whether the user may say what became of it: if that is unknown, or, while it is not
        over, if the user said so before."""
        is_open = self.state in (State.INTENDED, State.UNCERTAIN) or self.is_superseded
        return is_open or (bool(self.what.get("answered")) and not self.state.is_over)

    @property
    def kind(self) -> str:
        """Kind of program: workflow, app, quick, model or graph."""
        return kind_and_id(self.program_key)[0]

    @property
    def program_id(self) -> str:
        """The program's id or endpoint; for a graph a digest of its structure."""
        return kind_and_id(self.program_key)[1]

    @property
    def display_name(self) -> str:
        """The program's display name, "" if unknown."""
        return str(self.what.get("name") or "")

    @property
    def is_under_way(self) -> bool:
        """Whether its task is known, and not over."""
        return self.state in (State.PLACED, State.RUNNING)

    def is_done_in(self, scope: str) -> bool:
        """Whether it succeeded, and was placed by that prompt or command."""
        return self.state is State.DONE and bool(scope) and self.what.get(SCOPE) == scope

    @property
    def expected_task_id(self) -> str:
        """The id under which the service may list its task while the row has none. That of a native
        prompt is given before it is sent; a lost task has one too. Else ""."""
        return str(self.what.get(EXPECTED_TASK_ID) or "")

    @property
    def inputs(self) -> Mapping[str, object]:
        """Its fields, with hashes in place of contents."""
        return read_object(self.what.get("inputs"))

    @property
    def graph(self) -> Mapping[str, Mapping[str, object]]:
        """A whole graph by node id, in API format without its links; {} for anything else."""
        nodes = read_object(self.what.get("graph"))
        return {node_id: read_object(node) for node_id, node in nodes.items()}

    @property
    def options(self) -> Mapping[str, object]:
        """Run options beside the instance; only those that differ from the default."""
        return read_object(self.what.get("options"))


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result: `index` is its place in the service's list, from 0; `node_id` may be "".

    `path` is relative to the store's folder and None while the file is not kept there; `size`
    is bytes; `text` is a result that came as text. `verdict`: of its file's check, or "".
    """

    node_id: str
    index: int
    kind: str
    url: str = ""
    path: str | None = None
    size: int | None = None
    text: str | None = None
    verdict: str = ""


class OrderExists(Exception):
    """`row` of the same identity is unfinished, or succeeded since (see `Store.intend`)."""

    def __init__(self, row: OrderRow) -> None:
        super().__init__(row.identity_digest)
        self.row = row


def read_order(row: sqlite3.Row) -> OrderRow:
    """Parse a row of `orders`. Raises ValueError for one that no version of ours wrote."""
    values: dict[str, Any] = dict(row)
    values["state"] = State(values["state"])
    values["what"] = json.loads(values["what"])
    values["program_key"] = values.pop("workflow")
    for name, column in (("announced", "told"), ("missing", "missing")):
        values[name] = tuple(map(str, json.loads(values.pop(column))))
    return OrderRow(**values)
