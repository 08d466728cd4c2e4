"""A saved workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..graph import fields as workflow_fields
from ..graph import ranges as value_ranges
from ..graph.check import Declared, Options, check
from ..graph.prompt import Graph
from ..graph.ranges import Outside, Ranges
from .program import GraphProgram


@dataclass(frozen=True)
class RemoteWorkflow(GraphProgram):
    """A saved workflow: its API-format graph, and a digest of it."""

    workflow_id: str
    graph: Graph
    graph_hash: str
    kind = "workflow"
    title = ""
    """Empty: no endpoint open to an API key returns a workflow's name."""

    @property
    def id(self) -> str:
        return self.workflow_id

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Return the values converted to the stored types; raises UnknownField, BadField."""
        return check(self.graph, fields, choices, declared)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """Return what is sent: the checked values, and stored seeds not set, unless re-rolled."""
        return {**({} if reroll_seeds else self._seeds), **checked}

    @cached_property
    def _seeds(self) -> dict[str, int]:
        return workflow_fields.seeds(self.graph, ())

    def outside(self, values: Mapping[str, object], ranges: Ranges) -> Iterable[Outside]:
        return value_ranges.outside(self.graph, values, ranges)
