"""The service's state: accounts, programs, tasks, files, faults, and recorded requests."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from . import catalog
from .accounts import Account, example_accounts
from .counters import Counters, new_journal
from .faults import Fault
from .knobs import HARSH, Knobs
from .models.catalogue import Model, read_model, shipped
from .object_store import Lora, ObjectStore, Stored

if TYPE_CHECKING:
    from .comfyui import ComfyUI
    from .graphs import Graph
    from .models.issued import IssuedId
    from .tasks.task import Task
    from .tasks.webhooks import Webhook

DEFAULT_KEY = "emulator0emulator0emulator0emula"

SNOWFLAKE_EPOCH = 1_288_834_974_657
"""Milliseconds; ids have 19 digits and grow with time, so that a restart repeats none."""

_BUILDING = threading.Lock()


class State(Knobs):
    """The emulated service's state; its knobs are attributes (see ``Knobs``).

    Passed to handlers and tasks; depends on neither of them.
    """

    default_key: str = DEFAULT_KEY

    def __init__(self, *, comfyui: ComfyUI | None = None, **knobs: Any) -> None:
        """``comfyui``: a real ComfyUI that runs the graphs; None: the built-in interpreter."""
        self._defaults: dict[str, Any] = {"strict": True, **HARSH} if knobs.get("strict") else {}
        super().__init__(**{**self._defaults, **knobs})
        self.comfyui = comfyui
        self.base_url = ""
        """Origin under which the service is reached, without a trailing slash."""
        self.background: set[asyncio.Task[None]] = set()
        """Background work besides the tasks, such as webhook deliveries."""
        self._sequence = secrets.randbelow(1 << 22)
        self._initialize()

    def renew(self) -> None:
        """Restore the initial state: knobs, content, counters. Tasks are dropped, not stopped."""
        for knob in fields(Knobs):
            setattr(self, knob.name, self._defaults.get(knob.name, knob.default))
        self._initialize()

    def _initialize(self) -> None:
        self.accounts: dict[str, Account] = {self.default_key: Account(), **example_accounts()}
        self.workflows = catalog.workflows()
        self.apps = catalog.apps()
        self.modules = catalog.modules()
        self.checkpoints = (*catalog.CHECKPOINTS, *catalog.UNLISTED)
        self.unlisted = catalog.UNLISTED
        self.titles = dict(catalog.TITLES)
        """Titles on the site by file name, for models where they differ."""
        self.store = ObjectStore()
        self.issued_ids: dict[str, IssuedId] = {}
        """Ids issued by models, to be used by others."""
        self._models: dict[str, Model] | None = None
        self.tasks: dict[str, Task] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.warm: set[str] = set()
        self.resources_asked: list[float] = []
        """Loop times of the model-list requests within the last minute."""
        self.rerolls = 0
        self.saved: Counter[str] = Counter()
        """Number of files saved by the native route's ComfyUI, by prefix."""
        self.faults: list[Fault] = []
        self.counters = Counters()
        self.journal = new_journal()

    # Content

    @property
    def account(self) -> Account:
        """The default key's account."""
        return self.accounts[self.default_key]

    @property
    def uploads(self) -> dict[str, Stored]:
        return self.store.uploads

    @property
    def results(self) -> dict[str, Stored]:
        return self.store.results

    @property
    def loras(self) -> dict[str, Lora]:
        return self.store.loras

    def add_workflow(
        self,
        graph: Graph,
        *,
        workflow_id: str | None = None,
        title: str = "",
        never_run: bool = False,
        password: str | None = None,
    ) -> str:
        """Add a graph in API format as a saved workflow; returns its id."""
        name = workflow_id or self.next_id()
        self.workflows[name] = catalog.Workflow(name, graph, title, never_run, password)
        return name

    @property
    def models(self) -> dict[str, Model]:
        """The standard models by endpoint, including removed ones."""
        with _BUILDING:  # a test changes them in its own thread while a request reads them
            if self._models is None:
                self._models = {model.endpoint: model for model in shipped()}
            return self._models

    def documented_models(self) -> list[Model]:
        """Return the models that the site lists."""
        return [model for model in self.models.values() if model.status != "removed"]

    def is_new(self, model: Model) -> bool:
        """Whether the model was added after the start."""
        return all(model.endpoint != older.endpoint for older in shipped())

    def add_model(self, endpoint: str, **row: Any) -> Model:
        """Add a model; attributes and parameters as in the data file."""
        model = self.models[endpoint] = read_model({"name": endpoint, **row, "endpoint": endpoint})
        return model

    def change_model(self, endpoint: str, **row: Any) -> Model:
        """Change attributes of a model; ``parameters`` replaces all of them."""
        partial = read_model({**row, "endpoint": endpoint})
        changed = replace(self.models[endpoint], **{name: getattr(partial, name) for name in row})
        self.models[endpoint] = changed
        return changed

    def remove_model(self, endpoint: str) -> None:
        """Remove a model from all listings; its path answers as unknown."""
        self.models[endpoint] = replace(self.models[endpoint], status="removed")

    def next_id(self) -> str:
        """Return a snowflake id: 19 digits, above 2**53."""
        self._sequence += 1
        return str((int(time.time() * 1000) - SNOWFLAKE_EPOCH << 22) | (self._sequence & 0x3FFFFF))

    def exists(self, listing: str, name: str) -> bool:
        if self.any_model and listing in ("checkpoints", "loras"):
            return bool(name.strip())
        return self.store.exists(listing, name, self.checkpoints)

    def listed(self, listing: str) -> list[str]:
        """Return the names that a loader offers for a field."""
        named = {"checkpoints": self.checkpoints, "loras": catalog.LORAS}
        return [*named.get(listing, catalog.EXAMPLE_PICTURES)]

    def title_of(self, name: str) -> str:
        return self.titles.get(name, name.partition("_")[0])

    # Tasks

    def open_tasks(self, key: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.key == key and not task.is_over]

    def forget_old(self) -> None:
        """Delete the oldest uploads, and the oldest ended tasks with their results, beyond
        ``kept_bytes`` and ``kept_tasks``: a sandbox runs for days. What is younger than
        ``kept_seconds`` stays, and so does an upload that an open task names."""
        size = sum(len(upload.data) for upload in self.uploads.values())
        before = time.time() - self.kept_seconds
        orders = [task.order for task in self.tasks.values() if not task.is_over]
        needs = [[order.graph, order.model and order.model.body] for order in orders]
        named = json.dumps(needs) if size > self.kept_bytes else ""
        for upload in [upload for upload in self.uploads.values() if upload.stored <= before]:
            if size <= self.kept_bytes:
                break
            if upload.name not in named:
                size -= len(self.uploads.pop(upload.name).data)
        before = asyncio.get_running_loop().time() - self.kept_seconds
        ended = [task for task in self.tasks.values() if task.is_over]
        size = sum(task.results_bytes for task in ended)
        for index, task in enumerate(ended):
            if size <= self.kept_bytes and len(ended) - index <= self.kept_tasks:
                break
            if task.ended is None or task.ended > before:
                continue
            size -= task.results_bytes
            self._forget(task)

    def _forget(self, task: Task) -> None:
        del self.tasks[task.id]
        for file in (result.file for result in task.results if result.file):
            self.results.pop(file.path, None)
            self.counters.fold(file.path)
        for webhook in [hook for hook in self.webhooks.values() if hook.task_id == task.id]:
            del self.webhooks[webhook.id]

    def is_full(self, key: str, *, besides: Task | None = None) -> bool:
        """Whether the account has no free slot; for a queued task (``besides``) only running tasks
        and those queued before it count."""
        tasks = self.open_tasks(key)
        if besides:
            # In order of creation.
            ahead = itertools.takewhile(lambda task: task is not besides, tasks)
            waiting = [task for task in ahead if task.status != "RUNNING"]
            tasks = [*waiting, *(task for task in tasks if task.status == "RUNNING")]
        return len(tasks) + self.foreign_tasks >= self.accounts[key].limit

    def take_failure(self) -> dict[str, Any] | None:
        """Return the failure injected into the next task, and decrement its count."""
        failure = self.fail_next
        if failure is None:
            return None
        count = int(failure.get("count", 1)) - 1
        self.fail_next = {**failure, "count": count} if count > 0 else None
        return failure

    def warm_nodes(self, task: Task) -> list[str]:
        """Return loaders that an earlier run of the workflow left loaded."""
        if task.workflow_id not in self.warm:
            return []
        loaders = ("CheckpointLoaderSimple",)
        return [node_id for node_id, node in task.graph.items() if node["class_type"] in loaders]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the background until serving ends."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    @staticmethod
    def clock() -> float:
        """Return the loop's time in seconds, the clock of all tasks."""
        return asyncio.get_running_loop().time()

    def turn(self, knobs: Mapping[str, Any], account: Mapping[str, Any]) -> None:
        """Set knobs and the default account's attributes; AttributeError for an unknown name."""
        names = {knob.name for knob in fields(Knobs)}
        account_names = {field.name for field in fields(Account)}
        for name in [*(knobs.keys() - names), *(account.keys() - account_names)]:
            raise AttributeError(f"no knob {name!r}")
        for name, value in knobs.items():
            setattr(self, name, value)
        for name, value in account.items():
            setattr(self.account, name, value)
