"""The HTTP server: one middleware that counts, delays and injects faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from .codes import Refused, refusal
from .connections import reset
from .counters import Entry
from .faults import READ_RATE, SERVED_PART, pick
from .faulty_replies import faulty_reply
from .native import shown_path
from .routes.table import CONTROL_ROUTES, ROUTES, Handler

if TYPE_CHECKING:
    from .connections import Connections
    from .state import State

Inner = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(state: State, connections: Connections) -> web.Application:
    """Return the service as an aiohttp application; ``connections`` tracks idle ones."""

    @web.middleware
    async def middleware(request: web.Request, handler: Inner) -> web.StreamResponse:
        if _is_cross_origin(request):
            return web.json_response({"code": 403, "msg": "a page of another site"}, status=403)
        try:
            return await serve(request, handler)
        except ConnectionError:
            if request.transport is not None:
                raise
            return web.Response()  # the client broke off: nobody reads it

    async def serve(request: web.Request, handler: Inner) -> web.StreamResponse:
        if request.path.startswith("/emulator/"):
            return await handler(request)
        if connections.is_stale(request.transport):
            reset(request)
            return web.Response()
        connections.busy(request.transport)
        try:
            return await _answer(state, request, handler)
        finally:
            connections.idle(request.transport)

    app = web.Application(middlewares=[middleware], client_max_size=64 * 1024 * 1024)
    for method, path, handler in ROUTES + CONTROL_ROUTES:
        app.router.add_route(method, path, _bound(state, handler))
    return app


def _is_cross_origin(request: web.Request) -> bool:
    """CSRF check: whether a page of another origin sends this, as our keys are public. A page's own
    domain may resolve to us (DNS rebinding), so only an IP address or localhost counts as ours."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    return origin is not None and (
        urlsplit(origin).netloc != request.host or not _is_local(request.url.host or "")
    )


def _is_local(name: str) -> bool:
    """Whether a host name is an IP address or localhost, which no DNS server can rebind."""
    return name == "localhost" or ":" in name or name.replace(".", "").isdecimal()


def _bound(state: State, handler: Handler) -> Inner:
    async def run(request: web.Request) -> web.StreamResponse:
        return await handler(state, request)

    return run


async def _answer(state: State, request: web.Request, handler: Inner) -> web.StreamResponse:
    async def processed() -> web.StreamResponse:
        return await _processed(request, handler)

    fault = pick(state.faults, request.method, shown_path(request.path))
    if state.latency > 0:
        await asyncio.sleep(state.latency)
    body = await _record(state, request)
    SERVED_PART.set(1.0)
    READ_RATE.set(None)  # a kept-alive connection's requests share one context
    response = await (faulty_reply(request, processed, fault, body) if fault else processed())
    # Sent here, not by aiohttp after us, so that "idle" begins when the last byte is out. A client
    # that has disconnected meanwhile is not an error.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write_eof()
    return response


async def _record(state: State, request: web.Request) -> Any:
    """Count and record a request, and look for keys in it; returns its JSON body."""
    path = shown_path(request.path)
    state.counters.requests[path] += 1
    body: Any = None
    if request.content_type == "application/json" and request.can_read_body:
        with contextlib.suppress(ValueError, ConnectionError):
            body = json.loads(await request.read())
    headers = dict(request.headers)
    state.journal.append(
        Entry(request.method, path, request.query_string, headers, body, request.content_length)
    )
    look = state.counters.look_for_keys
    look(state.accounts, "header", path, headers.values())
    look(state.accounts, "query", path, request.query.values())
    look(state.accounts, "url", path, [request.path])
    if body is not None:
        look(state.accounts, "body", path, [json.dumps(body)])
    return body


async def _processed(request: web.Request, handler: Inner) -> web.StreamResponse:
    """Return the handler's response; refusals and unknown paths in the envelope of the path."""
    try:
        return await handler(request)
    except Refused as refused:
        return refusal(request.path, refused)
    except web.HTTPMethodNotAllowed:
        return refusal(request.path, Refused(1009), status=405)
    except web.HTTPNotFound:
        return refusal(request.path, Refused(404), status=404)
