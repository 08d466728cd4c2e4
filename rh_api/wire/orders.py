"""Orders: the create call that starts a task, and the ticket in its answer.

Schemas: RunningHub docs, "Start ComfyUI Task 1 - Basic" and "2 - Advanced" (two pages for one
endpoint).

A create without a ticket may have started a task all the same. The tables below map answers to
fates, with a reason per row. NOT_STARTED must be certain, for it is ordered again; an UNKNOWN fate
is put to the user. So a wrong key and a wrong URL must be told from a lost answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from ..errors import (
    BY_CODE,
    BadReply,
    ContentRefused,
    Fate,
    GraphRejected,
    QueueFull,
    RateLimited,
    Redirected,
    Refused,
    RunningHubError,
    ServiceFault,
    TaskNotFound,
    UploadFailed,
)
from .call import Auth, Call, Request, Response
from .envelope import (
    as_list,
    open_envelope,
    read_id,
    read_node_errors,
    read_object,
    read_text,
    reply_of,
)
from .filetypes import looks_like_page
from .tasks import Phase, is_task_id, read_phase

CREATE_SECONDS = 60.0  # timeout, after which the fate is UNKNOWN: long enough for a slow link

# In a truncated answer an id counts only with its delimiter, since its end may be missing.
_WHOLE_ID = re.compile(rb'"taskId\\*"\s*:\s*(?:\\*"(\d{5,25})\\*"|(\d{5,25})[,}\s])')


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One entry of nodeInfoList: a JSON value for one input of one remote node."""

    node_id: str
    field: str
    value: object


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of an order; None and defaults are not sent, but for a workflow's `add_metadata`.

    `instance`: default (24 GB), plus (48) or ultra (84). `personal_queue`: orders of dedicated keys
    queue instead of being refused. `retain_seconds`: keep the machine 10 to 180 s; shared
    enterprise keys only, billed."""

    instance: str = "default"
    add_metadata: bool = True
    personal_queue: bool = False
    retain_seconds: int | None = None
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Tips:
    """`promptTips`: output nodes that will run, and validation errors by node id."""

    outputs: tuple[str, ...] = ()
    node_errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Ticket:
    """An accepted order. `at`: unix seconds by the service's clock, None if not told.

    `socket_url` is a credential: it is never shown or stored.
    """

    task_id: str
    phase: Phase
    socket_url: str | None = field(default=None, repr=False)
    tips: Tips = field(default_factory=Tips)
    at: float | None = None


def create(
    workflow_id: str,
    node_info: tuple[NodeInfo, ...] = (),
    options: TaskOptions | None = None,
    *,
    graph: str | None = None,
    access_password: str = "",
) -> Call[Ticket]:
    """Start a task. `graph`: a whole API-format graph as JSON text, sent without `nodeInfoList`,
    which the service would check against the stored graph (live report)."""
    about = workflow_fields(node_info, options or TaskOptions(), graph, access_password)
    return order_call("/task/openapi/create", {"workflowId": workflow_id, **about})


def workflow_fields(
    node_info: tuple[NodeInfo, ...], options: TaskOptions, graph: str | None, access_password: str
) -> dict[str, object]:
    """Return a workflow order's body without its id, for either route."""
    fields: dict[str, object] = {"addMetadata": options.add_metadata}
    if graph is not None:
        fields["workflow"] = graph
    elif node_info:
        fields["nodeInfoList"] = node_info_list(node_info)
    return {**fields, **option_fields(options, access_password)}


def order_call(path: str, body: Mapping[str, object]) -> Call[Ticket]:
    """Return a call that starts a task; its errors carry the order's fate."""
    return Call(
        Request("POST", path, Auth.BODY, body),
        telling_fate(read_ticket, path),
        repeatable=False,
        seconds=CREATE_SECONDS,
    )


def node_info_list(node_info: Iterable[NodeInfo]) -> list[dict[str, object]]:
    """Serialize a `nodeInfoList`."""
    return [
        {"nodeId": info.node_id, "fieldName": info.field, "fieldValue": info.value}
        for info in node_info
    ]


def option_fields(options: TaskOptions, access_password: str) -> dict[str, object]:
    """Return the body fields of options common to workflows and AI apps, without defaults."""
    fields: dict[str, object] = {}
    if options.instance != "default":
        fields["instanceType"] = options.instance
    if options.personal_queue:
        fields["usePersonalQueue"] = True
    if options.retain_seconds:
        fields["retainSeconds"] = options.retain_seconds
    if options.webhook_url:
        fields["webhookUrl"] = options.webhook_url
    if access_password:
        fields["accessPassword"] = access_password
    return fields


def read_ticket(response: Response) -> Ticket:
    """Parse a create's answer (workflow or AI app). With a task id it is a ticket for any code."""
    try:
        data = read_object(open_envelope(response))
    except BadReply:
        task_id = salvaged_id(response)
        if not task_id:
            raise
        data = {"taskId": task_id}
    except RunningHubError:
        data = read_object(reply_of(response).get("data"))
        if not is_task_id(read_id(data.get("taskId"))):
            raise  # with an id there is a task, whatever the code says
    task_id = read_id(data.get("taskId"))
    if not is_task_id(task_id):
        task_id = salvaged_id(response)
    if not task_id:
        raise BadReply(status=response.status)
    return Ticket(
        task_id=task_id,
        phase=read_phase(data.get("taskStatus")),
        socket_url=read_text(data.get("netWssUrl")) or None,
        tips=read_tips(data.get("promptTips")),
        at=response.at,
    )


def salvaged_id(response: Response) -> str:
    """Return the task id of a 2xx answer that is truncated, malformed or doubly encoded, "" if
    none: it must not be lost, since a task runs."""
    match = _WHOLE_ID.search(response.body) if 200 <= response.status < 300 else None
    return (match[1] or match[2]).decode() if match else ""


def read_tips(value: object) -> Tips:
    """Parse `promptTips`, a JSON text."""
    tips = read_object(value)
    return Tips(
        outputs=tuple(read_id(item) for item in as_list(tips.get("outputs_to_execute"))),
        node_errors=read_node_errors(tips),
    )


NODES_REJECTED = "error.node_errors"  # key of an order that was accepted without some of its nodes


def rejected_nodes(ticket: Ticket) -> GraphRejected | None:
    """Return the error of an accepted order some of whose nodes were rejected; None without."""
    if not ticket.tips.node_errors:
        return None
    node_id, text = next(iter(ticket.tips.node_errors.items()))
    return GraphRejected(
        NODES_REJECTED,
        node_id=node_id,
        task_id=ticket.task_id,
        node=node_id,
        title="",
        remote=text,
    )


T = TypeVar("T")

# Whether a task was started

# HTTP statuses that are sent before a request is processed.
_NOT_PROCESSED = frozenset(
    {
        401,  # the key was rejected
        403,  # this key, or this client, is not permitted
        405,  # no POST at this path
        407,  # a proxy requires credentials
        413,  # the body is too large to be read
        415,  # the body was not parsed because of its type
        421,  # the connection reached a server for another host
        429,  # rate limited
        307,  # redirected with method and body, and we did not follow
        308,
    }
)
# 404, 410 and 301 are ambiguous: no such path (not processed), or processed and the page with the
# answer is missing or has moved. An origin that never accepted an order has no such path.
_AMBIGUOUS = frozenset({404, 410, 301})
# 303 answers a processed request, 302 is its older form, 408 may interrupt one, and 5xx may occur
# at any point. These and all others prove nothing.

# Errors of business codes that are decided before a task exists. Not UploadFailed (808, 1013): a
# service that has begun to process files may have a task.
_REFUSALS = (Refused, QueueFull, RateLimited, ContentRefused)


def telling_fate(read: Callable[[Response], T], path: str) -> Callable[[Response], T]:
    """Wrap a parser of a create's answers so that its errors carry the order's fate."""

    def reader(response: Response) -> T:
        try:
            return read(response)
        except RunningHubError as error:
            fate, wrong_address = _judge(error, response, path)
            is_elsewhere = isinstance(error, Redirected) and fate is Fate.NOT_STARTED
            key = "error.redirected_order" if is_elsewhere else None
            if isinstance(error, UploadFailed):
                key = ServiceFault.default_key  # its own sentence says that nothing was started
            with_fate = error.with_context(key, fate=fate, wrong_address=wrong_address)
            raise with_fate from error.__cause__

    return reader


def _judge(error: RunningHubError, response: Response, path: str) -> tuple[Fate, bool]:
    """Return the fate of a failed create, and whether it is NOT_STARTED in case the origin has
    never accepted an order (`wrong_address`)."""
    status = response.status
    if isinstance(error, GraphRejected):
        return Fate.NOT_STARTED, False  # ComfyUI validates before it queues
    kind = BY_CODE.get(error.code) if error.code is not None else None
    if kind is not None:  # with an undocumented code the HTTP status decides
        refused = issubclass(kind, _REFUSALS) and not issubclass(kind, TaskNotFound)
        return Fate.NOT_STARTED if refused else Fate.UNKNOWN, False
    if status in _NOT_PROCESSED or (status == 301 and _is_same_path(response, path)):
        return Fate.NOT_STARTED, False
    is_page = status < 300 and looks_like_page(response.body[:512])
    return Fate.UNKNOWN, status in _AMBIGUOUS or is_page


def _is_same_path(response: Response, path: str) -> bool:
    """Return whether a redirect changes only scheme or host: a wrong origin is configured."""
    try:
        target = urlsplit(urljoin(f"https://x{path}", response.headers.get("location", "")))
    except ValueError:
        return False
    return bool(response.headers.get("location")) and (target.path, target.query) == (path, "")
