"""The emulator's own paths, by which another process turns knobs and reads counters."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from .faults import Fault
from .knobs import Knobs
from .strict import read_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .accounts import Account
    from .world import Emulator


async def state(emulator: Emulator, _request: web.Request) -> web.Response:
    """``GET /emulator/state``: knobs, counters, accounts, what is there, tasks, faults."""
    tasks = {
        task.id: {
            "status": task.status,
            "workflow_id": task.workflow_id,
            "node_info": task.node_info,
            "results": [one.file.path for one in task.results if one.file],
        }
        for task in emulator.tasks.values()
    }
    return web.json_response(
        {
            "knobs": {one.name: getattr(emulator, one.name) for one in fields(Knobs)},
            "counters": emulator.counters.plain(),
            "accounts": {key: _plain(account) for key, account in emulator.accounts.items()},
            "workflows": {one.id: one.title for one in emulator.workflows.values()},
            "apps": {one.id: one.name for one in emulator.apps.values()},
            "tasks": tasks,
            "faults": [_plain(fault) for fault in emulator.faults],
        }
    )


def _plain(what: Account | Fault) -> dict[str, Any]:
    """Attributes as JSON can say them."""
    values = {one.name: getattr(what, one.name) for one in fields(what)}
    simple = (str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, simple) else str(value) for name, value in values.items()
    }


async def knobs(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /emulator/knobs``: attributes by name; ``account`` holds the default key's ones."""
    body = await read_json(request)
    account = cast("dict[str, Any]", body.pop("account", {}))
    try:
        emulator.turn(body, account)
    except (AttributeError, TypeError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({})


async def faults(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /emulator/faults``: one fault, as its attributes."""
    body = await read_json(request)
    try:
        emulator.faults.append(Fault(**body))
    except (TypeError, ValueError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({})


async def reset(emulator: Emulator, _request: web.Request) -> web.Response:
    """``POST /emulator/reset``: as newly started, on the same port."""
    await emulator.reset()
    return web.json_response({})


async def workflows(emulator: Emulator, request: web.Request) -> web.Response:
    """``POST /emulator/workflows``: ``graph`` and the other arguments of ``add_workflow``."""
    body = await read_json(request)
    try:
        workflow_id = emulator.add_workflow(body.pop("graph"), **body)
    except (KeyError, TypeError) as problem:
        return web.json_response({"error": str(problem)}, status=400)
    return web.json_response({"workflow_id": workflow_id})


ROUTES: tuple[
    tuple[str, str, Callable[[Emulator, web.Request], Awaitable[web.StreamResponse]]], ...
] = (
    ("GET", "/emulator/state", state),
    ("POST", "/emulator/knobs", knobs),
    ("POST", "/emulator/faults", faults),
    ("POST", "/emulator/reset", reset),
    ("POST", "/emulator/workflows", workflows),
)
