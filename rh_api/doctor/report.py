"""A report of exchanges that can be published: values stay only where a list says so.

Whatever is not on the list is replaced by a placeholder of its kind, alike for alike, so that one
still sees where two values are the same. Names of fields stay if the API is known to have them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from ..wire.call import Response
from ..wire.envelope import as_list, read_json, read_object
from .examine import Examination
from .exchanges import Exchange

FORMAT = 1
MOST_ITEMS = 20  # of a list; the rest is counted
MOST_DEPTH = 30

_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
_VERSION = re.compile(r"v?\d{1,3}(\.\d{1,4}){1,2}")
_SECONDS = re.compile(r"\d{1,6}")
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")

_STATES = frozenset({"CREATE", "QUEUED", "RUNNING", "SUCCESS", "FAILED", "CANCEL", "CANCELLED"})
_KINDS = frozenset({"NORMAL", "SHARED", "EXCLUSIVE", "FREE"})
_CURRENCIES = frozenset({"CNY", "USD"})
_RESOURCES = frozenset({"CHECKPOINT", "UNET", "LORA", "GGUF"})
_SUFFIXES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "webp",
        "gif",
        "mp4",
        "mov",
        "webm",
        "mp3",
        "wav",
        "flac",
        "txt",
        "json",
        "zip",
        "glb",
        "safetensors",
        "image",
        "video",
        "audio",
        "input",
        "output",
        "temp",
    ]
)
_SENTENCES = frozenset(
    [
        "success",
        "SUCCESS",
        "TASK_NOT_FOUND",
        "TASK_IS_RUNNING",
        "TASK_IS_QUEUED",
        "WORKFLOW_NOT_EXISTS",
    ]
)

Rule = re.Pattern[str] | frozenset[str]

_KEPT: dict[str, Rule] = {
    **dict.fromkeys(
        (
            "code",
            "errorCode",
            "concurrentLimit",
            "currentTaskCounts",
            "runningCount",
            "queuedCount",
            "totalCurrentTasks",
            "instanceCount",
            "size",
            "total",
            "pages",
            "current",
            "taskCostTime",
            "consumeCoins",
            "consumeMoney",
            "thirdPartyConsumeMoney",
            "estimatedPrice",
            "retryCount",
        ),
        _NUMBER,
    ),
    "status": _STATES,
    "taskStatus": _STATES,
    "callbackStatus": _STATES,
    "data": _STATES,
    "apiType": _KINDS,
    "apiKeyType": _KINDS,
    "currency": _CURRENCIES,
    "resourceType": _RESOURCES,
    "outputType": _SUFFIXES,
    "fileType": _SUFFIXES,
    "type": _SUFFIXES,
    "msg": _SENTENCES,
    "message": _SENTENCES,
    "comfyui_version": _VERSION,
}
"""Fields whose values stay, and which values: codes, states, enumerations, sizes and times."""

_NAMES = frozenset(
    [
        "msg",
        "message",
        "errorMessage",
        "errorMessages",
        "taskId",
        "promptTips",
        "netWssUrl",
        "remainCoins",
        "remainMoney",
        "results",
        "url",
        "fileUrl",
        "outputUrl",
        "text",
        "content",
        "nodeId",
        "usage",
        "failedReason",
        "node_name",
        "node_id",
        "exception_message",
        "exception_type",
        "traceback",
        "current_inputs",
        "current_outputs",
        "clientId",
        "fileName",
        "filename",
        "download_url",
        "downloadUrl",
        "prompt",
        "priceText",
        "priceTextEn",
        "freeLimit",
        "freeLimitCount",
        "remainingFreeLimitCount",
        "isFreeThisCall",
        "records",
        "hasNext",
        "hasPrevious",
        "id",
        "resourceName",
        "nodeModelName",
        "createTime",
        "updateTime",
        "desc",
        "posterUrl",
        "thumbnailUrl",
        "owner",
        "name",
        "avatar",
        "tags",
        "versions",
        "webhookUrl",
        "event",
        "eventData",
        "callbackResponse",
        "webappName",
        "nodeInfoList",
        "curl",
        "accessEncrypted",
        "covers",
        "statisticsInfo",
        "webappId",
        "fieldName",
        "fieldValue",
        "fieldData",
        "description",
        "descriptionEn",
        "queue_running",
        "queue_pending",
        "exec_info",
        "queue_remaining",
        "system",
        "devices",
        "subfolder",
        "imageUrls",
        "outputs",
        "node_errors",
        "outputs_to_execute",
        "error",
        "details",
        "result",
        "success",
        "nodeName",
        "descriptionCn",
        "likeCount",
        "downloadCount",
        "useCount",
        "pv",
        "collectCount",
    ]
) | frozenset(_KEPT)
"""Names of fields of the API. Any other may be a node, a file or a word of somebody's."""

_HEADERS: dict[str, Rule] = {
    "content-type": frozenset(
        [
            "application/json",
            "text/html",
            "text/plain",
            "application/xml",
            "application/octet-stream",
        ]
    ),
    "content-length": re.compile(r"\d{1,12}"),
    "content-encoding": frozenset(["gzip", "br", "deflate"]),
    "connection": frozenset(["close", "keep-alive"]),
    "keep-alive": re.compile(r"timeout=\d{1,5}(, ?max=\d{1,6})?"),
    "retry-after": _SECONDS,
    "date": _DATE,
}
"""Headers that matter."""

_PATH_PARTS = frozenset(
    [
        "uc",
        "openapi",
        "accountStatus",
        "v2",
        "queue",
        "status",
        "task",
        "outputs",
        "cancel",
        "query",
        "getWebhookDetail",
        "api",
        "getJsonApiFormat",
        "webapp",
        "apiCallDemo",
        "resource",
        "list",
        "media",
        "upload",
        "binary",
        "price-preview",
        "proxy",
        "proxy-plus",
        "{key}",
        "history",
        "system_stats",
        "object_info",
        "image",
        "ws",
        "alibaba",
        "qwen-image-3.0",
        "text-to-image",
        "image-edit",
        "no-such-maker",
        "no-such-model",
        "create",
        "run",
        "workflow",
        "ai-app",
    ]
)


@dataclass(slots=True)
class _Places:
    """Placeholders in the order of first use: `<text-1>`. Alike for alike within one report."""

    by_value: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    counts: Counter[str] = field(default_factory=Counter[str])

    def of(self, kind: str, value: str) -> str:
        place = self.by_value.get((kind, value))
        if place is None:
            self.counts[kind] += 1
            place = self.by_value[kind, value] = f"<{kind}-{self.counts[kind]}>"
        return place


def report(examination: Examination) -> dict[str, object]:
    """Return the report as a JSON object; it has no value that the lists here do not allow."""
    places = _Places()
    entries = [_entry(exchange, places) for exchange in examination.exchanges]
    return {
        "format": FORMAT,
        "findings": {finding.id: finding.verdict.value for finding in examination.findings},
        "exchanges": entries,
        "replaced": dict(sorted(places.counts.items())),
    }


def _entry(exchange: Exchange, places: _Places) -> dict[str, object]:
    response = exchange.response
    return {
        "question": exchange.question,
        "method": exchange.method,
        "path": _path(exchange.path, places),
        "request": _value("", dict(exchange.body), places),
        "seconds": round(exchange.seconds, 3),
        "answer": None if response is None else _answer(response, places),
    }


def _path(path: str, places: _Places) -> str:
    parts = path.partition("?")[0].split("/")
    return "/".join(p if p in _PATH_PARTS or not p else places.of("id", p) for p in parts)


def _answer(response: Response, places: _Places) -> dict[str, object]:
    headers = {name: _header(name, value) for name, value in response.headers.items()}
    body = read_json(response.body)
    answer: dict[str, object] = {
        "status": response.status,
        "headers": {name: value for name, value in sorted(headers.items()) if value},
        "bytes": len(response.body),
        "complete": response.complete,
    }
    if isinstance(body, (dict, list)):
        return {**answer, "json": _value("", cast("object", body), places)}
    return {**answer, "kind": _kind(response.body)}


def _header(name: str, value: str) -> str:
    rule = _HEADERS.get(name)
    text = value.partition(";")[0].strip() if name == "content-type" else value.strip()
    return text if rule is not None and _fits(rule, text) else ""


def _kind(body: bytes) -> str:
    start = body.lstrip()[:1]
    return {b"": "empty", b"<": "page", b"{": "part of JSON"}.get(start, "other")


def _value(name: str, value: object, places: _Places, depth: int = 0) -> object:
    if depth > MOST_DEPTH:
        return places.of("text", str(type(value)))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        fields = read_object(cast("object", value))
        return {
            (key if key in _NAMES else places.of("field", key)): _value(
                key, item, places, depth + 1
            )
            for key, item in fields.items()
        }
    if isinstance(value, list):
        items = as_list(cast("object", value))
        shown = [_value(name, item, places, depth + 1) for item in items[:MOST_ITEMS]]
        more = len(items) - MOST_ITEMS
        return [*shown, f"<{more} more>"] if more > 0 else shown
    text = str(value)
    rule = _KEPT.get(name)
    if rule is not None and _fits(rule, text):
        return value
    return places.of(_kind_of(name, value, text), text)


def _fits(rule: Rule, text: str) -> bool:
    return text in rule if isinstance(rule, frozenset) else rule.fullmatch(text) is not None


def _kind_of(name: str, value: object, text: str) -> str:
    if text.startswith(("http://", "https://", "ws://", "wss://")):
        return "address"
    if not isinstance(value, str):
        return "number"
    if name.lower().endswith("id"):
        return "id"
    return "name" if "name" in name.lower() else "text"
