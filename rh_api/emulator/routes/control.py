"""The emulator's control paths: other processes set knobs and read counters."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from ..faults import Fault
from ..knobs import Knobs
from ..tasks import lifecycle
from ..validation.requests import read_json

if TYPE_CHECKING:
    from ..accounts import Account
    from ..state import State


async def show(state: State, _request: web.Request) -> web.Response:
    """``GET /emulator/state``: knobs, counters, accounts, content, tasks, faults."""
    tasks = {
        task.id: {
            "status": task.status,
            "workflow_id": task.workflow_id,
            "node_info": task.node_info,
            "results": [result.file.path for result in task.results if result.file],
        }
        for task in state.tasks.values()
    }
    return web.json_response(
        {
            "knobs": {knob.name: getattr(state, knob.name) for knob in fields(Knobs)},
            "counters": state.counters.plain(),
            "accounts": {key: _plain(account) for key, account in state.accounts.items()},
            "workflows": {workflow.id: workflow.title for workflow in state.workflows.values()},
            "apps": {app.id: app.name for app in state.apps.values()},
            "tasks": tasks,
            "faults": [_plain(fault) for fault in state.faults],
        }
    )


def _plain(record: Account | Fault) -> dict[str, Any]:
    """Return the attributes as JSON values."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    simple = (str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, simple) else str(value) for name, value in values.items()
    }


async def knobs(state: State, request: web.Request) -> web.Response:
    """``POST /emulator/knobs``: attributes by name; ``account``: those of the default account."""
    body = await read_json(request)
    account = cast("dict[str, Any]", body.pop("account", {}))
    try:
        state.turn(body, account)
    except (AttributeError, TypeError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({})


async def faults(state: State, request: web.Request) -> web.Response:
    """``POST /emulator/faults``: one fault, by its attributes."""
    body = await read_json(request)
    try:
        state.faults.append(Fault(**body))
    except (TypeError, ValueError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({})


async def reset(state: State, _request: web.Request) -> web.Response:
    """``POST /emulator/reset``: restore the initial state, on the same port."""
    await lifecycle.reset(state)
    return web.json_response({})


async def workflows(state: State, request: web.Request) -> web.Response:
    """``POST /emulator/workflows``: ``graph`` and the other arguments of ``add_workflow``."""
    body = await read_json(request)
    try:
        workflow_id = state.add_workflow(body.pop("graph"), **body)
    except (KeyError, TypeError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({"workflow_id": workflow_id})


async def models(state: State, request: web.Request) -> web.Response:
    """``POST /emulator/models``: ``add`` or ``change`` (a model's attributes), or ``remove``."""
    body = await read_json(request)
    try:
        for name, argument in body.items():
            match name:
                case "add":
                    state.add_model(**argument)
                case "change":
                    state.change_model(**argument)
                case "remove":
                    state.remove_model(argument)
                case _:
                    raise TypeError(f"{name!r} is nothing that can be done")
    except (KeyError, TypeError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({})
