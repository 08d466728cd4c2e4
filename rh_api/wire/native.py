"""The native route: ComfyUI's own API behind `/proxy/{key}` (24 GB) and `/proxy-plus/{key}` (48).

Schemas: RunningHub docs, "Native ComfyUI API Integration Guide", and ComfyUI's `server.py`.
Reported by public clients: a refusal is HTTP 200 with `{code, msg}`, `/object_info` answers to any
key, a failed prompt may have an empty history.

Every URL of this route contains the API key. Here, and wherever a URL is stored, `{key}` is its
placeholder: only the transport replaces it. A task id encodes that it is a prompt of this route,
and its machine, so that a follower knows where to poll.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import uuid4

from ..errors import SUCCESS_CODES, BadReply, GraphRejected, TaskCancelled, TaskFailed, quote_remote
from .call import KEYED, LARGE_ANSWER_LIMIT, MIB, Auth, Call, Request, Response
from .envelope import (
    Json,
    as_list,
    business_error,
    read_id,
    read_int,
    read_json,
    read_node_errors,
    read_object,
    read_text,
    reply_of,
)
from .object_info import Listed, read_object_info
from .orders import CREATE_SECONDS, Ticket, Tips, telling_fate
from .tasks import NATIVE_PREFIX, Phase, RemoteResult, Report, failed_task, read_failure

PLUS = "plus"
MACHINES = ("default", PLUS)
"""The machine sizes with this route; the 84 GB one has none."""

_PROMPT_ID = re.compile(r"[A-Za-z0-9_-]{1,48}")
_CALL_SECONDS = 20.0
INFO_SECONDS, INFO_LIMIT = 120.0, 64 * MIB
"""Timeout and size limit of `/object_info`: a public client saw 30 MB."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of this route: its machine size, and its id there."""

    machine: str
    prompt_id: str

    @classmethod
    def new(cls, machine: str) -> Prompt:
        """Return one with a new id: a lower-case UUID, the only form that ComfyUI accepts."""
        return cls(machine, str(uuid4()))

    @classmethod
    def of(cls, task_id: str) -> Prompt:
        """Parse the id of a task of this route."""
        name = task_id.removeprefix(NATIVE_PREFIX)
        prompt_id = name.removeprefix(f"{PLUS}-")
        return cls("default" if prompt_id == name else PLUS, prompt_id)

    @property
    def task_id(self) -> str:
        """`native-<id>` or `native-plus-<id>`."""
        return NATIVE_PREFIX + (f"{PLUS}-" if self.machine == PLUS else "") + self.prompt_id

    @property
    def socket_url(self) -> str:
        """URL of its progress WebSocket: its `client_id` equals its prompt id."""
        return f"{_base(self.machine)}/ws?clientId={self.prompt_id}"


@dataclass(frozen=True, slots=True)
class NativeQueue:
    """A machine's queue: prompt ids, running and pending, in FIFO order."""

    running: tuple[str, ...]
    waiting: tuple[str, ...]


def _base(machine: str) -> str:
    return KEYED[machine == PLUS]


def _request(machine: str, method: str, path: str, body: Json | None = None) -> Request:
    return Request(method, _base(machine) + path, Auth.PATH, body)


def queue_prompt(prompt: Prompt, graph: str) -> Call[Ticket]:
    """`POST /prompt`: queue a whole graph (JSON text, API format) under an id chosen by us.

    The id in the answer wins if it differs.
    """

    def read(response: Response) -> Ticket:
        reply = _read(response)
        prompt_id = read_text(reply.get("prompt_id"))
        if not _PROMPT_ID.fullmatch(prompt_id):
            raise _refusal(reply, response)
        queued = Prompt(prompt.machine, prompt_id)
        tips = Tips(node_errors=read_node_errors(reply))
        return Ticket(queued.task_id, Phase.QUEUED, prompt.socket_url, tips, response.at)

    body = {
        "prompt": json.loads(graph),
        "client_id": prompt.prompt_id,
        "prompt_id": prompt.prompt_id,
    }
    request = _request(prompt.machine, "POST", "/prompt", body)
    reader = telling_fate(read, request.path)
    return Call(request, reader, repeatable=False, seconds=CREATE_SECONDS)


def _read(response: Response) -> Json:
    """Parse a response as an object. ComfyUI's HTTP 400 becomes GraphRejected with its reason."""
    reply = read_object(read_json(response.body))
    if response.status == 400 and "error" in reply:
        for node_id, text in read_node_errors(reply).items():
            raise GraphRejected(
                "error.node_rejected", node_id=node_id, node=node_id, title="", remote=text
            )
        error = read_object(reply["error"])
        raise GraphRejected(remote=quote_remote(read_text(error.get("message"))))
    return reply_of(response)


def _refusal(reply: Json, response: Response) -> Exception:
    code = read_int(reply.get("code")) or 0
    if code in SUCCESS_CODES:
        return BadReply(status=response.status)
    return business_error(code, reply, response)


def native_queue(machine: str) -> Call[NativeQueue]:
    """`GET /queue`: the running and pending prompts of a machine."""

    def read(response: Response) -> NativeQueue:
        reply = reply_of(response)
        if "queue_running" not in reply:
            raise _refusal(reply, response)
        return NativeQueue(_ids(reply["queue_running"]), _ids(reply.get("queue_pending")))

    request = _request(machine, "GET", "/queue")
    return Call(request, read, repeatable=True, seconds=_CALL_SECONDS, limit=LARGE_ANSWER_LIMIT)


def _ids(items: object) -> tuple[str, ...]:
    """Return the prompt ids of queue entries, which are lists with the id as second item."""
    entries = (as_list(item) for item in as_list(items))
    return tuple(read_id(entry[1]) for entry in entries if len(entry) > 1)


def end_of(prompt: Prompt) -> Call[Report | None]:
    """`GET /history/{id}`: how a prompt ended; None if it is not over, or unknown."""

    def read(response: Response) -> Report | None:
        reply = reply_of(response)
        entry = read_object(reply.get(prompt.prompt_id))
        if entry:
            return read_end(entry, prompt, response.at)
        if read_int(reply.get("code")):
            raise _refusal(reply, response)
        return None

    request = _request(prompt.machine, "GET", f"/history/{quote(prompt.prompt_id, safe='')}")
    return Call(request, read, repeatable=True, seconds=_CALL_SECONDS, limit=LARGE_ANSWER_LIMIT)


def read_end(entry: Json, prompt: Prompt, at: float | None = None) -> Report:
    """Parse an entry of ComfyUI's history to results, or to the error that ended it."""
    status = read_object(entry.get("status"))
    messages = [as_list(message) for message in as_list(status.get("messages"))]
    events = {read_text(pair[0]): read_object(pair[1]) for pair in messages if len(pair) > 1}
    if "execution_interrupted" in events:
        return Report(Phase.CANCELLED, error=TaskCancelled(), at=at)
    results = tuple(_results(read_object(entry.get("outputs")), prompt.machine))
    is_error = read_text(status.get("status_str")) == "error"
    if is_error or (not results and not status):
        error = _failure(events.get("execution_error", {}))
        return Report(Phase.FAILED, error=error, at=at)
    return Report(Phase.SUCCESS, results, at=at)


def _failure(event: Json) -> TaskFailed:
    if not event:
        return TaskFailed("error.native_failed")
    return failed_task(read_failure(event), None, "")


def _results(outputs: Json, machine: str) -> list[RemoteResult]:
    """Return saved outputs in the order in which nodes ended; a node's texts only if it saved no
    file, and no previews (type `temp`)."""
    results: list[RemoteResult] = []
    for node_id, shown in outputs.items():
        kinds = read_object(shown)
        items = [read_object(item) for listed in kinds.values() for item in as_list(listed)]
        files = [item for item in items if read_text(item.get("filename"))]
        results += [
            RemoteResult(_view(item, machine), node_id)
            for item in files
            if read_text(item.get("type")) != "temp"
        ]
        if not files:
            texts = as_list(kinds.get("text")) or [kinds.get("text")]
            results += [RemoteResult("", node_id, text=t) for t in texts if isinstance(t, str)]
    return results


def _view(file: Mapping[str, object], machine: str) -> str:
    place = {name: read_text(file.get(name)) for name in ("filename", "subfolder", "type")}
    return f"{_base(machine)}/view?{urlencode(place)}"


def dequeue(prompt: Prompt) -> Call[None]:
    """`POST /queue`: delete a pending prompt; a running one is unaffected."""
    request = _request(prompt.machine, "POST", "/queue", {"delete": [prompt.prompt_id]})
    return Call(request, _read_nothing, repeatable=True, seconds=_CALL_SECONDS)


def interrupt(prompt: Prompt) -> Call[None]:
    """`POST /interrupt`: interrupt a running prompt. An older core interrupts any running prompt,
    so it is not idempotent."""
    request = _request(prompt.machine, "POST", "/interrupt", {"prompt_id": prompt.prompt_id})
    return Call(request, _read_nothing, repeatable=False, seconds=_CALL_SECONDS)


def _read_nothing(response: Response) -> None:
    """Check the answer to a dequeue or interrupt; ComfyUI's success has an empty body."""
    is_blank = response.status == 200 and not response.body
    reply = read_object(None if is_blank else reply_of(response))
    if read_int(reply.get("code")):
        raise _refusal(reply, response)


def core_version(machine: str) -> Call[tuple[int, ...]]:
    """`GET /system_stats`: ComfyUI's version as a tuple, () if not told."""

    def read(response: Response) -> tuple[int, ...]:
        system = read_object(reply_of(response).get("system"))
        match = re.match(r"\d+(\.\d+)*", read_text(system.get("comfyui_version")).lstrip("v"))
        return tuple(int(part[:9]) for part in match[0].split(".")) if match else ()

    request = _request(machine, "GET", "/system_stats")
    return Call(request, read, repeatable=True, seconds=_CALL_SECONDS)


def object_info(machine: str) -> Call[Listed]:
    """`GET /object_info`: a machine's node classes and their file choices. Reported to answer to
    any key, so it does not validate one. Raises BadReply if truncated."""

    def read(response: Response) -> Listed:
        if response.status != 200 or not response.complete:
            reply_of(response)
            raise BadReply(status=response.status)
        return read_object_info(response.body.decode("utf-8", "replace"))

    request = _request(machine, "GET", "/object_info")
    return Call(request, read, repeatable=True, seconds=INFO_SECONDS, limit=INFO_LIMIT)


INTERRUPTS_BY_ID = (0, 4)
"""The first ComfyUI version whose `/interrupt` is known to respect the prompt id."""
