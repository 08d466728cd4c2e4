"""A whole graph that is sent with its order."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import cast

from ..errors import Fate, RunningHubError, WorkflowNeverRun, WorkflowNotFound
from ..graph import fields as workflow_fields
from ..graph.check import Declared, GivenMedia, Options, Promised, check
from ..graph.native import check_native_graph
from ..graph.prompt import Graph, Node, is_link, read_nodes
from ..journal.program_keys import program_key
from ..offload.remote_graph import with_float_masks
from ..run.orders import Order, digest
from ..wire.call import Call
from ..wire.native import Prompt, queue_prompt
from ..wire.orders import TaskOptions, Ticket
from .program import GraphProgram

TITLE_NODES = 4  # in the title of a graph, which has no name

MAX_KEPT = 20_000
"""Longest value of `own_values`' `graph`, in characters."""

MAX_REST = 100_000
"""Longest `rest` of `own_values` (links, lists, long texts), in characters of JSON."""

PLACEHOLDER = "1"
"""The workflow id sent with a graph if none was named. Reports disagree whether the service needs a
real one; a refusal costs nothing."""


@dataclass(frozen=True)
class InlineGraph(GraphProgram):
    """A whole graph in API format, sent with its order; the service saves nothing of it.

    `sent_id`: the workflow id it is sent under. `graph_hash` covers the graph without the fields
    that are set and without titles. `name`, for the journal, covers only its classes and links:
    graphs that differ only in values share run-time statistics.
    """

    graph: Graph
    sent_id: str
    graph_hash: str
    name: str
    kind = "graph"

    @classmethod
    def of(cls, graph: Graph, sent_id: str, set_fields: Container[str]) -> InlineGraph:
        values: dict[str, object] = {}
        shape: dict[str, object] = {}
        for node in read_nodes(graph).values():
            inputs = {n: v for n, v in node.inputs.items() if f"{node.id}.{n}" not in set_fields}
            values[node.id] = [node.class_type, inputs]
            shape[node.id] = [node.class_type, {n: v for n, v in inputs.items() if is_link(v)}]
        return cls(graph, sent_id, digest(values), program_key("graph", digest(shape)[:16]))

    @property
    def id(self) -> str:
        return self.sent_id

    @property
    def own_values(self) -> dict[str, object]:
        """What the journal stores: `graph`, plain values without links, titles and long texts, and,
        unless too long, `rest`: everything else needed to order it again."""
        nodes = read_nodes(self.graph).values()

        def inputs(node: Node, kept: bool) -> dict[str, object]:
            return {name: value for name, value in node.inputs.items() if _is_kept(value) is kept}

        graph = {
            node.id: {"class_type": node.class_type, "inputs": inputs(node, True)} for node in nodes
        }
        rest = {
            "workflow": self.sent_id,
            "inputs": {node.id: inputs(node, False) for node in nodes},
        }
        return {"graph": graph, "rest": rest if len(json.dumps(rest)) <= MAX_REST else {}}

    @property
    def title(self) -> str:
        """The first few titles of nodes, else classes."""
        # What is added to a marked part, its loaders and savers, has no title.
        titled = [
            title for key, title in self.titles.items() if "_meta" in cast("Graph", self.graph[key])
        ]
        titles = list(dict.fromkeys(titled or self.titles.values()))
        return ", ".join(titles[:TITLE_NODES]) + (" …" if len(titles) > TITLE_NODES else "")

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Validate as for a saved workflow; files are not type-checked."""
        media = {name: value for name, value in fields.items() if isinstance(value, GivenMedia)}
        promised = {name: Promised() for name in media}
        return {**check(self.graph, {**fields, **promised}, choices, declared), **media}

    def payload(self, values: Mapping[str, object]) -> str:
        """Serialize the graph to JSON with `values`, by full name, written into it."""
        filled = {
            node.id: {"class_type": node.class_type, "inputs": dict(node.inputs)}
            for node in read_nodes(self.graph).values()
        }
        for name, value in values.items():
            node_id, field_name = workflow_fields.split_name(name)
            cast("dict[str, object]", filled[node_id]["inputs"])[field_name] = value
        sent = with_float_masks(filled)
        return json.dumps(sent, ensure_ascii=False, separators=(",", ":"))

    def check_native(self, options: TaskOptions) -> None:
        check_native_graph(self.graph, options)

    def complete_order(self, order: Order, values: Mapping[str, object]) -> Order:
        kind = "workflow"  # of the id that it is sent under
        return replace(order, kind=kind, key_override=self.name, own_values=self.own_values)

    def create_call(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
        if order.native_task_id:
            return queue_prompt(Prompt.of(order.native_task_id), order.graph or "")
        return super().create_call(order, access_password, v2=v2)

    def explain_refusal(self, error: RunningHubError) -> RunningHubError:
        """Say of a refused workflow id how another is named."""
        if not _is_about_its_id(error):
            return error
        remote = error.params.get("remote")
        return WorkflowNotFound(
            "error.placeholder_refused", code=error.code, sent=self.sent_id, remote=remote
        )

    def is_placeholder_refused(self, error: RunningHubError) -> bool:
        return self.sent_id == PLACEHOLDER and _is_about_its_id(error)


def _is_about_its_id(error: RunningHubError) -> bool:
    """Whether a graph was refused for the workflow id that it was sent under.

    Code 301 is for any wrong parameter; its text names the parameter. A failed task is paid for.
    """
    is_named = error.code == 301 and "workflowid" in str(error).lower()
    about = is_named or isinstance(error, (WorkflowNotFound, WorkflowNeverRun))
    return about and error.fate is Fate.NOT_STARTED


def _is_kept(value: object) -> bool:
    return isinstance(value, (str, int, float)) and len(str(value)) <= MAX_KEPT
