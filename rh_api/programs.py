"""What can be run on the site, each as one kind of thing: workflows, AI apps, graphs, models."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from .errors import AppNotFound, RunningHubError, WorkflowNotFound
from .form_programs import QuickCreate, RemoteApp
from .graph import fields as workflow_fields
from .graph.check import Declared, GivenMedia, Options, Promised, check
from .graph.fields import Field, only_shows
from .graph.prompt import Graph, Node, is_link, read_nodes
from .model_catalogue import ModelCatalogue
from .models.body import check_files, compose, flat, nested
from .models.schema import Model
from .models.values import MediaFile
from .offload.class_facts import CLOUD_LORA_LOADER
from .offload.core_classes import core_lines
from .offload.remote_graph import with_float_masks
from .run.orders import digest
from .run.progress import unwatched
from .run.retry import Sender
from .run.singleflight import SingleFlight
from .settings import Settings, check_site
from .wire.apps import SORTS, AppForm, AppPage, app_list, call_demo
from .wire.quick import read_module
from .wire.workflows import APP, WORKFLOW, read_page, workflow_json

TITLE_NODES = 4  # of a graph, which has no name
_FREE = frozenset({CLOUD_LORA_LOADER})  # which only loads

KEPT_SECONDS = 600.0  # that what was read of a program is trusted


class _GraphProgram:
    """What a program whose graph is known says of it, read once for all of its orders."""

    graph: Graph

    @cached_property
    def titles(self) -> dict[str, str]:
        """Node id to what people call it; all nodes, so their number is the bar's total."""
        return {node_id: node.title for node_id, node in read_nodes(self.graph).items()}

    @cached_property
    def shows(self) -> frozenset[str]:
        """The nodes that are there to be looked at and save nothing."""
        nodes = read_nodes(self.graph).items()
        return frozenset(node_id for node_id, node in nodes if only_shows(node.class_type))

    @cached_property
    def is_free_of_others(self) -> bool:
        """Whether it surely holds no node that calls what other firms are paid for: each is of
        ComfyUI's core, whose nodes of that kind are in a list of their own, or loads a LoRA."""
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
    """A saved workflow: its API-format graph, and a digest that changes when it does."""

    workflow_id: str
    graph: Graph
    graph_hash: str
    is_app = False
    title = ""
    """What people call it: nothing that an API key may ask tells the name of a workflow."""

    @property
    def id(self) -> str:
        return self.workflow_id

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """The given values in the stored types; UnknownField and BadField as `graph.check` says."""
        return check(self.graph, fields, choices, declared)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """What is sent: the checked values, and stored seeds that nobody set unless re-rolled."""
        return {**({} if reroll_seeds else self._seeds), **checked}

    @cached_property
    def _seeds(self) -> dict[str, int]:
        return workflow_fields.seeds(self.graph, ())


LONGEST_KEPT = 20_000
"""Characters of a value that the journal keeps of a whole graph."""

LONGEST_REST = 100_000
"""Characters that the journal keeps beside such values: links, lists, and texts of any length."""

PLACEHOLDER = "1"
"""The workflow id that goes with a graph where nobody named one. Reports disagree whether the
service wants a real one; a refusal costs nothing."""


@dataclass(frozen=True)
class InlineGraph(_GraphProgram):
    """A whole graph in API format that goes out with its order; nothing of it is saved there.

    `sent_id`: the workflow id that it goes under. `graph_hash` covers the graph without the
    fields that are set and without titles; `name`, for the journal, only its classes and
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
            inputs = {n: v for n, v in node.inputs.items() if f"{node.id}.{n}" not in set_fields}
            values[node.id] = [node.class_type, inputs]
            shape[node.id] = [node.class_type, {n: v for n, v in inputs.items() if is_link(v)}]
        return cls(graph, sent_id, digest(values), f"graph/{digest(shape)[:16]}")

    @property
    def id(self) -> str:
        return self.sent_id

    @property
    def own_values(self) -> dict[str, object]:
        """What the journal keeps: `graph`, plain values without links, titles and long texts, and,
        unless too long, `rest`: all else that ordering it again needs."""
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
        return {"graph": graph, "rest": rest if len(json.dumps(rest)) <= LONGEST_REST else {}}

    @property
    def title(self) -> str:
        """Some of its nodes."""
        titles = list(dict.fromkeys(self.titles.values()))
        return ", ".join(titles[:TITLE_NODES]) + (" …" if len(titles) > TITLE_NODES else "")

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """As for a saved workflow; what a field loads is the business of whoever set it."""
        media = {name: value for name, value in fields.items() if isinstance(value, GivenMedia)}
        promised = {name: Promised() for name in media}
        return {**check(self.graph, {**fields, **promised}, choices, declared), **media}

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
        sent = with_float_masks(filled)
        return json.dumps(sent, ensure_ascii=False, separators=(",", ":"))


def _is_kept(value: object) -> bool:
    return isinstance(value, (str, int, float)) and len(str(value)) <= LONGEST_KEPT


@dataclass(frozen=True, slots=True)
class StandardModel:
    """A standard model with what one order of it adds: keys that no schema knows.

    Its schema is no part of an order's identity: what is sent is.
    """

    model: Model
    extra: object = None
    send_anyway: bool = False
    graph_hash: str = ""
    graph: Graph | None = None
    shows: frozenset[str] = frozenset()
    is_app = False
    is_free_of_others = False

    @property
    def id(self) -> str:
        return self.model.endpoint

    @property
    def title(self) -> str:
        return self.model.name

    @property
    def titles(self) -> dict[str, str]:
        """It has no nodes."""
        return {}

    def fields(self) -> list[Field]:
        """None: its parameters are no inputs of nodes."""
        return []

    def check(
        self, fields: Mapping[str, object], choices: Options, declared: Declared
    ) -> dict[str, object]:
        """What will be sent, by key; a file in a list as `imageUrls.1`. BadField, see `compose`."""
        return flat(compose(self.model, fields, self.extra).checked(send_anyway=self.send_anyway))

    def check_files(self, files: Mapping[str, MediaFile]) -> None:
        """Check files that were made after the fields, by the names that `check` gave them."""
        if not self.send_anyway:
            check_files(self.model, files)

    def values(self, checked: Mapping[str, object], *, reroll_seeds: bool) -> dict[str, object]:
        """The checked values alone: a model's seed is drawn by the service or given."""
        return dict(checked)

    def takes_url(self, name: str) -> bool:
        """Files of models always travel as the address of an upload."""
        return True

    def body(self, values: Mapping[str, object]) -> dict[str, object]:
        """What goes out for checked values, the files replaced by their addresses."""
        return nested(values)


Program = RemoteWorkflow | RemoteApp | QuickCreate | InlineGraph | StandardModel


@dataclass(slots=True)
class Library:
    """Programs of one site, each read at most every ten minutes unless asked for anew."""

    sender: Sender
    settings: Settings
    models: Callable[[], ModelCatalogue]
    _known: dict[tuple[bool, str], tuple[float, Program]] = field(
        default_factory=dict[tuple[bool, str], tuple[float, Program]]
    )
    _reading: SingleFlight[Program] = field(default_factory=SingleFlight[Program])

    def workflow_id(self, text: str) -> str:
        """The id that a person named; a key is never tried on a site it is not for."""
        number, host = read_page(text, WORKFLOW)
        check_site(host, self.settings)
        return number

    def app_id(self, text: str) -> str:
        number, host = read_page(text, APP)
        check_site(host, self.settings)
        return number

    async def workflow(self, text: str, *, fresh: bool = False) -> RemoteWorkflow:
        """A saved workflow. An app's id is told apart, which costs nothing."""
        program = await self._get(self.workflow_id(text), is_app=False, fresh=fresh)
        assert isinstance(program, RemoteWorkflow)  # noqa: S101 - for the type checker
        return program

    async def app(self, text: str, *, fresh: bool = False) -> RemoteApp:
        """An AI app. A workflow's id is told apart, which costs nothing."""
        program = await self._get(self.app_id(text), is_app=True, fresh=fresh)
        assert isinstance(program, RemoteApp)  # noqa: S101 - for the type checker
        return program

    async def nodes_of(self, workflow: str) -> Collection[str]:
        """The ids of a workflow's nodes, none where it cannot be read."""
        with contextlib.suppress(RunningHubError):
            return (await self.workflow(workflow)).graph.keys()
        return ()

    def inline(self, graph: Graph, workflow: str, set_fields: Container[str]) -> InlineGraph:
        """A graph as it goes out under a workflow's id or link, "" for the one that is set."""
        named = workflow.strip() or self.settings.segment_workflow
        sent_id = PLACEHOLDER if named in ("", PLACEHOLDER) else self.workflow_id(named)
        return InlineGraph.of(graph, sent_id, set_fields)

    def model(self, text: str, stored: Model | None = None) -> Model:
        """A standard model, by endpoint, name or link; no request.

        `stored`: as a node keeps it, for a name that has left the catalogue. BadInput for a model
        that is not known.
        """
        return self.models().resolve(text, stored)

    def quick(self, text: str) -> QuickCreate:
        """A module of Quick Create, of its call example; no request."""
        module = read_module(text)
        check_site(module.host, self.settings)
        return QuickCreate.of(module)

    async def public_apps(self, sort: str = SORTS[0], page: int = 1) -> AppPage:
        """AI apps that anybody may run, a page of 50; nothing searches them."""
        return await self.sender.send(app_list(sort, page))

    def known_program(self, number: str, *, is_app: bool) -> Program | None:
        """What was read within the last ten minutes; None without a request."""
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
        self._known[is_app, number] = (self.sender.clock.now(), program)
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
