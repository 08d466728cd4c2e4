"""Tasks: the three poll endpoints, and cancel.

Schemas: RunningHub docs, "Cancel ComfyUI Task", "Check Task Status", "Check Task Output", "Query
generation result (V2)".
"""

from __future__ import annotations

import contextlib
import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import (
    NO_REASON,
    BadInput,
    BadReply,
    ContentRefused,
    RunningHubError,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    error_for_code,
    quote_remote,
)
from .call import KEYED, LARGE_ANSWER_LIMIT, Auth, Call, Request, Response
from .envelope import (
    as_list,
    business_error,
    open_envelope,
    read_id,
    read_int,
    read_json,
    read_object,
    read_text,
    remote_text,
    reply_of,
)
from .filetypes import names_file

CANCEL_SECONDS = 10.0

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Phase(enum.Enum):
    """State of a task. OTHER, for undocumented values, is not over: polling goes on."""

    CREATED = "CREATE"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCEL"
    OTHER = "?"

    @property
    def is_over(self) -> bool:
        return self in (Phase.SUCCESS, Phase.FAILED, Phase.CANCELLED)

    @property
    def is_waiting(self) -> bool:
        return self in (Phase.CREATED, Phase.QUEUED)


@dataclass(frozen=True, slots=True)
class Usage:
    """Cost of a task as decimal strings, as printed: coins, money, seconds; None if not told."""

    coins: str | None = None
    money: str | None = None
    third_party_money: str | None = None
    seconds: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """One result of a task: a file at `url`, or `text`. `node_id`: "" if unknown."""

    url: str = ""
    node_id: str = ""
    suffix: str = ""
    text: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether it is listed without URL and text."""
        return not self.url and self.text is None


@dataclass(frozen=True, slots=True)
class Failure:
    """`failedReason`: the remote node and its exception; any field may be ""."""

    node_id: str = ""
    node_class: str = ""
    exception: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """State of a task. `results`: None while the service has no list.

    `at`: unix seconds by the service's clock, None if not told. `state`: the service's word for
    phase OTHER.
    """

    phase: Phase
    results: tuple[RemoteResult, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    error: RunningHubError | None = None
    socket_url: str | None = field(default=None, repr=False)
    at: float | None = None
    state: str = ""

    @property
    def is_unexplained(self) -> bool:
        """Whether it is cancelled, or failed without code and reason."""
        error = self.error
        if isinstance(error, TaskFailed):
            return error.code is None and error.params.get("remote") == NO_REASON
        return self.phase is Phase.CANCELLED

    @property
    def is_conclusive(self) -> bool:
        """Whether it is of a known phase, a success with a list, a failure with a reason."""
        is_unlisted = self.phase is Phase.SUCCESS and self.results is None
        return not (self.phase is Phase.OTHER or is_unlisted or self.is_unexplained)


def cancel(task_id: str) -> Call[None]:
    """Cancel a task. Raises TaskNotFound if there is nothing left to cancel."""

    def read(response: Response) -> None:
        open_envelope(response)

    request = Request("POST", "/task/openapi/cancel", Auth.BODY, {"taskId": task_id})
    return Call(request, read, repeatable=True, seconds=CANCEL_SECONDS)


def status(task_id: str) -> Call[Phase]:
    """Query the phase only, by the older endpoint."""

    def read(response: Response) -> Phase:
        return read_phase(open_envelope(response))

    request = Request("POST", "/task/openapi/status", Auth.BODY, {"taskId": task_id})
    return Call(request, read, repeatable=True)


def outputs(task_id: str) -> Call[Report]:
    """The older poll: its business code is the state; unlike V2 it may have the WebSocket URL."""
    request = Request("POST", "/task/openapi/outputs", Auth.BODY, {"taskId": task_id})
    return Call(request, read_outputs, repeatable=True)


def query(task_id: str) -> Call[Report]:
    """The recommended poll (V2): the answer is the task object itself, without an envelope."""
    request = Request("POST", "/openapi/v2/query", Auth.BEARER, {"taskId": task_id})
    return Call(request, read_query, repeatable=True, limit=LARGE_ANSWER_LIMIT)


def is_task_id(text: str) -> bool:
    """Return whether a text is a valid task id, safe in requests, file names and logs."""
    return _ID.fullmatch(text) is not None


def as_task_id(text: str) -> str:
    """Return a user's task id, stripped; BadInput if it is invalid."""
    task_id = text.strip()
    if not is_task_id(task_id):
        raise BadInput("error.task_id", value=task_id[:100])
    return task_id


NATIVE_PREFIX = "native-"
"""Prefix of native-route task ids (`wire.native.Prompt`)."""


def is_native(task_id: str | None) -> bool:
    return task_id is not None and task_id.startswith(NATIVE_PREFIX)


def file_name(url: str) -> str:
    """Return the file name in a result's URL; "" if there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if url.startswith(KEYED):
        return (parse_qs(parts.query).get("filename") or [""])[0].rpartition("/")[2]
    return unquote(parts.path).rpartition("/")[2]


_SYNONYMS = {
    "SUCCEEDED": Phase.SUCCESS,
    "COMPLETED": Phase.SUCCESS,
    "FINISHED": Phase.SUCCESS,
    "CANCELLED": Phase.CANCELLED,
    "CANCELED": Phase.CANCELLED,
    "ERROR": Phase.FAILED,
}
"""Synonyms of terminal phases, common in similar APIs; not seen in any source here."""


def read_phase(value: object) -> Phase:
    """Parse a phase by name; OTHER if unknown."""
    name = read_text(value).strip().upper()
    try:
        return _SYNONYMS.get(name) or Phase(name)
    except ValueError:
        return Phase.OTHER


def read_outputs(response: Response) -> Report:
    """Parse the older poll's answer; webhooks of the older routes carry it too."""
    reply = reply_of(response)
    code = read_int(reply.get("code"))
    data = reply.get("data")
    if code == 804:
        url = read_text(read_object(data).get("netWssUrl"))
        return Report(Phase.RUNNING, socket_url=url or None, at=response.at)
    if code == 813:
        return Report(Phase.QUEUED)
    if code == 805:
        failure = read_failure(read_object(data).get("failedReason"))
        return Report(Phase.FAILED, error=failed_task(failure, 805, remote_text(reply)))
    if code is None:
        raise BadReply(status=response.status)
    if code != 0:
        raise business_error(code, reply, response)
    if data is None:
        return Report(Phase.RUNNING, at=response.at)  # documented as "still starting"
    items = [read_object(item) for item in as_list(data)]
    if not items and data != []:
        raise BadReply(status=response.status)
    # Every element repeats the same figures: the cost is per task.
    usage = _read_usage(items[0]) if items else Usage()
    return Report(Phase.SUCCESS, _read_results(data), usage)


def read_query(response: Response) -> Report:
    """Parse the V2 poll's answer; webhooks of the V2 routes carry it too."""
    reply = reply_of(response)
    code = read_int(reply.get("errorCode"))
    if "status" not in reply:
        # Without a valid Bearer key the answer is the older envelope.
        refused = read_int(reply.get("code")) or code
        if read_int(reply.get("code")) == 0 and "data" in reply and reply["data"] is None:
            return Report(Phase.OTHER, at=response.at)  # the older poll's "still starting"
        if refused is None:
            raise BadReply(status=response.status)
        raise business_error(refused, reply, response)
    phase = read_phase(reply.get("status"))
    usage = _read_usage(read_object(reply.get("usage")))
    if phase is Phase.FAILED:
        failure = read_failure(reply.get("failedReason"))
        if code and isinstance(error_for_code(code, ""), TaskNotFound):
            raise business_error(code, reply, response)
        # Code 0 means success, and explains a failure no better than no code.
        error = failed_task(failure, code or None, read_text(reply.get("errorMessage")))
        return Report(phase, usage=usage, error=error)
    if phase is Phase.CANCELLED:
        return Report(phase, usage=usage, error=TaskCancelled())
    if code and not phase.is_over and not phase.is_waiting and phase is not Phase.RUNNING:
        raise business_error(code, reply, response)
    listed = reply.get("results")
    results = None if listed is None else _read_results(listed)
    state = read_text(reply.get("status")) if phase is Phase.OTHER else ""
    return Report(phase, results, usage, at=response.at, state=state)


_URLS = ("url", "fileUrl", "outputUrl")
_TEXTS = ("text", "content", "output")
_ABOUT = frozenset({"nodeId", "outputType", "fileType"})


def _read_results(listed: object) -> tuple[RemoteResult, ...]:
    """Parse results in any shape: paid results must not be lost for an unknown schema."""
    if isinstance(listed, str) and listed.lstrip().startswith("["):
        parsed = read_json(listed)
        listed = listed if parsed is None else parsed
    return tuple(result for row in _as_items(listed) for result in _read_row(row))


def _read_row(row: object) -> list[RemoteResult]:
    item = read_object(row)
    if not item:
        text = row if isinstance(row, str) else ""
        return [RemoteResult(text) if _is_address(text) else RemoteResult(text=text or None)]
    urls = next(filter(None, (_addresses(item.get(name)) for name in _URLS)), ())
    # Next to a URL a number or an object is metadata of the file.
    names = [n for n in _TEXTS if not urls or isinstance(item.get(n), (str, list))]
    texts = [text for n in names if (text := _whole_text(item.get(n))) is not None]
    text = next(filter(None, texts), texts[0] if texts else None)
    if item.keys().isdisjoint((*_URLS, *_TEXTS)):
        # Unknown keys: all URLs of the first that has some; else the whole row as JSON text.
        every = (tuple(filter(_is_address, _addresses(value))) for value in item.values())
        urls = next(filter(None, every), ())
        is_empty = not any(value for name, value in item.items() if name not in _ABOUT)
        text = None if urls or is_empty else _whole_text(item)
    suffix = read_text(item.get("outputType")) or read_text(item.get("fileType"))
    node_id, suffix = read_id(item.get("nodeId")), suffix.lower().lstrip(".")
    if text == "" and names_file(suffix):
        text = None  # placeholder for a URL that is not available yet
    return [RemoteResult(url, node_id, suffix, text) for url in urls or ("",)]


def _is_address(text: str) -> bool:
    return text.strip().startswith(("http://", "https://"))


def _as_items(value: object) -> list[object]:
    """Return a list, or a single value wrapped in one; [] for a falsy value."""
    return cast("list[object]", value) if isinstance(value, list) else [value] if value else []


def _addresses(value: object) -> tuple[str, ...]:
    return tuple(text for item in _as_items(value) if (text := read_text(item)))


def _whole_text(value: object) -> str | None:
    """Return a result's text; pieces in (nested) lists are joined by newlines, values other than
    strings serialized as JSON."""
    if not isinstance(value, list):
        return _as_text(value)
    pieces: list[str] = []
    waiting = [cast("object", value)]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, list):
            waiting += reversed(cast("list[object]", piece))
        else:
            pieces.append(_as_text(piece) or "")
    return "\n".join(pieces) or None


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    with contextlib.suppress(RecursionError):  # objects nested a thousand deep
        return json.dumps(value, ensure_ascii=False)
    return None


def _read_usage(item: Mapping[str, object]) -> Usage:
    seconds = read_text(item.get("taskCostTime"))
    return Usage(
        coins=read_text(item.get("consumeCoins")) or None,
        money=read_text(item.get("consumeMoney")) or None,
        third_party_money=read_text(item.get("thirdPartyConsumeMoney")) or None,
        # "0" stands for unknown: for third-party models, and while a task runs.
        seconds=seconds if seconds.strip("0.") else None,
    )


def read_failure(value: object) -> Failure:
    """Parse `failedReason` or ComfyUI's `execution_error` event: the failed node's exception."""
    reason = read_object(value)
    if not reason:
        text = read_text(value)
        return Failure(message="" if text.strip() in ("{}", "null") else text)
    return Failure(
        node_id=read_id(reason.get("node_id")),
        node_class=read_text(reason.get("node_name")) or read_text(reason.get("node_type")),
        exception=read_text(reason.get("exception_type")),
        message=read_text(reason.get("exception_message")),
    )


def failed_task(failure: Failure, code: int | None, remote: str) -> TaskFailed:
    """Return the error of a failed task, with as much of the reason as the service gave."""
    told = ": ".join(filter(None, (failure.exception, failure.message)))
    error = error_for_code(code, remote or told) if code else None
    kind = ContentRefused if isinstance(error, ContentRefused) else TaskFailed
    if not told or not (failure.node_id or failure.node_class):
        if isinstance(error, TaskFailed) and error.key != TaskFailed.default_key:
            return error
        reason = quote_remote(told or remote) or NO_REASON
        return kind("error.task_failed_plain", code=code, remote=reason)
    return kind(
        None if kind is TaskFailed else "error.task_failed",
        code=code,
        node_id=failure.node_id or None,
        node=failure.node_id,
        title="",
        node_class=failure.node_class,
        exception=failure.exception,
        remote=quote_remote(failure.message),
    )
