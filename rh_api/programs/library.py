"""Program types behind one interface: workflows, AI apps, graphs, standard models."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import cast

from ..errors import AppNotFound, RunningHubError, WorkflowNotFound
from ..graph import fields as workflow_fields
from ..graph.check import Declared, GivenMedia, Options, Promised, check
from ..graph.fields import Field, only_shows
from ..graph.prompt import Graph, Node, is_link, read_nodes
from ..journal.program_keys import program_key
from ..models.body import check_files, compose, flat, nested
from ..models.live_catalogue import ModelCatalogue
from ..models.schema import Model
from ..models.values import MediaFile
from ..money.quotes import PriceRatio, Quote
from ..offload.core_classes import core_lines
from ..offload.remote_graph import with_float_masks
from ..offload.special_classes import CLOUD_LORA_LOADER
from ..run.orders import digest
from ..run.progress import unwatched
from ..run.retry import Sender
from ..run.singleflight import SingleFlight
from ..settings import Settings, check_site
from ..wire.apps import SORTS, AppForm, AppPage, app_list, call_demo
from ..wire.quick import read_module
from ..wire.workflows import APP, WORKFLOW, read_page, workflow_json
from .form_programs import BaseProgram, QuickCreate, RemoteApp

TITLE_NODES = 4  # in the title of a graph, which has no name
_FREE = frozenset({CLOUD_LORA_LOADER})  # which only loads, without a paid API

KEPT_SECONDS = 600.0  # TTL of a program that was read


class _GraphProgram(BaseProgram):
    """Properties of a program with a known graph, computed once for all of its orders."""

    graph: Graph

    @cached_property
    def titles(self) -> dict[str, str]:
        """Titles by node id, of all nodes: their number is the progress bar's total."""
        return {node_id: node.title for node_id, node in read_nodes(self.graph).items()}

    @cached_property
    def shows(self) -> frozenset[str]:
        """Ids of nodes that only preview and save nothing."""
        nodes = read_nodes(self.graph).items()
        return frozenset(node_id for node_id, node in nodes if only_shows(node.class_type))

    @cached_property
    def is_free_of_others(self) -> bool:
        """Whether no node calls a paid third-party API, for certain: each is of ComfyUI's core
        (whose API nodes are listed separately) or loads a LoRA."""
        core = core_lines()
        return all(
            node.class_type in core or node.class_type in _FREE
            for node in read_nodes(self.graph).values()
        )

    def fields(self) -> list[Field]:
        return workflow_fields.fields(self.graph)

    def takes_url(self, name: str) -> bool:
        return workflow_fields.takes_url(self.graph, name)


@dataclass(frozen=True)
class RemoteWorkflow(_GraphProgram):
    """A saved workflow: its API-format graph, and a digest of it."""

    workflow_id: str
    graph: Graph
    graph_hash: str
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


MAX_KEPT = 20_000
"""Longest value of `own_values`' `graph`, in characters."""

MAX_REST = 100_000
"""Longest `rest` of `own_values` (links, lists, long texts), in characters of JSON."""

PLACEHOLDER = "1"
"""The workflow id sent with a graph if none was named. Reports disagree whether the service needs a
real one; a refusal costs nothing."""


@dataclass(frozen=True)
class InlineGraph(_GraphProgram):
    """A whole graph in API format, sent with its order; the service saves nothing of it.

    `sent_id`: the workflow id it is sent under. `graph_hash` covers the graph without the fields
    that are set and without titles; `name`, for the journal, only its classes and links, so that
    graphs differing only in values share run-time statistics.
    """

    graph: Graph
    sent_id: str
    graph_hash: str
    name: str

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
        """The first few node titles."""
        titles = list(dict.fromkeys(self.titles.values()))
        return ", ".join(titles[:TITLE_NODES]) + (" …" if len(titles) > TITLE_NODES else "")

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Validate as for a saved workflow; files are not type-checked."""
        media = {name: value for name, value in fields.items() if isinstance(value, GivenMedia)}
        promised = {name: Promised() for name in media}
        return {**check(self.graph, {**fields, **promised}, choices, declared), **media}

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """Return the checked values unchanged: the graph contains its seeds."""
        return dict(checked)

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


def _is_kept(value: object) -> bool:
    return isinstance(value, (str, int, float)) and len(str(value)) <= MAX_KEPT


@dataclass(frozen=True, slots=True)
class StandardModel(BaseProgram):
    """A standard model and the options of one order; `extra`: keys outside its schema.

    The schema is not part of an order's identity; the body that is sent is.
    """

    model: Model
    extra: object = None
    send_anyway: bool = False
    graph_hash: str = ""
    graph: Graph | None = None
    shows: frozenset[str] = frozenset()
    is_model = True
    is_free_of_others = False

    @property
    def id(self) -> str:
        return self.model.endpoint

    @property
    def title(self) -> str:
        return self.model.name

    @property
    def titles(self) -> dict[str, str]:
        """Empty: it has no nodes."""
        return {}

    def fields(self) -> list[Field]:
        """Empty: parameters are not node inputs."""
        return []

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """Return what will be sent, by key; a file in a list as `imageUrls.1`. Raises BadField."""
        return flat(compose(self.model, fields, self.extra).checked(send_anyway=self.send_anyway))

    def check_files(self, files: Mapping[str, MediaFile]) -> None:
        if not self.send_anyway:
            check_files(self.model, files)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """Return the checked values unchanged: a seed is given, or drawn by the service."""
        return dict(checked)

    def takes_url(self, name: str) -> bool:
        """Return True: a model's files are always sent as upload URLs."""
        return True

    def payload(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the request body for checked values with files replaced by their URLs."""
        return nested(values)


Program = RemoteWorkflow | RemoteApp | QuickCreate | InlineGraph | StandardModel


@dataclass(slots=True)
class Library:
    """Programs of one site, each cached for ten minutes unless `fresh`."""

    sender: Sender
    settings: Settings
    models: Callable[[], ModelCatalogue]
    _known: dict[tuple[bool, str], tuple[float, Program]] = field(
        default_factory=dict[tuple[bool, str], tuple[float, Program]]
    )
    _reading: SingleFlight[Program] = field(default_factory=SingleFlight[Program])

    def workflow_id(self, text: str) -> str:
        """Parse a workflow id or link; BadInput for another site, which must not get the key."""
        number, host = read_page(text, WORKFLOW)
        check_site(host, self.settings)
        return number

    def app_id(self, text: str) -> str:
        number, host = read_page(text, APP)
        check_site(host, self.settings)
        return number

    async def workflow(self, text: str, *, fresh: bool = False) -> RemoteWorkflow:
        """Return a saved workflow. An app's id gets an error of its own, at no cost."""
        program = await self._get(self.workflow_id(text), is_app=False, fresh=fresh)
        assert isinstance(program, RemoteWorkflow)  # noqa: S101 - for the type checker
        return program

    async def app(self, text: str, *, fresh: bool = False) -> RemoteApp:
        """Return an AI app. A workflow's id gets an error of its own, at no cost."""
        program = await self._get(self.app_id(text), is_app=True, fresh=fresh)
        assert isinstance(program, RemoteApp)  # noqa: S101 - for the type checker
        return program

    async def nodes_of(self, workflow: str) -> Collection[str]:
        """Return a workflow's node ids, empty if it cannot be read."""
        with contextlib.suppress(RunningHubError):
            return (await self.workflow(workflow)).graph.keys()
        return ()

    def inline(self, graph: Graph, workflow: str, set_fields: Container[str]) -> InlineGraph:
        """Wrap a graph to be sent under a workflow's id or link, "" for the settings' default."""
        named = workflow.strip() or self.settings.segment_workflow
        sent_id = PLACEHOLDER if named in ("", PLACEHOLDER) else self.workflow_id(named)
        return InlineGraph.of(graph, sent_id, set_fields)

    def model(self, text: str, stored: Model | None = None) -> Model:
        """Return a standard model by endpoint, name or link; no request.

        `stored`: a node's own copy, used if the name has left the catalogue. Raises BadInput for an
        unknown model.
        """
        return self.models().resolve(text, stored)

    async def price(
        self,
        program: Program,
        values: Mapping[str, object],
        body: Mapping[str, object] | None,
    ) -> Quote:
        """Quote an order with these values; unknown unless the program is a model. See `Price`."""
        if not isinstance(program, StandardModel):
            return Quote()
        if body is not None:
            return await self.models().service_price(program.model, body)
        return await self.models().quoted(program.model, program.payload(values))

    def price_ratio(self, program: Program, values: Mapping[str, object]) -> PriceRatio | None:
        """Compare the price of an order with these values; None unless the program is a model."""
        if not isinstance(program, StandardModel):
            return None
        return partial(self.models().price_ratio, program.model, program.payload(values))

    def quick(self, text: str) -> QuickCreate:
        """Parse a Quick Create module's call example; no request."""
        module = read_module(text)
        check_site(module.host, self.settings)
        return QuickCreate.of(module)

    async def public_apps(self, sort: str = SORTS[0], page: int = 1) -> AppPage:
        """Return a page of 50 public AI apps; the service offers no search."""
        return await self.sender.send(app_list(sort, page))

    def known_program(self, number: str, *, is_app: bool) -> Program | None:
        """Return a program cached within the last ten minutes, else None; no request."""
        entry = self._known.get((is_app, number))
        if entry is None or self.sender.clock.now() - entry[0] > KEPT_SECONDS:
            return None
        return entry[1]

    async def _get(self, number: str, *, is_app: bool, fresh: bool) -> Program:
        program = self.known_program(number, is_app=is_app)
        if program is not None and not fresh:
            return program
        read = self._read_app if is_app else self._read_workflow
        program = await self._reading.join((is_app, number), lambda _: read(number), unwatched)
        now = self.sender.clock.now()
        still_kept = {
            k: entry for k, entry in self._known.items() if now - entry[0] <= KEPT_SECONDS
        }
        self._known = {**still_kept, (is_app, number): (now, program)}
        return program

    async def _read_workflow(self, number: str) -> Program:
        try:
            graph = await self._graph(number)
        except WorkflowNotFound as error:
            if await self._exists(self._form(number)):
                raise WORKFLOW.mistaken(number) from error
            raise
        return RemoteWorkflow(number, graph, digest(dict(graph)))

    async def _read_app(self, number: str) -> Program:
        try:
            form = await self._form(number)
        except AppNotFound as error:
            if await self._exists(self._graph(number)):
                raise APP.mistaken(number) from error
            raise
        return RemoteApp(number, form, digest([repr(field) for field in form.fields]))

    async def _graph(self, number: str) -> Graph:
        call = workflow_json(number, self.settings.password_of(number))
        return await self.sender.send(call)

    async def _form(self, number: str) -> AppForm:
        call = call_demo(number)
        return await self.sender.send(call)

    async def _exists(self, reading: Awaitable[object]) -> bool:
        try:
            await reading
        except RunningHubError:
            return False
        return True
