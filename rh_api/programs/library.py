"""The programs of a site: each read once, and kept for some minutes."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Container
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..errors import AppNotFound, RunningHubError, WorkflowNotFound
from ..graph.prompt import Graph
from ..models.live_catalogue import ModelCatalogue
from ..models.schema import Model
from ..run.orders import digest
from ..run.ports import Clock
from ..run.progress import unwatched
from ..run.retry import Sender
from ..run.singleflight import SingleFlight
from ..settings import Settings, check_site
from ..wire.apps import SORTS, AppForm, AppPage, app_list, call_demo
from ..wire.quick import read_module
from ..wire.workflows import APP, WORKFLOW, read_page, workflow_json
from .app import RemoteApp
from .model import StandardModel
from .quick_create import QuickCreate
from .whole_graph import PLACEHOLDER, InlineGraph
from .workflow import RemoteWorkflow

KEPT_SECONDS = 600.0  # TTL of a program that was read

Program = RemoteWorkflow | RemoteApp | QuickCreate | InlineGraph | StandardModel
P = TypeVar("P")


@dataclass(slots=True)
class _Kept(Generic[P]):
    """Programs of one kind by id, as they were read."""

    clock: Clock
    read: Callable[[str], Awaitable[P]]
    _known: dict[str, tuple[float, P]] = field(default_factory=dict[str, "tuple[float, P]"])
    _reading: SingleFlight[P] = field(default_factory=SingleFlight["P"])

    def kept(self, number: str) -> P | None:
        """Return a program that was read within the last ten minutes, else None."""
        at, program = self._known.get(number, (0.0, None))
        return program if self.clock.now() - at <= KEPT_SECONDS else None

    async def get(self, number: str, *, fresh: bool) -> P:
        program = self.kept(number)
        if program is not None and not fresh:
            return program
        program = await self._reading.join((number,), lambda _: self.read(number), unwatched)
        now = self.clock.now()
        still_kept = {
            k: entry for k, entry in self._known.items() if now - entry[0] <= KEPT_SECONDS
        }
        self._known = {**still_kept, number: (now, program)}
        return program


class Library:
    """Programs of one site. Workflows and apps are kept for ten minutes, unless `fresh`."""

    def __init__(
        self, sender: Sender, settings: Settings, models: Callable[[], ModelCatalogue]
    ) -> None:
        self.sender = sender
        self.settings = settings
        self.models = models
        self._workflows = _Kept(sender.clock, self._read_workflow)
        self._apps = _Kept(sender.clock, self._read_app)

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
        return await self._workflows.get(self.workflow_id(text), fresh=fresh)

    def known_workflow(self, text: str) -> RemoteWorkflow | None:
        """Return a workflow that was read within the last ten minutes, else None; no request."""
        return self._workflows.kept(self.workflow_id(text))

    async def app(self, text: str, *, fresh: bool = False) -> RemoteApp:
        """Return an AI app. A workflow's id gets an error of its own, at no cost."""
        return await self._apps.get(self.app_id(text), fresh=fresh)

    def known_app(self, text: str) -> RemoteApp | None:
        """Return an app that was read within the last ten minutes, else None; no request."""
        return self._apps.kept(self.app_id(text))

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

    def quick(self, text: str) -> QuickCreate:
        """Parse a Quick Create module's call example; no request."""
        module = read_module(text)
        check_site(module.host, self.settings)
        return QuickCreate.of(module)

    async def public_apps(self, sort: str = SORTS[0], page: int = 1) -> AppPage:
        """Return a page of 50 public AI apps; the service offers no search."""
        return await self.sender.send(app_list(sort, page))

    async def _read_workflow(self, number: str) -> RemoteWorkflow:
        try:
            graph = await self._graph(number)
        except WorkflowNotFound as error:
            if await self._exists(self._form(number)):
                raise WORKFLOW.mistaken(number) from error
            raise
        return RemoteWorkflow(number, graph, digest(dict(graph)))

    async def _read_app(self, number: str) -> RemoteApp:
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
