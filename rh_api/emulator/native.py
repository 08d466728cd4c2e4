"""The native route's data: tasks as ComfyUI's history and queue show them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .nodes.classes import NODE_CLASSES

if TYPE_CHECKING:
    from .nodes.fields import Field
    from .state import State
    from .tasks.task import Result, Task

MACHINES = {"proxy": "default", "proxy-plus": "plus"}
"""The machine by the path's first segment: 24 and 48 GB."""

_KEYED = re.compile(r"^/(proxy(?:-plus)?)/[^/]+")
_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

OLD_CORE, NEW_CORE = "0.3.40", "0.33.0"
"""Versions before and after ``/interrupt`` honoured a ``prompt_id``."""


def shown_path(path: str) -> str:
    """Return a path with the key redacted, for counters and the journal."""
    return _KEYED.sub(r"/\1/{key}", path)


def is_canonical(prompt_id: object) -> bool:
    """Whether ComfyUI accepts a caller's id: a lower-case hyphenated UUID."""
    return isinstance(prompt_id, str) and _CANONICAL.fullmatch(prompt_id) is not None


def prompts(state: State, key: str, machine: str) -> dict[str, Task]:
    """Return the prompts of one machine's ComfyUI, by id; the last one of a repeated id."""
    if state.native_forgets:
        return {}
    return {
        task.prompt_id: task
        for task in state.tasks.values()
        if (task.order.route, task.key, task.order.machine) == ("native", key, machine)
    }


def queue(tasks: dict[str, Task]) -> dict[str, list[Any]]:
    """Return the body of ``GET /queue``."""
    running = [_item(task, n) for n, task in enumerate(tasks.values()) if task.status == "RUNNING"]
    waiting = ("CREATE", "QUEUED")
    pending = [_item(task, n) for n, task in enumerate(tasks.values()) if task.status in waiting]
    return {"queue_running": running, "queue_pending": pending}


def _item(task: Task, number: int) -> list[Any]:
    outputs = task.order.verdict.outputs
    return [number, task.prompt_id, task.graph, {"client_id": task.client_id}, outputs]


def history(state: State, tasks: dict[str, Task]) -> dict[str, Any]:
    """Return the body of ``GET /history``: finished prompts that had started."""
    return {
        prompt_id: _entry(state, task, number)
        for number, (prompt_id, task) in enumerate(tasks.items())
        if task.is_over and task.started is not None
    }


def _entry(state: State, task: Task, number: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"prompt": _item(task, number), "outputs": {}, "meta": {}}
    if task.status != "SUCCESS" and state.native_failure == "empty":
        return {**entry, "status": None}
    for result in task.results:
        shown = entry["outputs"].setdefault(result.node_id, {})
        kind, value = _output(result)
        shown.setdefault(kind, []).append(value)
    is_good = task.status == "SUCCESS"
    entry["status"] = {
        "status_str": "success" if is_good else "error",
        "completed": is_good,
        "messages": [
            _event(task, "execution_start"),
            _event(task, "execution_cached", nodes=[]),
            *_ends(task),
        ],
    }
    return entry


def _output(result: Result) -> tuple[str, Any]:
    if result.file is None:
        return "text", result.text
    kind = {"flac": "audio", "mp3": "audio", "wav": "audio"}.get(result.extension, "images")
    folder, _, name = result.file.name.rpartition("/")
    place = "temp" if result.temporary else "output"
    return kind, {"filename": name, "subfolder": folder, "type": place}


def _event(task: Task, kind: str, **more: Any) -> list[Any]:
    return [kind, {"prompt_id": task.prompt_id, "timestamp": int(time.time() * 1000), **more}]


def _ends(task: Task) -> Iterator[list[Any]]:
    if task.status == "CANCEL":
        current = task.progress.current or ""
        kind = task.graph.get(current, {}).get("class_type", "")
        done = [*task.progress.done]
        yield _event(task, "execution_interrupted", node_id=current, node_type=kind, executed=done)
        return
    reason = task.failed_reason
    if reason is None:
        yield _event(task, "execution_success")
        return
    yield _event(
        task,
        "execution_error",
        node_id=reason.get("node_id", ""),
        node_type=reason.get("node_name", ""),
        executed=[*task.progress.done],
        exception_message=reason.get("exception_message", ""),
        exception_type=reason.get("exception_type", ""),
        traceback=json.loads(reason.get("traceback", "[]")),
        current_inputs={},
        current_outputs=[],
    )


def refusal(verdict_error: object, node_errors: object) -> dict[str, Any]:
    """Return ComfyUI's own body for a graph that cannot run, sent with HTTP 400."""
    return {"error": verdict_error, "node_errors": node_errors}


def object_info(state: State) -> dict[str, Any]:
    """Return the body of ``GET /object_info`` for the emulator's node classes."""
    return {name: _class_info(state, name) for name in NODE_CLASSES}


def _class_info(state: State, name: str) -> dict[str, Any]:
    node_class = NODE_CLASSES[name]
    inputs: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
    for field_name, spec in node_class.inputs.items():
        part = inputs["optional" if spec.optional else "required"]
        part[field_name] = _spec(state, spec)
    return {
        "input": inputs,
        "input_order": {part: list(inputs[part]) for part in inputs},
        "output": list(node_class.outputs),
        "output_is_list": [False for _ in node_class.outputs],
        "output_name": list(node_class.outputs),
        "name": name,
        "display_name": name,
        "description": "",
        "python_module": "nodes",
        "category": "emulator",
        "output_node": node_class.is_output,
    }


def _spec(state: State, spec: Field) -> list[Any]:
    if spec.kind != "COMBO":
        ends = {"min": spec.low, "max": spec.high}
        return [spec.kind, {name: end for name, end in ends.items() if end is not None}]
    if spec.options:
        return [list(spec.options), {}]
    return [state.listed(spec.listing), {}]
