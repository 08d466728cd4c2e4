"""Runs a prompt as ComfyUI does, as far as a browser or a node of ours can tell the difference."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy.model_management import InterruptProcessingException, interrupt_current_processing
from comfy_api.latest.io import HiddenHolder
from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.progress import get_progress_state, reset_progress_state
from comfy_execution.utils import ExecutionContext, current_executing_context
from server import PromptServer

from tests.browser.stage.validation import (
    Prompt,
    class_of,
    fitting,
    is_child,
    is_link,
    is_v3,
    known_inputs,
    takes_lists,
    width,
)


@dataclass
class Queued:
    """A prompt that was taken, and what became of it."""

    number: float
    prompt_id: str
    prompt: Prompt
    extra_data: dict[str, Any]
    targets: list[str]
    outputs: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    success: bool = False

    def item(self) -> list[Any]:
        return [self.number, self.prompt_id, self.prompt, self.extra_data, self.targets]

    def history(self) -> dict[str, Any]:
        state = "success" if self.success else "error"
        status = {"status_str": state, "completed": self.success, "messages": self.messages}
        return {
            "prompt": self.item(),
            "outputs": self.outputs,
            "meta": self.meta,
            "status": status,
        }

    def job(self, status: str) -> dict[str, Any]:
        """Its line in the list of jobs."""
        times = {event: data["timestamp"] for event, data in self.messages}
        shown = [
            {**entry, "nodeId": node_id, "mediaType": "images"}
            for node_id, ui in self.outputs.items()
            for entry in ui.get("images", ())
        ]
        job = {
            "id": self.prompt_id,
            "status": status,
            "priority": self.number,
            "create_time": times.get("execution_start", 0),
            "execution_start_time": times.get("execution_start"),
            "execution_end_time": max(times.values(), default=None),
            "outputs_count": len(shown),
            "previewable_outputs_count": len(shown),
            "preview_output": shown[-1] if shown else None,
        }
        return {name: value for name, value in job.items() if value is not None}


@dataclass(frozen=True)
class Made:
    """What a node made: each output as a list, what it shows, and the key it is kept under."""

    outputs: list[list[Any]]
    ui: dict[str, Any] | None
    key: str


class Executor:
    """One prompt at a time, each in an event loop of its own; keeps what did not change."""

    def __init__(self, server: PromptServer) -> None:
        self._server = server
        self._kept: dict[str, Made] = {}

    def run(self, queued: Queued) -> None:
        """In a worker thread, until it is over."""
        interrupt_current_processing(False)
        self._server.client_id = queued.extra_data.get("client_id")
        self._server.last_prompt_id = queued.prompt_id
        reset_progress_state(queued.prompt_id)
        self._server.prompt_queue.currently_running = {0: queued.item()}
        try:
            asyncio.run(_Run(self._server, queued, self._kept).all())
        finally:
            self._server.prompt_queue.currently_running = {}
            self._server.last_node_id = None
            end = {"node": None, "prompt_id": queued.prompt_id}
            self._server.send_sync("executing", end, self._server.client_id)


class _Run:
    def __init__(self, server: PromptServer, queued: Queued, cache: dict[str, Made]) -> None:
        self._server = server
        self._queued = queued
        self._kept = cache
        self._tasks: dict[str, asyncio.Task[Made]] = {}
        self._executed: list[str] = []

    async def all(self) -> None:
        queued = self._queued
        self._say("execution_start", {})
        runs = [self._task(node_id) for node_id in queued.targets]
        try:
            await asyncio.gather(*runs)
        except _Failed as failed:
            self._failed(failed)
        else:
            queued.success = True
            self._say("execution_success", {})
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _task(self, node_id: str) -> asyncio.Task[Made]:
        if node_id not in self._tasks:
            self._tasks[node_id] = asyncio.ensure_future(self._node(node_id))
        return self._tasks[node_id]

    async def _node(self, node_id: str) -> Made:
        node = self._queued.prompt[node_id]
        kind, inputs = class_of(node), node["inputs"]
        links = {name: value for name, value in inputs.items() if is_link(value)}
        sources = await asyncio.gather(*(self._task(value[0]) for value in links.values()))
        upstream = dict(zip(links, sources, strict=True))
        values = {
            name: upstream[name].outputs[value[1]] if name in upstream else [value]
            for name, value in inputs.items()
        }
        declared = kind.INPUT_TYPES()
        declared_names = {**declared.get("required", {}), **declared.get("optional", {})}
        if not (is_v3(kind) and kind.GET_SCHEMA().accept_all_inputs):
            values = {
                name: value
                for name, value in values.items()
                if name in declared_names or any(is_child(name, entry) for entry in declared_names)
            }
        try:
            key = await self._key(kind, node, {n: (upstream[n].key, links[n][1]) for n in links})
            result = self._kept.get(key)
            if result is None:
                result = await self._execute(node_id, kind, values, key)
                self._kept[key] = result
            else:
                self._executed.append(node_id)
                # ComfyUI says all of them at once, before the first one runs.
                self._say("execution_cached", {"nodes": [node_id]})
                self._show(node_id, result)
                get_progress_state().finish_progress(node_id)
        except asyncio.CancelledError:
            raise
        except BaseException as reason:
            raise _Failed(node_id, reason) from reason
        return result

    async def _key(self, kind: Any, node: Mapping[str, Any], links: Mapping[str, Any]) -> str:
        print_ = getattr(kind, "fingerprint_inputs", None) or getattr(kind, "IS_CHANGED", None)
        changed: Any = ""
        if print_ is not None:
            changed = print_(**fitting(print_, known_inputs(kind, node["inputs"])))
            changed = await changed if inspect.isawaitable(changed) else changed
        values = {**node["inputs"], **links}
        return json.dumps([node["class_type"], values, str(changed)], sort_keys=True)

    async def _execute(self, node_id: str, kind: Any, values: dict[str, Any], key: str) -> Made:
        where = {"node": node_id, "display_node": node_id, "prompt_id": self._queued.prompt_id}
        self._server.last_node_id = node_id
        self._server.send_sync("executing", where, self._server.client_id)
        get_progress_state().start_progress(node_id)
        current_executing_context.set(ExecutionContext(self._queued.prompt_id, node_id, None))
        blocked = self._blocked(node_id, values)
        if blocked is not None:
            result = Made([[blocked]] * width({"class_type": kind.__name__}), None, key)
        else:
            result = await _called(kind, values, self._hidden(node_id), key)
        self._executed.append(node_id)
        get_progress_state().finish_progress(node_id)
        self._show(node_id, result)
        return result

    def _blocked(self, node_id: str, values: dict[str, Any]) -> ExecutionBlocker | None:
        blocks = [x for value in values.values() for x in value if isinstance(x, ExecutionBlocker)]
        if not blocks:
            return None
        if blocks[0].message is not None:
            message = f"Execution Blocked: {blocks[0].message}"
            self._say("execution_error", self._error(node_id, message, "ExecutionBlocked", []))
        return ExecutionBlocker(None)

    def _hidden(self, node_id: str) -> dict[str, Any]:
        queued = self._queued
        return {
            "PROMPT": queued.prompt,
            "EXTRA_PNGINFO": queued.extra_data.get("extra_pnginfo"),
            "UNIQUE_ID": node_id,
        }

    def _show(self, node_id: str, result: Made) -> None:
        if result.ui is None:
            return
        queued = self._queued
        queued.outputs[node_id] = result.ui
        queued.meta[node_id] = {
            "node_id": node_id,
            "display_node": node_id,
            "parent_node": None,
            "real_node_id": node_id,
        }
        where = {"node": node_id, "display_node": node_id, "prompt_id": queued.prompt_id}
        self._server.send_sync("executed", {**where, "output": result.ui}, self._server.client_id)

    def _failed(self, failed: _Failed) -> None:
        if isinstance(failed.reason, InterruptProcessingException):
            node = self._queued.prompt[failed.node_id]
            about = {"node_id": failed.node_id, "node_type": node["class_type"], "executed": []}
            self._say("execution_interrupted", about)
            return
        kind = type(failed.reason)
        trace = traceback.format_tb(failed.reason.__traceback__)
        name = f"{kind.__module__}.{kind.__name__}"
        self._say("execution_error", self._error(failed.node_id, str(failed.reason), name, trace))

    def _error(self, node_id: str, message: str, kind: str, trace: list[str]) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "node_type": self._queued.prompt[node_id]["class_type"],
            "executed": list(self._executed),
            "exception_message": message,
            "exception_type": kind,
            "traceback": trace,
            "current_inputs": {},
            "current_outputs": list(self._executed),
        }

    def _say(self, event: str, data: dict[str, Any]) -> None:
        now = int(time.time() * 1000)
        details = {**data, "prompt_id": self._queued.prompt_id, "timestamp": now}
        self._queued.messages.append((event, details))
        self._server.send_sync(event, details, self._server.client_id)


class _Failed(Exception):
    def __init__(self, node_id: str, reason: BaseException) -> None:
        super().__init__(node_id)
        self.node_id = node_id
        self.reason = reason


async def _called(kind: Any, values: dict[str, Any], hidden: dict[str, Any], key: str) -> Made:
    """One call with lists, or one for each item; a shorter list repeats its last item."""
    if takes_lists(kind):
        calls = [values]
    else:
        count = max((len(value) for value in values.values()), default=1)
        calls = [
            {name: value[min(i, len(value) - 1)] for name, value in values.items()}
            for i in range(count)
        ]
    results = [await _called_once(kind, call, hidden) for call in calls]
    flags = _list_flags(kind)
    outputs: list[list[Any]] = []
    for slot, is_list in enumerate(flags):
        items: list[Any] = []
        for result, _ in results:
            items += result[slot] if is_list else [result[slot]]
        outputs.append(items)
    shown = [ui for _, ui in results if ui is not None]
    if not shown:
        return Made(outputs, None, key)
    ui: dict[str, Any] = {}
    for output in shown:
        for name, entries in output.items():
            ui[name] = [*ui.get(name, []), *entries]
    return Made(outputs, ui, key)


async def _called_once(kind: Any, inputs: dict[str, Any], hidden: dict[str, Any]) -> Any:
    if is_v3(kind):
        # A class of its own for each call, as ComfyUI has it: what is hidden belongs to the call.
        called = type(kind.__name__, (kind,), {"hidden": HiddenHolder(hidden)})
        result = called.execute(**inputs)
        result = await result if inspect.isawaitable(result) else result
        args = result.args if result.block_execution is None else [None] * len(_list_flags(kind))
        ui = result.ui
        return list(args), ui.as_dict() if hasattr(ui, "as_dict") else ui
    declared = kind.INPUT_TYPES().get("hidden", {})
    context = {
        name: hidden.get(spec if isinstance(spec, str) else spec[0])
        for name, spec in declared.items()
    }
    result = kind().run(**inputs, **context)
    if isinstance(result, dict):
        return list(result.get("result", ())), result.get("ui")
    return list(result), None


def _list_flags(kind: Any) -> list[bool]:
    if is_v3(kind):
        return [output.is_output_list for output in kind.GET_SCHEMA().outputs]
    return list(kind.OUTPUT_IS_LIST)
