"""An AI app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..graph import app_fields
from ..graph.prompt import Graph
from ..run.orders import Order
from ..wire.apps import AppForm
from .program import FormProgram


@dataclass(frozen=True, slots=True)
class RemoteApp(FormProgram):
    """An AI app: only its form is known."""

    app_id: str
    form: AppForm
    graph_hash: str
    graph: Graph | None = None
    kind = "app"
    is_free_of_others = False
    shows: frozenset[str] = frozenset()  # unknown: no graph

    @property
    def id(self) -> str:
        return self.app_id

    @property
    def title(self) -> str:
        return self.form.name

    def takes_url(self, name: str) -> bool:
        return app_fields.app_takes_url(self.form, name)

    def complete_order(self, order: Order, values: Mapping[str, object]) -> Order:
        return replace(order, is_app=True)
