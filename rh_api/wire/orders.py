"""Orders: what starts a task, and the ticket that the service gives for one.

Shapes: RunningHub docs, "Start ComfyUI Task 1 - Basic" and "2 - Advanced" (two pages for one
endpoint).

A create that brought no ticket may have started a task all the same. One table below says so of
each answer, with the reason of each row. Only what is sure is "not started", for it is ordered
again; an order of unknown fate becomes a question to a person. So a wrong key and a wrong address
must be told from a lost answer.
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
    NotFound,
    QueueFull,
    RateLimited,
    Redirected,
    Refused,
    RunningHubError,
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

CREATE_SECONDS = 60.0  # past it an order's fate is unknown: long enough for a slow line

# In half an answer an id counts only with the sign behind it: its end may be what is missing.
_WHOLE_ID = re.compile(rb'"taskId\\*"\s*:\s*(?:\\*"(\d{5,25})\\*"|(\d{5,25})[,}\s])')


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One entry of nodeInfoList: a plain value for one input of one remote node."""

    node_id: str
    field: str
    value: object


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of an order; None and defaults are not sent.

    `instance`: default (24 GB), plus (48) or ultra (84). `personal_queue`: dedicated keys wait
    instead of being refused. `retain_seconds`: 10 to 180, shared enterprise keys, billed.
    """

    instance: str = "default"
    add_metadata: bool = True
    personal_queue: bool = False
    retain_seconds: int | None = None
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Tips:
    """`promptTips`: the outputs that will run, and the nodes that the service refused."""

    outputs: tuple[str, ...] = ()
    node_errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Ticket:
    """The service took an order, `at` unix seconds by its own clock (None if it does not tell).

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
    """Start a task. `graph` is a whole API-format graph as JSON text and goes without a list:
    beside an inline graph the list is checked against the stored one (live report)."""
    about = workflow_fields(node_info, options or TaskOptions(), graph, access_password)
    return order_call("/task/openapi/create", {"workflowId": workflow_id, **about})


def workflow_fields(
    node_info: tuple[NodeInfo, ...], options: TaskOptions, graph: str | None, access_password: str
) -> dict[str, object]:
    """What an order of a workflow says beside its id, by either route."""
    fields: dict[str, object] = {"addMetadata": options.add_metadata}
    if graph is not None:
        fields["workflow"] = graph
    elif node_info:
        fields["nodeInfoList"] = node_info_list(node_info)
    return {**fields, **option_fields(options, access_password)}


def order_call(path: str, body: Mapping[str, object]) -> Call[Ticket]:
    """A call that starts a task, whose errors tell what became of the order."""
    return Call(
        Request("POST", path, Auth.BODY, body),
        telling_fate(read_ticket, path),
        repeatable=False,
        seconds=CREATE_SECONDS,
    )


def node_info_list(node_info: Iterable[NodeInfo]) -> list[dict[str, object]]:
    """The list as it is sent."""
    return [
        {"nodeId": info.node_id, "fieldName": info.field, "fieldValue": info.value}
        for info in node_info
    ]


def option_fields(options: TaskOptions, access_password: str) -> dict[str, object]:
    """The options that workflows and AI apps have in common; defaults are left out."""
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
    """The answer to an order, of a workflow or of an AI app."""
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
    """The task id in an answer that broke off, says it twice, or is a JSON text of itself: the
    one thing of it that must not be lost."""
    match = _WHOLE_ID.search(response.body) if 200 <= response.status < 300 else None
    return (match[1] or match[2]).decode() if match else ""


def read_tips(value: object) -> Tips:
    """`promptTips`, a JSON text."""
    tips = read_object(value)
    return Tips(
        outputs=tuple(read_id(item) for item in as_list(tips.get("outputs_to_execute"))),
        node_errors=read_node_errors(tips),
    )


def rejected_nodes(ticket: Ticket) -> GraphRejected | None:
    """The error of an order that was taken although nodes of its graph will not run."""
    if not ticket.tips.node_errors:
        return None
    node_id, text = next(iter(ticket.tips.node_errors.items()))
    return GraphRejected(
        "error.node_errors",
        node_id=node_id,
        task_id=ticket.task_id,
        node=node_id,
        title="",
        remote=text,
    )


T = TypeVar("T")

# Whether a task was started.

# HTTP statuses that are given before a request is carried out.
_NOT_CARRIED_OUT = frozenset(
    {
        401,  # the key was not accepted
        403,  # this key, or this machine, may not
        405,  # nothing here takes a POST
        407,  # a proxy on the way wants its own credentials
        413,  # the body was too large to be read
        415,  # the body was not read for its type
        421,  # the connection led to a server of somebody else
        429,  # too many requests: this one was turned away
        307,  # the same request is to be sent elsewhere, where it was not sent
        308,
    }
)
# Of 404, 410 and 301 a create may know nothing (there is no such path) or be the past (the page
# that shows its answer is missing or has moved). Who never took an order has no such path.
_NO_SUCH_PATH = frozenset({404, 410, 301})
# 303 is the answer to what was carried out, 302 what older servers send in its place, 408 is
# given up in the middle, and 5xx fail anywhere. They and all others say nothing.

# Codes of errors that are decided before a task exists.
_REFUSALS = (Refused, QueueFull, RateLimited, UploadFailed, ContentRefused)


def telling_fate(read: Callable[[Response], T], path: str) -> Callable[[Response], T]:
    """A reader of answers to a create at `path`, whose errors tell what became of the order."""

    def reader(response: Response) -> T:
        try:
            return read(response)
        except RunningHubError as error:
            fate, wrong_address = _judge(error, response, path)
            is_elsewhere = isinstance(error, Redirected) and fate is Fate.NOT_STARTED
            key = "error.redirected_order" if is_elsewhere else None
            with_fate = error.with_context(key, fate=fate, wrong_address=wrong_address)
            raise with_fate from error.__cause__

    return reader


def _judge(error: RunningHubError, response: Response, path: str) -> tuple[Fate, bool]:
    """The fate of an order, and whether it was not started if its origin never took one."""
    status = response.status
    if isinstance(error, GraphRejected):
        return Fate.NOT_STARTED, False  # ComfyUI's own report on a graph, which it did not queue
    kind = BY_CODE.get(error.code) if error.code is not None else None
    if kind is not None:  # beside a code that nobody documents the status says what it says
        refused = issubclass(kind, _REFUSALS) and not issubclass(kind, TaskNotFound)
        return Fate.NOT_STARTED if refused else Fate.UNKNOWN, False
    if status in _NOT_CARRIED_OUT or (status == 301 and _is_same_path(response, path)):
        return Fate.NOT_STARTED, False
    is_page = status < 300 and looks_like_page(response.body[:512])
    return Fate.UNKNOWN, status in _NO_SUCH_PATH or is_page


def is_gone(error: RunningHubError) -> bool:
    """Whether a create was refused since nothing takes orders there: HTTP 404 or 410, or code 404.

    What became of the order is its fate's to say.
    """
    status = error.params.get("status") if error.code is None else error.code
    return isinstance(error, NotFound) and status in (404, 410)


def _is_same_path(response: Response, path: str) -> bool:
    """Whether a redirect changes the scheme or the host alone: a wrong address of the site."""
    try:
        target = urlsplit(urljoin(f"https://x{path}", response.headers.get("location", "")))
    except ValueError:
        return False
    return bool(response.headers.get("location")) and (target.path, target.query) == (path, "")
