"""Our HTTP endpoints: request parsing, the guard, dispatch and error envelopes.

`table.py` lists them. Handlers map a JSON body to a JSON object and import neither aiohttp nor
ComfyUI: what they need of it comes in through `nodes/runtime/`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from ...rh_api.errors import BadInput, RunningHubError
from .. import language
from . import guard
from .body import FileAnswer, read_body, read_query
from .table import ROUTES, Route

log = logging.getLogger("runninghub")


def install(routes: web.RouteTableDef, names: Container[str] = ()) -> None:
    """Add all routes to an aiohttp table; `names`: host names, lower-case, that this server has."""
    for route in ROUTES:
        routes.route(route.method, route.path)(_as_handler(route, names))


def _as_handler(
    route: Route, names: Container[str]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): request.headers.getall(name) for name in request.headers}
        reason = guard.refusal(request.method, headers, names, needs_token=not route.open)
        if reason is not None:
            host = request.headers.get("Host", "")[:100]
            return _reply(_as_json(BadInput(reason, host=host)), 403)
        try:
            data = await request.read()
        except OSError:
            return web.Response(status=400)  # the client broke off: nobody reads it
        try:
            body = read_query(request.query) if route.method == "GET" else read_body(data)
            answer = await route.load()(body)
            return _file(answer) if isinstance(answer, FileAnswer) else _reply(answer, 200)
        except RunningHubError as error:
            return _reply(_as_json(error), 400)
        # Unexpected errors get the JSON envelope too, not aiohttp's HTML page.
        except Exception:
            log.exception("%s failed", route.path)
            return _reply(_as_json(RunningHubError()), 500)

    return serve


# Error key -> the remedy that the page offers.
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


def _as_json(error: RunningHubError) -> dict[str, Any]:
    params = {name: value for name, value in error.params.items() if _is_plain(value)}
    return {
        "error": {
            "key": error.key,
            "params": params,
            "message": language.describe(error),
            "hint": error.hint or _HINTS.get(error.key, ""),
        }
    }


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _reply(body: Mapping[str, Any], status: int) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})


def _file(answer: FileAnswer) -> web.FileResponse:
    """Return a file response that no other origin can embed and in which no script runs."""
    how = "inline" if answer.mime else "attachment"
    headers = {
        "Content-Type": answer.mime or "application/octet-stream",
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(answer.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    return web.FileResponse(answer.path, headers=headers)
