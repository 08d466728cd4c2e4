"""Orders of workflows and AI apps by the V2 routes, which start the same tasks.

Undocumented: the site's own "curl" text shows them, and public clients use them
(difyz9/runninghub-sdk-go). As for standard models the answer is the task object itself, without an
envelope and without a WebSocket URL; a refusal is a code in `errorCode`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import BadReply, RunningHubError
from .call import Auth, Call, Request, Response
from .envelope import Json, business_error, read_id, read_int, reply_of
from .orders import (
    CREATE_SECONDS,
    NodeInfo,
    TaskOptions,
    Ticket,
    node_info_list,
    option_fields,
    read_tips,
    salvaged_id,
    telling_fate,
    workflow_fields,
)
from .tasks import is_task_id, read_phase

SUBMIT_V1, SUBMIT_V2 = "v1", "v2"
"""By which routes workflows and apps are ordered: V1, as documented, or V2."""


def run_workflow(
    workflow_id: str,
    node_info: tuple[NodeInfo, ...] = (),
    options: TaskOptions | None = None,
    *,
    graph: str | None = None,
    access_password: str = "",
) -> Call[Ticket]:
    """Start a task by V2; arguments as of `orders.create`."""
    body = workflow_fields(node_info, options or TaskOptions(), graph, access_password)
    if graph is None:
        body.setdefault("nodeInfoList", [])  # no known client omits it on this route
    return order_call_v2(f"/openapi/v2/run/workflow/{workflow_id}", body)


def run_app(
    app_id: str,
    node_info: tuple[NodeInfo, ...] = (),
    options: TaskOptions | None = None,
    *,
    access_password: str = "",
) -> Call[Ticket]:
    """Start an app by V2; arguments as of `apps.run_app`."""
    body = option_fields(options or TaskOptions(), access_password)
    body["nodeInfoList"] = node_info_list(node_info)
    return order_call_v2(f"/openapi/v2/run/ai-app/{app_id}", body)


Refusal = Callable[[int, Json, Response], RunningHubError]
"""Maps a business code, the answer's object and its response to an error."""


def order_call_v2(
    path: str, body: Mapping[str, object], refusal: Refusal = business_error
) -> Call[Ticket]:
    """As `orders.order_call`, with a Bearer key and a V2 answer; for standard models too."""

    def read(response: Response) -> Ticket:
        return _read_ticket(response, refusal)

    return Call(
        Request("POST", path, Auth.BEARER, body),
        telling_fate(read, path),
        repeatable=False,
        seconds=CREATE_SECONDS,
    )


def raise_refusal(reply: Json, response: Response, refusal: Refusal) -> None:
    """Raise the error of a task object or price quote with a nonzero code."""
    code = read_int(reply.get("errorCode")) or read_int(reply.get("code"))
    if code:
        raise refusal(code, reply, response)


def _read_ticket(response: Response, refusal: Refusal) -> Ticket:
    try:
        reply = reply_of(response)
    except BadReply:
        task_id = salvaged_id(response)
        if not task_id:
            raise
        reply = {"taskId": task_id}
    task_id = read_id(reply.get("taskId"))
    # With an id there is a task, whatever the code says: polls will tell.
    if not is_task_id(task_id):
        raise_refusal(reply, response, refusal)
        task_id = salvaged_id(response)
    if not task_id:
        raise BadReply(status=response.status)
    return Ticket(
        task_id=task_id,
        phase=read_phase(reply.get("status")),
        tips=read_tips(reply.get("promptTips")),
        at=response.at,
    )
