"""The HTTP side: the table of routes, and one middleware that counts, delays and breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from . import control, routes_account, routes_files, routes_tasks, sockets
from .codes import Refused, refusal, refusal_body
from .connection import reset, wait_until_left
from .faults import Fault, null_data, pick, wrong_types
from .routes_files import READ_RATE

if TYPE_CHECKING:
    from .world import Emulator

Handler = Callable[["Emulator", web.Request], Awaitable[web.StreamResponse]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/task/openapi/create", routes_tasks.create),
    ("POST", "/task/openapi/cancel", routes_tasks.cancel),
    ("POST", "/task/openapi/status", routes_tasks.status),
    ("POST", "/task/openapi/outputs", routes_tasks.outputs),
    ("POST", "/task/openapi/ai-app/run", routes_tasks.run_app),
    ("POST", "/task/openapi/getWebhookDetail", routes_tasks.webhook_detail),
    ("POST", "/task/openapi/retryWebhook", routes_tasks.webhook_retry),
    ("POST", "/task/openapi/upload", routes_files.old_upload),
    ("POST", "/api/openapi/getJsonApiFormat", routes_tasks.workflow_json),
    ("POST", "/api/openapi/getLoraUploadUrl", routes_files.lora_url),
    ("GET", "/api/webapp/apiCallDemo", routes_tasks.call_demo),
    ("POST", "/uc/openapi/accountStatus", routes_account.account_status),
    ("POST", "/openapi/v2/query", routes_tasks.query),
    ("POST", "/openapi/v2/media/upload/binary", routes_files.upload),
    ("POST", "/openapi/v2/run/{kind:workflow|ai-app}/{id}", routes_tasks.run_v2),
    ("GET", "/openapi/v2/queue/status", routes_account.queue_status),
    ("GET", "/openapi/v2/api-key/list", routes_account.api_key_list),
    ("POST", "/openapi/v2/resource/list", routes_account.resource_list),
    ("POST", "/openapi/v2/price-preview/{model:.+}", routes_account.price_preview),
    ("POST", "/openapi/v2/{model:.+}", routes_account.run_model),
    *(
        ("POST", path, routes_account.user_token_only)
        for path in (
            "/uc/pwdLogin",
            "/uc/getUserInfo",
            "/uc/apiKey/get",
            "/api/workflow/copy",
            "/api/webapp/detail",
            "/api/webapp/list",
            "/api/portal/template/list",
            "/api/instance/access/auth",
            "/api/output/v2/history",
            "/api/openapi/my/call/log/detail",
        )
    ),
    ("PUT", "/api-lora-cn/{name}", routes_files.put_lora),
    ("GET", "/results/{path:.+}", routes_files.download),
    ("GET", "/input/{path:.+}", routes_files.download),
    ("GET", "/ws/c_instance", sockets.follow),
)

DRIP_SECONDS = 0.02


def application(emulator: Emulator) -> web.Application:
    """The emulator as an aiohttp application."""

    @web.middleware
    async def around(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path.startswith("/emulator/"):
            return await handler(request)
        return await _answer(emulator, request, handler)

    app = web.Application(middlewares=[around], client_max_size=64 * 1024 * 1024)
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, _bound(emulator, handler))
    for method, path, handler in control.ROUTES:
        app.router.add_route(method, path, _bound(emulator, handler))
    return app


def _bound(
    emulator: Emulator, handler: Handler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def run(request: web.Request) -> web.StreamResponse:
        return await handler(emulator, request)

    return run


Inner = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _answer(emulator: Emulator, request: web.Request, handler: Inner) -> web.StreamResponse:
    transport = request.transport
    emulator.connections.busy(transport)
    try:
        fault = pick(emulator.faults, request.method, request.path)
        if emulator.latency > 0:
            await asyncio.sleep(emulator.latency)
        body = await emulator.see(request)
        READ_RATE.set(None)
        if fault:
            response = await _faulty(request, handler, fault, body)
        else:
            response = await _processed(request, handler)
        # Sent here, not by aiohttp after us, so that "idle" begins when the last byte is out.
        # A client that has left in the meantime, or was thrown out, is no error of ours.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write_eof()
        return response
    finally:
        emulator.connections.idle(transport)


async def _processed(request: web.Request, handler: Inner) -> web.StreamResponse:
    """The handler's answer; what it refuses or does not know in the envelope of its path."""
    try:
        return await handler(request)
    except Refused as refused:
        return refusal(request.path, refused)
    except web.HTTPMethodNotAllowed:
        return refusal(request.path, Refused(1009), status=405)
    except web.HTTPNotFound:
        return refusal(request.path, Refused(404), status=404)


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else b""
    return body if isinstance(body, bytes) else b""


async def _faulty(
    request: web.Request, handler: Inner, fault: Fault, body: Any
) -> web.StreamResponse:
    """The answer that ``fault`` makes of this request, whose JSON is ``body``."""
    if fault.kind == "delay":
        await asyncio.sleep(float(fault.value or 0))
    elif fault.kind == "slow_read":
        READ_RATE.set(float(fault.value or 1024))
    response: web.StreamResponse = web.Response()
    if _is_processed(fault):
        response = await _processed(request, handler)
    match fault.kind:
        case "delay" | "slow_read":
            return response
        case "reset" | "lost_reply":
            reset(request)
            return response
        case "hang":
            await wait_until_left(request)
            return response
        case "truncated":
            return await _truncated(request, response, float(fault.value or 0.5))
        case "drip":
            return await _dripped(request, response, float(fault.value or 100))
        case _:
            return _replaced(request.path, response, fault, _task_id(body))


def _is_processed(fault: Fault) -> bool:
    always = (
        "half_json",
        "truncated",
        "wrong_types",
        "null_data",
        "lost_reply",
        "drip",
        "slow_read",
        "delay",
    )
    return fault.processed or fault.kind in always or fault.value == "after"


def _task_id(body: Any) -> str:
    return str(cast("dict[str, Any]", body).get("taskId", "")) if isinstance(body, dict) else ""


def _replaced(
    path: str, response: web.StreamResponse, fault: Fault, task_id: str
) -> web.StreamResponse:
    """Faults that change what is said and send it honestly."""
    match fault.kind:
        case "code":
            refused = Refused(int(fault.value), fault.text, task_id=task_id)
            answer = refusal(path, refused)
        case "status":
            refused = Refused(500, fault.text, task_id=task_id)
            answer = refusal(path, refused, status=int(fault.value or 500))
        case "html":
            status = int(fault.value or 502)
            text = f"<html><body><h1>{status} Bad Gateway</h1></body></html>"
            answer = web.Response(status=status, text=text, content_type="text/html")
        case "redirect":
            headers = {"Location": str(fault.value)}
            answer = web.Response(status=fault.status or 302, headers=headers)
        case "retry_after":
            limited = refusal_body(path, Refused(1003, task_id=task_id))
            headers = {"Retry-After": str(fault.value)}
            answer = web.json_response(limited, status=429, headers=headers)
        case "empty":
            answer = web.Response(status=fault.status or 200)
        case "body":
            value = fault.value.encode() if isinstance(fault.value, str) else fault.value
            status = fault.status or 200
            answer = web.Response(status=status, body=value, content_type=fault.content_type)
        case _:
            answer = _distorted(response, fault)
    return answer


def _distorted(response: web.StreamResponse, fault: Fault) -> web.Response:
    """The right answer, said wrongly."""
    body = _body(response)
    if fault.kind == "half_json":
        cut = body[: int(len(body) * float(fault.value or 0.5))]
        return web.Response(status=response.status, body=cut, content_type="application/json")
    said = json.loads(body)
    said = wrong_types(said) if fault.kind == "wrong_types" else null_data(said)
    return web.json_response(said, status=response.status)


async def _begun(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The same head, to be filled by hand."""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.headers["Content-Length"] = str(len(_body(response)))
    await stream.prepare(request)
    return stream


async def _truncated(
    request: web.Request, response: web.StreamResponse, part: float
) -> web.StreamResponse:
    body = _body(response)
    stream = await _begun(request, response)
    await stream.write(body[: int(len(body) * part)])
    if request.transport is not None:
        request.transport.close()
    return stream


async def _dripped(
    request: web.Request, response: web.StreamResponse, rate: float
) -> web.StreamResponse:
    body = _body(response)
    stream = await _begun(request, response)
    step = max(1, int(rate * DRIP_SECONDS))
    try:
        for start in range(0, len(body), step):
            await stream.write(body[start : start + step])
            await asyncio.sleep(step / rate)
        await stream.write_eof()
    except ConnectionError:
        reset(request)
    return stream
