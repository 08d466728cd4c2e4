"""What can be run on the site, a saved workflow, an AI app or a graph, each as one kind of thing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Container, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from .errors import AppNotFound, BadInput, RunningHubError, WorkflowNotFound, WrongSite
from .graph import app_fields
from .graph import fields as workflow_fields
from .graph.check import Declared, GivenMedia, Options, Promised, check
from .graph.fields import Field
from .graph.prompt import is_link, read_nodes
from .run.caller import Caller
from .run.flights import Flights
from .run.orders import digest
from .run.ports import unwatched
from .settings import OFFICIAL_HOSTS, Settings
from .wire import pages
from .wire.apps import AppForm, call_demo, read_app_ref
from .wire.workflows import Graph, read_ref, workflow_json

KEPT_SECONDS = 600.0  # that what was read of a program is trusted


class _OfGraph:
    """What a program whose graph is known says of it."""

    __slots__ = ()

    graph: Graph

    @property
    def titles(self) -> dict[str, str]:
        """Node id to what people call it; all nodes, so their number is the bar's total."""
        return {node_id: node.title for node_id, node in read_nodes(self.graph).items()}

    def fields(self) -> list[Field]:
        return workflow_fields.fields(self.graph)

    def takes_url(self, name: str) -> bool:
        return workflow_fields.takes_url(self.graph, name)


@dataclass(frozen=True, slots=True)
class RemoteWorkflow(_OfGraph):
    """A saved workflow: its API-format graph, and a digest that changes when it does."""

    workflow_id: str
    graph: Graph
    graph_hash: str
    is_app = False

    @property
    def id(self) -> str:
        return self.workflow_id

    def check(
        self, given: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """The given values in the stored types; UnknownField and BadField as `graph.check` says."""
        return check(self.graph, given, choices, declared)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """What is sent: the checked values, and stored seeds that nobody set unless re-rolled."""
        held = {} if reroll_seeds else workflow_fields.seeds(self.graph, checked)
        return {**held, **checked}


@dataclass(frozen=True, slots=True)
class RemoteApp:
    """An AI app: its form is all that is known of it."""

    app_id: str
    form: AppForm
    graph_hash: str
    graph: Graph | None = None
    is_app = True

    @property
    def id(self) -> str:
        return self.app_id

    @property
    def titles(self) -> dict[str, str]:
        """Only the nodes of the form: the number of all is not known."""
        return {one.node.id: one.node.title for one in self.fields()}

    def fields(self) -> list[Field]:
        return app_fields.app_fields(self.form)

    def check(
        self, given: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """As for a workflow; the form's own options bind, local classes are not asked."""
        return app_fields.check_app(self.form, given)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        return app_fields.app_values(self.form, checked, reroll_seeds=reroll_seeds)

    def takes_url(self, name: str) -> bool:
        return app_fields.app_takes_url(self.form, name)


PLACEHOLDER = "1"
"""The workflow id that goes with a graph where nobody named one. Reports disagree whether the
service wants a real one; a refusal costs nothing."""


@dataclass(frozen=True, slots=True)
class InlineGraph(_OfGraph):
    """A whole graph in API format that goes out with its order; nothing of it is saved there.

    `sent_id`: the workflow id that it goes under. `graph_hash` covers the graph without the
    fields that are set and without titles; `name`, for the order book, only its classes and
    links, so that graphs which differ in values have their run times in common.
    """

    graph: Graph
    sent_id: str
    graph_hash: str
    name: str
    is_app = False

    @classmethod
    def of(cls, graph: Graph, sent_id: str, set_fields: Container[str]) -> InlineGraph:
        values: dict[str, object] = {}
        shape: dict[str, object] = {}
        for node in read_nodes(graph).values():
            kept = {n: v for n, v in node.inputs.items() if f"{node.id}.{n}" not in set_fields}
            values[node.id] = [node.class_type, kept]
            shape[node.id] = [node.class_type, {n: v for n, v in kept.items() if is_link(v)}]
        return cls(graph, sent_id, digest(values), f"graph/{digest(shape)[:16]}")

    @property
    def id(self) -> str:
        return self.sent_id

    def check(
        self, given: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """As for a saved workflow; what a field loads is the business of whoever set it."""
        media = {name: value for name, value in given.items() if isinstance(value, GivenMedia)}
        promised = {name: Promised() for name in media}
        return {**check(self.graph, {**given, **promised}, choices, declared), **media}

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """The checked values alone: the graph carries its seeds."""
        return dict(checked)

    def filled(self, values: Mapping[str, object]) -> str:
        """The text of the graph with `values`, by full name, written into it."""
        filled = {
            node.id: {"class_type": node.class_type, "inputs": dict(node.inputs)}
            for node in read_nodes(self.graph).values()
        }
        for name, value in values.items():
            node_id, field_name = workflow_fields.split_name(name)
            cast("dict[str, object]", filled[node_id]["inputs"])[field_name] = value
        return json.dumps(filled, ensure_ascii=False, separators=(",", ":"))


Program = RemoteWorkflow | RemoteApp | InlineGraph


@dataclass(slots=True)
class Library:
    """Programs of one site, each read at most every ten minutes unless asked for anew."""

    caller: Caller
    settings: Settings
    _known: dict[tuple[bool, str], tuple[float, Program]] = field(
        default_factory=dict[tuple[bool, str], tuple[float, Program]]
    )
    _reading: Flights[Program] = field(default_factory=Flights[Program])

    def workflow_id(self, text: str) -> str:
        """The id that a person named; a key is never tried on a site it is not for."""
        ref = read_ref(text)
        check_site(ref.host, self.settings)
        return ref.workflow_id

    def app_id(self, text: str) -> str:
        ref = read_app_ref(text)
        check_site(ref.host, self.settings)
        return ref.app_id

    async def workflow(self, text: str, *, fresh: bool = False) -> RemoteWorkflow:
        """A saved workflow. An app's id is told apart, which costs nothing."""
        found = await self._get(self.workflow_id(text), is_app=False, fresh=fresh)
        assert isinstance(found, RemoteWorkflow)  # noqa: S101 - for the type checker
        return found

    async def app(self, text: str, *, fresh: bool = False) -> RemoteApp:
        """An AI app. A workflow's id is told apart, which costs nothing."""
        found = await self._get(self.app_id(text), is_app=True, fresh=fresh)
        assert isinstance(found, RemoteApp)  # noqa: S101 - for the type checker
        return found

    def inline(self, graph: Graph, workflow: str, set_fields: Container[str]) -> InlineGraph:
        """A graph as it goes out under a workflow's id or link, or under none."""
        named = workflow.strip()
        sent_id = PLACEHOLDER if named in ("", PLACEHOLDER) else self.workflow_id(named)
        return InlineGraph.of(graph, sent_id, set_fields)

    def known(self, number: str, *, is_app: bool) -> Program | None:
        """What was read within the last ten minutes; None without a request."""
        entry = self._known.get((is_app, number))
        if entry is None or self.caller.clock.now() - entry[0] > KEPT_SECONDS:
            return None
        return entry[1]

    async def _get(self, number: str, *, is_app: bool, fresh: bool) -> Program:
        known = self.known(number, is_app=is_app)
        if known is not None and not fresh:
            return known
        read = self._read_app if is_app else self._read_workflow
        found = await self._reading.join((is_app, number), lambda _: read(number), unwatched)
        self._known[is_app, number] = (self.caller.clock.now(), found)
        return found

    async def _read_workflow(self, number: str) -> Program:
        try:
            graph = await self._graph(number)
        except WorkflowNotFound as error:
            if await self._exists(self._form(number)):
                raise pages.WORKFLOW.mistaken(number) from error
            raise
        return RemoteWorkflow(number, graph, digest(dict(graph)))

    async def _read_app(self, number: str) -> Program:
        try:
            form = await self._form(number)
        except AppNotFound as error:
            if await self._exists(self._graph(number)):
                raise pages.APP.mistaken(number) from error
            raise
        return RemoteApp(number, form, digest([repr(one) for one in form.fields]))

    async def _graph(self, number: str) -> Graph:
        call = workflow_json(number, self.settings.password_of(number))
        return await self.caller.asking(lambda: self.caller.transport.send(call))

    async def _form(self, number: str) -> AppForm:
        call = call_demo(number)
        return await self.caller.asking(lambda: self.caller.transport.send(call))

    async def _exists(self, reading: Awaitable[object]) -> bool:
        try:
            await reading
        except RunningHubError:
            return False
        return True


def check_site(host: str, settings: Settings) -> None:
    """Refuse a link to another site than the account's, before any request.

    Accounts, keys and workflows are not shared between the sites. An origin that is none of
    the official ones (an emulator, a proxy) takes links of both. `host` "" is no link.
    """
    own = urlsplit(settings.origin).netloc
    if host in ("", own):
        return
    official = host in OFFICIAL_HOSTS or f"www.{host}" in OFFICIAL_HOSTS
    if not official:
        raise BadInput("error.foreign_link", host=host)
    if settings.is_official and f"www.{host.removeprefix('www.')}" != own:
        raise WrongSite(host=host, configured=own)
