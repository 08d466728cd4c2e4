"""Our own HTTP routes below /runninghub/: plain values in, plain JSON out, every one guarded.

A module named in MODULES exports `ROUTES`. Its handlers know neither aiohttp nor ComfyUI; what
they need of ComfyUI comes in through `nodes.config` and `nodes.cloud`.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ...rh_api.errors import BadInput, RunningHubError
from .. import language
from . import guard

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger("runninghub")

Body = Mapping[str, Any]
Handler = Callable[[Body], Awaitable[Mapping[str, Any]]]

MODULES = (
    "session",
    "tasks",
    "account",
    "programs",
    "sandbox",
    "explain",
    "report",
)

PREFIX = "/runninghub/"


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path below /runninghub/. A GET changes nothing and gets an empty body.

    `open`: may be called without the token, which only the route that gives it out may.
    """

    method: str
    path: str
    handler: Handler
    open: bool = False


def table() -> tuple[Route, ...]:
    """Every route of every module."""
    modules = (importlib.import_module(f".{name}", __package__) for name in MODULES)
    return tuple(route for module in modules for route in module.ROUTES)


def install(routes: web.RouteTableDef, names: Container[str] = ()) -> None:
    """Add all of them to an aiohttp table; `names`: host names that this server is known under."""
    for route in table():
        routes.route(route.method, route.path)(_served(route, names))


def _served(
    route: Route, names: Container[str]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): request.headers.getall(name) for name in request.headers}
        reason = guard.refusal(request.method, headers, names, needs_token=not route.open)
        if reason is not None:
            return _reply(_told(BadInput(reason, host=request.headers.get("Host", "")[:100])), 403)
        try:
            body = read_body(await request.read()) if route.method != "GET" else {}
            return _reply(await route.handler(body), 200)
        except RunningHubError as error:
            return _reply(_told(error), 400)
        # A bug of ours must not end as a page of aiohttp's that no caller can read.
        except Exception as error:
            from aiohttp import web

            if isinstance(error, web.HTTPException):
                raise  # too large a body
            log.exception("%s failed", route.path)
            return _reply(_told(RunningHubError()), 500)

    return serve


def read_body(data: bytes) -> Body:
    """A request's JSON object; nothing at all is an empty one. BadInput for anything else."""
    if not data.strip():
        return {}
    try:
        read: object = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput("node.route_body") from None
    if not isinstance(read, dict):
        raise BadInput("node.route_body")
    return cast("Body", read)


def text_of(body: Body, name: str, default: str = "") -> str:
    """A text of a request, or its default when it is left out; BadInput for any other value."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


def switch_of(body: Body, name: str) -> bool:
    """A true or false of a request, false when it is left out; BadInput for any other value."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value


# What the page can offer to do about an error, beside showing it.
_HINTS = {
    "error.no_key": "no_key",
    "error.wrong_site": "wrong_site",
    "error.workflow_is_app": "wrong_kind",
    "error.app_is_workflow": "wrong_kind",
    "error.workflow_id_is_app": "wrong_kind",
    "error.app_id_is_workflow": "wrong_kind",
    "error.sandbox_link": "sandbox",
    "error.key_refused": "key",
    "node.no_profile": "no_profile",
}


def _told(error: RunningHubError) -> dict[str, Any]:
    params = {name: value for name, value in error.params.items() if _is_plain(value)}
    return {
        "error": {
            "key": error.key,
            "params": params,
            "message": language.told(error),
            "hint": error.hint or _HINTS.get(error.key, ""),
        }
    }


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _reply(body: Mapping[str, Any], status: int) -> web.Response:
    from aiohttp import web

    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})
