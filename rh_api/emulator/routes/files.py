"""Handlers for files: uploads, the presigned PUT, downloads with range requests."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader, web

from ..codes import Refused
from ..faults import READ_RATE, SERVED_PART
from ..object_store import KINDS_BY_EXTENSION, Lora, Stored
from ..validation import requests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..state import State

BLOCK = 64 * 1024

OLD_KINDS = ("input", "image", "audio", "video")
"""``fileType`` of the older upload: the documentation says input, clients send the others too."""


async def paced(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the blocks, throttled to READ_RATE if a fault sets it."""
    rate = READ_RATE.get()
    async for block in blocks:
        # In steps of 0.1 s: a body may arrive as one block.
        step = max(1, int(rate / 10) if rate else len(block))
        for start in range(0, len(block), step):
            piece = block[start : start + step]
            if rate:
                await asyncio.sleep(len(piece) / rate)
            yield piece


async def _part_blocks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while block := await part.read_chunk(BLOCK):
        yield block


class _Form:
    """A multipart upload: text fields, and one file, kept up to a size limit."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file = bytearray()
        self.file_name = ""
        self.has_file = False
        self.too_large = False


async def _read_form(state: State, request: web.Request, limit: int) -> _Form:
    if not request.content_type.startswith("multipart/"):
        raise Refused(301)
    form = _Form()
    reader = await request.multipart()
    while part := await reader.next():
        if not isinstance(part, BodyPartReader):
            raise Refused(301)
        if part.name != "file":
            form.fields[part.name or ""] = (await part.read(decode=True)).decode()
            continue
        form.has_file, form.file_name = True, part.filename or ""
        async for block in paced(_part_blocks(part)):
            state.counters.upload_bytes += len(block)
            form.too_large = form.too_large or len(form.file) + len(block) > limit
            if not form.too_large:
                form.file += block
    state.counters.look_for_keys(state.accounts, "body", request.path, form.fields.values())
    return form


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


async def upload(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/media/upload/binary``."""
    key = requests.bearer(request)
    requests.account_of_key(state, key, 401)
    form = await _read_form(state, request, state.upload_limit)
    if not form.has_file:
        raise Refused(1007)
    if form.too_large:
        raise Refused(1008)
    extension = _extension(form.file_name)
    if extension not in KINDS_BY_EXTENSION:
        raise Refused(1007, f"unsupported file type: {form.file_name}")
    stored = state.store.put_upload(
        bytes(form.file), extension, folder="openapi", ttl=state.upload_ttl
    )
    return web.json_response(_uploaded(state, stored))


def _uploaded(state: State, stored: Stored) -> dict[str, object]:
    """Return the reply in one of three variants: the CN page, the EN page, a live log."""
    english = "upload_en" in state.variants
    text = "msg" if "upload_msg" in state.variants else "message"
    return {
        "code": 200 if english else 0,
        text: "success",
        "data": {
            "type": stored.kind,
            "download_url": (state.result_base or state.base_url) + stored.path,
            "filename" if english else "fileName": stored.name,
            "size": str(len(stored.data)),
        },
    }


async def old_upload(state: State, request: web.Request) -> web.Response:
    """``POST /task/openapi/upload``: the key is a form field."""
    form = await _read_form(state, request, state.old_upload_limit)
    requests.account_of_body(state, request, dict(form.fields))
    if not form.has_file or form.fields.get("fileType") not in OLD_KINDS:
        raise Refused(301)
    if form.too_large:
        raise Refused(809)
    extension = _extension(form.file_name)
    if extension not in KINDS_BY_EXTENSION:
        raise Refused(808)
    stored = state.store.put_upload(bytes(form.file), extension, folder="api", ttl=state.upload_ttl)
    data = {"fileName": stored.name, "fileType": form.fields["fileType"]}
    return web.json_response({"code": 0, "msg": "success", "data": data})


async def lora_url(state: State, request: web.Request) -> web.Response:
    """``POST /api/openapi/getLoraUploadUrl``: a presigned URL, none if the LoRA is known."""
    body = await requests.read_json(request)
    requests.account_of_body(state, request, body)
    requests.text_field(body, "loraName")
    md5 = body.get("md5Hex")
    if not isinstance(md5, str) or not md5.strip():
        raise Refused(301, "file MD5 cannot be blank")
    if len(md5) != 32 or set(md5.lower()) - set("0123456789abcdef"):
        raise Refused(301)
    name = f"api-lora-cn/{md5.lower()}.safetensors"
    data = {"fileName": name}
    lora = state.store.loras.get(name)
    if not (lora and lora.is_whole):
        data["url"] = _presigned(state, name)
    return web.json_response({"code": 0, "msg": "success", "data": data})


def _presigned(state: State, name: str) -> str:
    begin = int(time.time()) - 1
    window = f"{begin};{int(time.time() + state.sign_seconds)}"
    return (
        f"{state.lora_base or state.base_url}/{name}?q-sign-algorithm=sha1&q-ak=EMULATED"
        f"&q-sign-time={window}&q-key-time={window}&q-header-list=host&q-url-param-list="
        f"&q-signature={hashlib.sha256((name + window).encode()).hexdigest()[:40]}"
    )


def _xml(status: int, code: str, message: str) -> web.Response:
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


async def put_lora(state: State, request: web.Request) -> web.Response:
    """The presigned PUT, as Tencent COS answers it. The body is hashed and counted, not kept."""
    name = request.path.lstrip("/")
    window = request.query.get("q-sign-time", "")
    if "Authorization" in request.headers:
        return _xml(400, "InvalidRequest", "Only one auth mechanism allowed")
    if request.query_string != _query_of(state, name, window):
        return _xml(403, "SignatureDoesNotMatch", "The Signature you specified is invalid.")
    if time.time() > int(window.partition(";")[2]):
        return _xml(403, "AccessDenied", "Request has expired")
    if request.content_length is None:
        return _xml(411, "MissingContentLength", "You must provide Content-Length")
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    async for block in paced(request.content.iter_any()):
        md5.update(block)
        size += len(block)
        state.counters.put_bytes += len(block)
    if size != request.content_length:
        return _xml(400, "IncompleteBody", "The request body is shorter than Content-Length")
    state.store.loras[name] = Lora(name, size, md5.hexdigest())
    return web.Response(headers={"ETag": f'"{md5.hexdigest()}"'})


def _query_of(state: State, name: str, window: str) -> str:
    signature = hashlib.sha256((name + window).encode()).hexdigest()[:40]
    return (
        f"q-sign-algorithm=sha1&q-ak=EMULATED&q-sign-time={window}&q-key-time={window}"
        f"&q-header-list=host&q-url-param-list=&q-signature={signature}"
    )


async def download(state: State, request: web.Request) -> web.Response:
    """A result or an upload, whole or one range of it (RFC 9110)."""
    stored = state.store.served(request.path)
    if stored is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    return serve_stored(state, request, stored)


def serve_stored(state: State, request: web.Request, stored: Stored) -> web.Response:
    """Return a stored file, whole or the requested range."""
    content = stored.data[: int(len(stored.data) * SERVED_PART.get())]
    size = len(content)
    headers = {"Content-Type": stored.content_type, "ETag": stored.etag}
    if state.ranges:
        headers["Accept-Ranges"] = "bytes"
    same = request.headers.get("If-Range", stored.etag) == stored.etag
    if not (state.ranges and same and "Range" in request.headers):
        state.counters.download_bytes += size
        return web.Response(body=content, headers=headers)
    try:
        start, stop, _ = request.http_range.indices(size)
    except ValueError:
        start = stop = 0
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    state.counters.download_bytes += stop - start
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return web.Response(status=206, body=content[start:stop], headers=headers)
