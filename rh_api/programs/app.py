"""An AI app."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import app_fields
from ..graph.prompt import Graph
from ..run.orders import Order
from ..wire import run_v2
from ..wire.apps import AppForm, run_app
from ..wire.call import Call
from ..wire.orders import Ticket
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

    def create_call(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
        run = run_v2.run_app if v2 else run_app
        args = (order.program_id, order.node_info, order.options)
        return run(*args, access_password=access_password)
