"""Programs known only by their input form: AI apps and Quick Create modules."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import app_fields
from ..graph.check import Declared, Options
from ..graph.fields import Field, is_seed, node_info
from ..graph.prompt import Graph
from ..models.values import MediaFile
from ..run.orders import Payload, digest
from ..wire.apps import AppForm
from ..wire.quick import QuickModule, quick_entries


class BaseProgram:
    """What the kinds of programs have alike, unless they say otherwise."""

    __slots__ = ()

    is_app = False
    is_model = False
    is_module = False

    def check_files(self, files: Mapping[str, MediaFile]) -> None:
        """Check files made after the fields; `files`: by the names from `check`."""

    def payload(self, values: Mapping[str, object]) -> Payload:
        """Return what an order sends for checked values, with files as their remote names."""
        return node_info(values)


class _FormProgram(BaseProgram):
    """Program methods that need only the form, for a program whose graph is unknown."""

    __slots__ = ()

    form: AppForm

    @property
    def titles(self) -> dict[str, str]:
        """Titles by node id; only of the form's nodes, as the total is unknown."""
        return {field.node.id: field.node.title for field in self.fields()}

    def fields(self) -> list[Field]:
        return app_fields.app_fields(self.form)

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Validate as for a workflow; the form's own options are binding, `choices` are ignored."""
        return app_fields.check_app(self.form, fields)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        return app_fields.app_values(self.form, checked, reroll_seeds=reroll_seeds)


@dataclass(frozen=True, slots=True)
class RemoteApp(_FormProgram):
    """An AI app: only its form is known."""

    app_id: str
    form: AppForm
    graph_hash: str
    graph: Graph | None = None
    is_app = True
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


@dataclass(frozen=True, slots=True)
class QuickCreate(_FormProgram):
    """A Quick Create module as described by its call example; the service offers no form for it.

    `payload` draws seeds that are not given: they are not part of the order's identity, so that an
    order in flight is recognized.
    """

    module: QuickModule
    form: AppForm
    graph_hash: str
    graph: Graph | None = None
    is_module = True
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
