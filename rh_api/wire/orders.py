"""Orders: what starts a task, and the ticket that the service gives for one.

Shapes: RunningHub docs, "Start ComfyUI Task 1 - Basic" and "2 - Advanced" (two pages for one
endpoint).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import BadReply, GraphRejected
from .call import Auth, Call, Request, Response
from .envelope import as_list, as_object, open_envelope, read_id, read_node_errors, read_text
from .tasks import Phase, is_task_id, read_phase

CREATE_SECONDS = 60.0  # past it an order's fate is unknown: long enough for a slow line

# In half an answer an id counts only with the sign behind it: its end may be what is missing.
_WHOLE_ID = re.compile(rb'"taskId"\s*:\s*(?:"(\d{5,25})"|(\d{5,25})[,}\s])')


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
    options = options or TaskOptions()
    body: dict[str, object] = {"workflowId": workflow_id, "addMetadata": options.add_metadata}
    if graph is not None:
        body["workflow"] = graph
    elif node_info:
        body["nodeInfoList"] = node_info_list(node_info)
    body.update(option_fields(options, access_password))
    request = Request("POST", "/task/openapi/create", Auth.BODY, body)
    return Call(request, read_ticket, repeatable=False, seconds=CREATE_SECONDS)


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
        data = as_object(open_envelope(response))
    except BadReply:
        # Half an answer may still hold the one thing that must not be lost.
        found = _WHOLE_ID.search(response.body)
        if found is None or not 200 <= response.status < 300:
            raise
        data = {"taskId": (found[1] or found[2]).decode()}
    task_id = read_id(data.get("taskId"))
    if not is_task_id(task_id):
        raise BadReply(status=response.status)
    return Ticket(
        task_id=task_id,
        phase=read_phase(data.get("taskStatus")),
        socket_url=read_text(data.get("netWssUrl")) or None,
        tips=_read_tips(data.get("promptTips")),
        at=response.at,
    )


def _read_tips(value: object) -> Tips:
    tips = as_object(value)
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
