"""Applies a fault to a response: replaces, distorts, truncates, delays or drops it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web

from .codes import Refused, refusal, refusal_body
from .connections import reset, wait_until_left
from .faults import READ_RATE, SERVED_PART, Fault, null_data, wrong_types

Processed = Callable[[], Awaitable[web.StreamResponse]]

DRIP_SECONDS = 0.02


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else b""
    return body if isinstance(body, bytes) else b""


async def faulty_reply(
    request: web.Request, processed: Processed, fault: Fault, body: Any
) -> web.StreamResponse:
    """Return the response with ``fault`` applied; ``body``: the request's JSON.

    ``processed`` handles the request and returns the correct response; not every fault calls it.
    """
    if fault.kind == "delay":
        await asyncio.sleep(float(fault.value or 0))
    elif fault.kind == "slow_read":
        READ_RATE.set(float(fault.value or 1024))
    elif fault.kind == "cut":
        SERVED_PART.set(float(fault.value or 0.5))
    response: web.StreamResponse = web.Response()
    if _is_processed(fault):
        response = await processed()
    if fault.kind == "other_etag":
        response.headers["ETag"] = '"another"'
    if fault.kind in ("delay", "slow_read", "cut", "other_etag"):
        return response
    if fault.kind == "echo_key":
        return _echoed(request.path, str(fault.value or "plain"), _key(request, body))
    if send := _TRANSPORT_FAULTS.get(fault.kind):
        return await send(request, response, fault)
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
        "cut",
        "chunked",
        "endless",
        "other_etag",
        "gzip",
        "unmeasured",
        "quoted",
        "doubled",
    )
    return fault.processed or fault.kind in always or fault.value == "after"


def _task_id(body: Any) -> str:
    return str(cast("dict[str, Any]", body).get("taskId", "")) if isinstance(body, dict) else ""


def _replaced(
    path: str, response: web.StreamResponse, fault: Fault, task_id: str
) -> web.StreamResponse:
    """Apply faults of the content, sent with correct HTTP framing."""
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
        case "gzip_bomb":
            packed = gzip.compress(b" " * (int(fault.value or 64) * 1024 * 1024), compresslevel=1)
            headers = {"Content-Encoding": "gzip"}
            answer = web.Response(body=packed, headers=headers, content_type="application/json")
        case "objects" | "nested":
            answer = web.Response(text=_huge_json(fault), content_type="application/json")
        case _:
            answer = _distorted(response, fault)
    return answer


def _huge_json(fault: Fault) -> str:
    if fault.kind == "nested":
        depth = int(fault.value or 1_000_000)
        return "[" * depth + "]" * depth
    items = "{}" + ",{}" * (int(fault.value or 8_000_000) - 1)
    return f'{{"code": 0, "msg": "success", "data": [{items}]}}'


def _distorted(response: web.StreamResponse, fault: Fault) -> web.Response:
    """Return the correct response with a distorted body."""
    body = _body(response)
    if fault.kind == "half_json":
        cut = body[: int(len(body) * float(fault.value or 0.5))]
        return web.Response(status=response.status, body=cut, content_type="application/json")
    answer = json.loads(body)
    if fault.kind == "quoted":
        return web.json_response(body.decode(), status=response.status)
    if fault.kind == "doubled":
        empty = json.dumps(dict.fromkeys(answer.keys() - {"code", "msg"}))
        text = f"{body.decode()[:-1]}, {empty[1:]}"
        return web.Response(text=text, status=response.status, content_type="application/json")
    answer = wrong_types(answer) if fault.kind == "wrong_types" else null_data(answer)
    return web.json_response(answer, status=response.status)


async def _started(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Start a response with the same head, whose body the caller writes."""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.headers["Content-Length"] = str(len(_body(response)))
    await stream.prepare(request)
    return stream


async def _reset(
    request: web.Request, response: web.StreamResponse, _fault: Fault
) -> web.StreamResponse:
    reset(request)
    return response


async def _hung(
    request: web.Request, response: web.StreamResponse, _fault: Fault
) -> web.StreamResponse:
    await wait_until_left(request)
    return response


async def _truncated(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    part = float(fault.value or 0.5)
    body = _body(response)
    stream = await _started(request, response)
    await stream.write(body[: int(len(body) * part)])
    if request.transport is not None:
        request.transport.close()
    return stream


async def _dripped(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    rate = float(fault.value or 100)
    body = _body(response)
    stream = await _started(request, response)
    step = max(1, int(rate * DRIP_SECONDS))
    try:
        for start in range(0, len(body), step):
            await stream.write(body[start : start + step])
            await asyncio.sleep(step / rate)
        await stream.write_eof()
    except ConnectionError:
        reset(request)
    return stream


async def _chunked(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    body = _body(response)
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.headers.pop("Content-Length", None)
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    try:
        await stream.write(body)
        while fault.kind == "endless":
            await stream.write(body or b" ")
        await stream.write_eof()
    except ConnectionError:
        reset(request)
    return stream


async def _packed(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    headers = {"Content-Type": response.content_type, "Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(_body(response)), headers=headers)


async def _unmeasured(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    if request.transport is not None:
        head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: {response.content_type}\r\n\r\n"
        request.transport.write(head.encode() + _body(response))
        request.transport.close()
    return response


_TRANSPORT_FAULTS: dict[
    str, Callable[[web.Request, web.StreamResponse, Fault], Awaitable[web.StreamResponse]]
] = {
    "reset": _reset,
    "lost_reply": _reset,
    "hang": _hung,
    "truncated": _truncated,
    "drip": _dripped,
    "chunked": _chunked,
    "endless": _chunked,
    "gzip": _packed,
    "unmeasured": _unmeasured,
}
"""Transport faults: the response is correct, its transmission is not."""


def _key(request: web.Request, body: Any) -> str:
    """Return the key that the request carries, wherever that is."""
    body = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    if "key" in request.match_info:
        return request.match_info["key"]
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return str(body.get("apiKey") or body.get("apikey") or bearer or request.query.get("apiKey"))


def _echoed(path: str, way: str, key: str) -> web.Response:
    """Return a refusal that repeats the key, encoded by ``way`` so that a plain search fails."""
    if way == "location":
        return web.Response(status=302, headers={"Location": f"/login?apiKey={key}"})
    mark = "KEY-STANDS-HERE"
    code = 1007 if path.startswith("/openapi/v2/") else 301
    refused = Refused(code, f"wrong parameter: {mark}")
    text = json.dumps(refusal_body(path, refused), ensure_ascii=False)
    written = {
        "plain": key,
        "json": "".join(f"\\u{ord(char):04x}" for char in key),
        "percent": "".join(f"%{ord(char):02X}" for char in key),
        "base64": base64.b64encode(f"Bearer {key}".encode()).decode(),
        "utf16": key,
    }[way]
    echo = text.replace(mark, written)
    if way == "utf16":
        return web.Response(
            body=echo.encode("utf-16"), content_type="application/json", charset="utf-16"
        )
    return web.Response(text=echo, content_type="application/json")
