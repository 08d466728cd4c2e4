"""The questions that cost nothing and start nothing: one function each.

A function asks, and returns a finding for each of its rows. What it raises becomes "not told".
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import BadReply, HostRefused, RunningHubError
from ..models.body import compose
from ..models.prices import preview_body
from ..models.schema import Model
from ..run.ports import Bulk, Meter
from ..wire import accounts, apps, models, native, resources, tasks, uploads, webhooks, workflows
from ..wire.call import MIB, Call, Response
from ..wire.envelope import read_int, read_json, read_object
from ..wire.resources import ResourceKind
from .exchanges import Recorder, code_of, is_refusal
from .findings import Finding, Verdict

T = TypeVar("T")

NO_TASK = "1000000000000000001"  # of the form of an id, and older than the service
NO_MODEL = "no-such-maker/no-such-model"
NO_MODELS = 1014  # the key is no enterprise shared one
TEXT_MODEL = "alibaba/qwen-image-3.0/text-to-image"
PICTURE_MODEL = "alibaba/qwen-image-3.0/image-edit"
A_PROMPT = "A red bicycle leans against a white wall in the morning sun."
NO_PICTURE = "https://www.example.com/placeholder.png"
MOST_DIFFERENCE = 300.0  # seconds between the two clocks
FIRST_BYTES = 4096
SOCKET_SECONDS = 1.5
OLDER, NEWER = 30_000_000, 30 * MIB  # limits of the older and of the newer upload, as assumed
OTHER_NEWER = 20 * MIB  # the other reading


@dataclass(frozen=True, slots=True)
class Asked:
    """What the questions need. `workflow`, `app`: ids, "" for none; `model`: the one to
    price, None for any; `upload_mb`: 0 for none."""

    recorder: Recorder
    bulk: Bulk
    workflow: str = ""
    app: str = ""
    model: Model | None = None
    password: str = ""
    upload_mb: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A function and the findings that it returns, by id."""

    ids: tuple[str, ...]
    ask: Callable[[Asked], Awaitable[list[Finding]]]


async def _read(asked: Asked, name: str, call: Call[T]) -> T:
    return call.read(await asked.recorder.ask(name, call))


def _told(row: str, is_assumed: bool, seen: str, **params: object) -> list[Finding]:
    verdict = Verdict.AS_ASSUMED if is_assumed else Verdict.OTHER
    return [Finding(row, verdict, seen, params)]


def _code(row: str, is_assumed: bool, code: int) -> list[Finding]:
    if not code:
        return _told(row, is_assumed, "doctor.seen_accepted")
    return _told(row, is_assumed, "doctor.seen_refused", code=code)


async def account(asked: Asked) -> list[Finding]:
    """Whether the key is accepted, and how far the clocks are apart."""
    call = accounts.account_status()
    response = await asked.recorder.ask("key", call)
    about = call.read(response)
    exchange = asked.recorder.exchanges[-1]
    findings = _told("key", True, "doctor.seen_account", kind=about.kind or "?")
    if response.at is None:
        return [*findings, Finding("clock", Verdict.NOT_TOLD, "doctor.seen_no_date")]
    # The header's second is cut off.
    difference = response.at + 0.5 - (time.time() - exchange.seconds / 2)
    return [
        *findings,
        *_told(
            "clock",
            abs(difference) < MOST_DIFFERENCE,
            "doctor.seen_clock",
            difference=round(difference),
            trip=round(exchange.seconds * 1000),
        ),
    ]


async def queue(asked: Asked) -> list[Finding]:
    """How many tasks may run at once."""
    about = await _read(asked, "queue", accounts.queue_status())
    limit = "?" if about.limit is None else about.limit
    seen = {"limit": limit, "running": about.running, "queued": about.queued}
    return _told("queue", about.limit is not None, "doctor.seen_queue", **seen)


async def unknown_task(asked: Asked) -> list[Finding]:
    """How each path answers for a task that does not exist."""
    calls: dict[str, Call[Any]] = {
        "query": tasks.query(NO_TASK),
        "status": tasks.status(NO_TASK),
        "outputs": tasks.outputs(NO_TASK),
        "cancel": tasks.cancel(NO_TASK),
        "webhook": webhooks.webhook_detail(NO_TASK),
    }
    asking = [asked.recorder.ask("unknown-task", call) for call in calls.values()]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    codes = {
        name: code_of(answer)
        for name, answer in zip(calls, answers, strict=True)
        if isinstance(answer, Response)
    }
    expected = {"query": 1004, "status": 807, "outputs": 807, "cancel": 807, "webhook": 1}
    seen = ", ".join(f"{name} {code}" for name, code in codes.items())
    return _told("unknown-task", codes == expected, "doctor.seen_codes", codes=seen)


async def price(asked: Asked) -> list[Finding]:
    """What an order of a model would cost."""
    endpoint = TEXT_MODEL
    body: dict[str, object] = {"prompt": A_PROMPT}
    if asked.model is not None:
        endpoint = asked.model.endpoint
        body = preview_body(asked.model, compose(asked.model, {}).body)
    call = models.price_preview(endpoint, body)
    answer = await asked.recorder.ask("price", call)
    if code := _model_code(answer):
        return [_price_refused("price", code)]
    told = call.read(answer)
    seen = {"amount": told.amount or told.text or "?", "currency": told.currency}
    return _told("price", True, "doctor.seen_price", **seen)


async def preview_fillers(asked: Asked) -> list[Finding]:
    """Whether an address without a file is priced."""
    body = {"prompt": A_PROMPT, "imageUrls": [NO_PICTURE]}
    call = models.price_preview(PICTURE_MODEL, body)
    code = code_of(await asked.recorder.ask("preview-fillers", call))
    if code == NO_MODELS:
        return [_price_refused("preview-fillers", code)]
    return _code("preview-fillers", bool(code), code)


def _price_refused(row: str, code: int) -> Finding:
    seen = "doctor.seen_no_models" if code == NO_MODELS else "doctor.seen_refused"
    return Finding(row, Verdict.NOT_TOLD, seen, {"code": code})


async def unknown_model(asked: Asked) -> list[Finding]:
    """How a model is refused that does not exist."""
    call = models.price_preview(NO_MODEL, {"prompt": A_PROMPT})
    code = _model_code(await asked.recorder.ask("unknown-model", call))
    return _code("unknown-model", code == 412, code)


def _model_code(response: Response) -> int:
    """As `code_of`. 412 is also a refused key's, which `account` tells apart."""
    reply = read_object(read_json(response.body))
    code = read_int(reply.get("errorCode")) or read_int(reply.get("code"))
    if code == 412:
        return code
    return response.status if response.status == 404 else code_of(response)


async def small_uploads(asked: Asked) -> list[Finding]:
    """Whether a picture goes up by both routes, and comes down again."""
    picture, name = _picture(), "picture.png"
    newer, older = await asyncio.gather(
        _uploaded(asked, "upload", uploads.UPLOAD_PATH, picture, name),
        _uploaded(asked, "older-upload", uploads.OLD_UPLOAD_PATH, picture, name),
    )
    findings = [newer[0], older[0]]
    if not newer[1]:
        return [*findings, Finding("fetch", Verdict.NOT_TOLD, "doctor.seen_no_address")]
    return [*findings, *await _fetched(asked, newer[1], picture)]


async def _uploaded(
    asked: Asked, row: str, path: str, body: bytes, name: str
) -> tuple[Finding, str]:
    """Return the finding, and the upload's address ("" for none)."""
    fields = {} if path == uploads.UPLOAD_PATH else {"fileType": "input"}
    try:
        answer = await asked.recorder.upload(row, path, body, name, "image/png", fields)
        uploaded = uploads.read_upload(answer)
    except RunningHubError as error:
        if is_refusal(error):
            return _code(row, False, error.code or 0)[0], ""
        return Finding(row, Verdict.NOT_TOLD, error), ""
    return _told(row, True, "doctor.seen_accepted")[0], uploaded.url


async def _fetched(asked: Asked, url: str, picture: bytes) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetched = await asked.bulk.download(url, Path(folder) / "doctor", Meter())
            content = await asyncio.to_thread(fetched.path.read_bytes)
        except HostRefused as error:
            return [Finding("fetch", Verdict.OTHER, error)]
        except RunningHubError as error:
            return [Finding("fetch", Verdict.NOT_TOLD, error)]
    is_same = content == picture
    return _told("fetch", is_same, "doctor.seen_fetched" if is_same else "doctor.seen_changed")


async def large_uploads(asked: Asked) -> list[Finding]:
    """Whether a file of the wanted size goes up by each route."""
    size = asked.upload_mb * MIB
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "silence.wav"
        await asyncio.to_thread(_write_sound, file, size)
        newer = await _large(asked, "upload-limit", uploads.UPLOAD_PATH, file)
        older = await _large(asked, "older-upload-limit", uploads.OLD_UPLOAD_PATH, file)
    return [newer, older]


_TOO_LARGE = frozenset({809, 1008, 413})


async def _large(asked: Asked, row: str, path: str, file: Path) -> Finding:
    fields = {} if path == uploads.UPLOAD_PATH else {"fileType": "input"}
    size = asked.upload_mb * MIB
    try:
        answer = await asked.recorder.upload(row, path, file, file.name, "audio/wav", fields)
        code = 413 if answer.status == 413 else code_of(answer)
    except RunningHubError as error:
        return Finding(row, Verdict.NOT_TOLD, error)
    if code and code not in _TOO_LARGE:
        return Finding(row, Verdict.NOT_TOLD, "doctor.seen_refused", {"code": code})
    limit, other = (NEWER, OTHER_NEWER) if path == uploads.UPLOAD_PATH else (OLDER, NEWER)
    is_assumed = (size <= limit) is not bool(code)
    if is_assumed and not min(limit, other) < size <= max(limit, other):
        return Finding(row, Verdict.NOT_TOLD, "doctor.seen_size", {"mb": asked.upload_mb})
    seen = "doctor.seen_large_refused" if code else "doctor.seen_large_accepted"
    return _told(row, is_assumed, seen, code=code, bytes=f"{size:,}")[0]


async def model_filter(asked: Asked) -> list[Finding]:
    """Whether the list of model files is searched by title or by file name."""
    kind = ResourceKind.CHECKPOINT
    page = await _read(asked, "model-filter", resources.resource_list(kind, size=50))
    named = (item for item in page.resources if item.title and item.model_name)
    apart = (i for i in named if i.title not in i.model_name and i.model_name not in i.title)
    item = next(apart, None)
    if item is None:
        return [Finding("model-filter", Verdict.NOT_TOLD, "doctor.seen_no_model_file")]
    ways: list[str] = []
    for way, text in (("title", item.title), ("file", item.model_name)):
        call = resources.resource_list(kind, text, size=50)
        matches = (await _read(asked, "model-filter", call)).resources
        if any(match.model_name == item.model_name for match in matches):
            ways.append(way)
    seen = " + ".join(ways) or "-"
    return _told("model-filter", ways == ["title"], "doctor.seen_filter", ways=seen)


async def native_route(asked: Asked) -> list[Finding]:
    """What the native route's ComfyUI is like."""
    asking = asked.recorder
    lines = await _read(asked, "native-queue", native.native_queue("default"))
    running, waiting = len(lines.running), len(lines.waiting)
    findings = _told("native-queue", True, "doctor.seen_lines", running=running, waiting=waiting)
    for row, ask in (
        ("native-core", _native_core),
        ("native-socket", _native_socket),
    ):
        try:
            findings += await ask(asking)
        except RunningHubError as error:
            findings.append(Finding(row, Verdict.NOT_TOLD, error))
    return findings


async def _native_core(asking: Recorder) -> list[Finding]:
    call = native.core_version("default")
    response = await asking.ask("native-core", call)
    if response.status == 404:
        return _told("native-core", False, "doctor.seen_refused", code=404)
    version = call.read(response)
    seen = ".".join(map(str, version)) or "?"
    is_old = bool(version) and version < native.INTERRUPTS_BY_ID
    return _told("native-core", is_old, "doctor.seen_version", version=seen)


async def _native_socket(asking: Recorder) -> list[Finding]:
    """ComfyUI sends its state at once; then nothing comes while nothing runs."""
    frames = 0
    is_closed = False

    async def listen() -> None:
        nonlocal frames, is_closed
        async with asking.transport.socket(native.Prompt.new("default").socket_url) as socket:
            async for _ in socket:
                frames += 1
        is_closed = True

    listening = asyncio.ensure_future(listen())
    try:
        await asyncio.wait((listening,), timeout=SOCKET_SECONDS)
    finally:
        listening.cancel()
        await asyncio.wait((listening,))
    if not listening.cancelled() and (error := listening.exception()) is not None:
        raise error
    key = "doctor.seen_closed" if is_closed else "doctor.seen_open"
    return _told("native-socket", not is_closed, key, frames=frames)


async def native_list(asked: Asked) -> list[Finding]:
    """Of some 30 MB the first kilobytes."""
    call = replace(native.object_info("default"), limit=FIRST_BYTES)
    response = await asked.recorder.ask("native-list", call)
    if response.status != 200 or not response.body.lstrip().startswith(b"{"):
        call.read(response)
        raise BadReply(status=response.status)
    code = read_int(read_object(read_json(response.body)).get("code"))
    if code:
        return _code("native-list", False, code)
    size = response.headers.get("content-length", "?")
    return _told("native-list", True, "doctor.seen_list", size=size)


async def workflow(asked: Asked) -> list[Finding]:
    """Whether the form of a workflow can be read."""
    graph = await _read(asked, "workflow", workflows.workflow_json(asked.workflow, asked.password))
    return _told("workflow", True, "doctor.seen_nodes", count=len(graph))


async def app(asked: Asked) -> list[Finding]:
    """Whether the form of an app can be read."""
    form = await _read(asked, "app", apps.call_demo(asked.app))
    return _told("app", True, "doctor.seen_fields", count=len(form.fields))


WHO = Question(("key", "clock"), account)
"""Asked first, alone: its time is the line's."""

FREE = (
    Question(("queue",), queue),
    Question(("upload", "older-upload", "fetch"), small_uploads),
    Question(("unknown-task",), unknown_task),
    Question(("price",), price),
    Question(("preview-fillers",), preview_fillers),
    Question(("unknown-model",), unknown_model),
    Question(("model-filter",), model_filter),
    Question(("native-queue", "native-core", "native-socket"), native_route),
    Question(("native-list",), native_list),
)
"""The others, several at once."""

LARGE = Question(("upload-limit", "older-upload-limit"), large_uploads)
WORKFLOW, APP = Question(("workflow",), workflow), Question(("app",), app)


def _picture() -> bytes:
    """A grey PNG of 64 by 64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    side = 64
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x80" * 3 * side) * side
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def _write_sound(file: Path, size: int) -> None:
    """Write silence as WAV of exactly `size` bytes."""
    head = b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16) + b"data"
    with file.open("wb") as sound:
        sound.write(head + struct.pack("<I", size - 44))
        sound.truncate(size)
