"""Workflows: their id as people paste it, and their API-format JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..errors import BadReply
from .call import Auth, Call, Request, Response
from .envelope import as_object, open_envelope, read_json
from .pages import WORKFLOW, read_page

Graph = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WorkflowRef:
    """What a person pasted: an id, and the host when it was a link ("" otherwise)."""

    workflow_id: str
    host: str = ""


def read_ref(text: str) -> WorkflowRef:
    """Take the id out of an id or a link to a workflow's page, of any site.

    Raises BadInput for what is neither, and for a link to an AI app, which it tells apart.
    """
    return WorkflowRef(*read_page(text, WORKFLOW))


def workflow_json(workflow_id: str, access_password: str = "") -> Call[Graph]:
    """The saved workflow in API format: node id to `{class_type, inputs, _meta}`.

    RunningHub docs, "Get Workflow JSON": `data.prompt` is a JSON text; an object is read too.
    The password of a protected workflow is documented for orders only; who has set one sends it
    here as well, since nothing says that the JSON of such a workflow is open.
    """
    body = {"workflowId": workflow_id}
    if access_password:
        body["accessPassword"] = access_password
    request = Request("POST", "/api/openapi/getJsonApiFormat", Auth.BODY, body)
    return Call(request, _read_graph, repeatable=True, seconds=30.0)


def _read_graph(response: Response) -> Graph:
    prompt = as_object(open_envelope(response)).get("prompt")
    if isinstance(prompt, str):
        prompt = read_json(prompt)
    if not isinstance(prompt, dict):
        raise BadReply(status=response.status)
    return cast("Graph", prompt)
