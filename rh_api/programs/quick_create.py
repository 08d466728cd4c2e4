"""A Quick Create module."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import Fate, GraphRejected, NodeInfoRefused, RunningHubError
from ..graph.fields import is_seed
from ..graph.prompt import Graph
from ..run.orders import Order, digest
from ..wire.apps import AppForm
from ..wire.call import Call
from ..wire.orders import Ticket
from ..wire.quick import QuickModule, example_of, quick_entries, run_quick
from .program import FormProgram


@dataclass(frozen=True, slots=True)
class QuickCreate(FormProgram):
    """A Quick Create module as described by its call example; the service offers no form for it.

    `payload` draws seeds that are not given: they are not part of the order's identity, so that an
    order in flight is recognized.
    """

    module: QuickModule
    form: AppForm
    graph_hash: str
    graph: Graph | None = None
    kind = "quick"
    takes_webhook = False
    is_free_of_others = False
    shows: frozenset[str] = frozenset()  # unknown: no graph
    title = ""

    @classmethod
    def of(cls, module: QuickModule) -> QuickCreate:
        hashed = digest([module.code, *(repr(field) for field in module.form.fields)])
        return cls(module, module.form, hashed)

    @property
    def id(self) -> str:
        """`<webappId>/<quickCreateCode>`: neither means anything without the other."""
        return self.module.id

    def takes_url(self, name: str) -> bool:
        """Return False: no documentation allows a URL as the value of an IMAGE."""
        return False

    def payload(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return all entries of the list (all are required); draws seeds that have no value."""
        drawn = {
            field.full_name: secrets.randbelow(2**32)
            for field in self.fields()
            if is_seed(field) and field.full_name not in values
        }
        return {"nodeInfoList": quick_entries(self.module, {**drawn, **values})}

    def complete_order(self, order: Order, values: Mapping[str, object]) -> Order:
        """Keep the call example, without the key: it is needed to order the module again."""
        return replace(order, own_values={"example": example_of(self.module)})

    def create_call(self, order: Order, access_password: str, *, v2: bool) -> Call[Ticket]:
        return run_quick(self.form.app_id, self.module.code, order.body)

    def explain_refusal(self, error: RunningHubError) -> RunningHubError:
        """Say of a refused module that its call example may be out of date.

        Of a task that was made, and is paid for, nothing is said that it did not tell itself.
        """
        is_of_module = error.code in (301, 901) and error.fate is Fate.NOT_STARTED
        is_of_inputs = isinstance(error, (NodeInfoRefused, GraphRejected)) and error.task_id is None
        return error.with_context("error.quick_refused") if is_of_module or is_of_inputs else error
