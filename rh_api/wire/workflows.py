"""Workflows: parsing pasted ids and links (of AI apps too), and their API-format JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from ..errors import BadInput, BadReply, Fate
from .call import LARGE_ANSWER_LIMIT, Auth, Call, Request, Response
from .envelope import check_size, open_envelope, read_json, read_object

MAX_ID = 2**63 - 1  # ids are 64-bit snowflakes, kept as text


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of page: the pattern of the other kind's links, and the text keys of its errors."""

    other_links: re.Pattern[str]
    blank: str
    unreadable: str
    other_link: str
    other_id: str

    def mistaken(self, number: str) -> BadInput:
        """Return the error of an id that belongs to the other kind of page."""
        return BadInput(self.other_id, value=number)


WORKFLOW = Page(
    other_links=re.compile(r"ai-detail"),
    blank="error.workflow_blank",
    unreadable="error.workflow_id",
    other_link="error.workflow_is_app",
    other_id="error.workflow_id_is_app",
)
APP = Page(
    other_links=re.compile(r"/(workflow|post)/"),
    blank="error.app_blank",
    unreadable="error.app_id",
    other_link="error.app_is_workflow",
    other_id="error.app_id_is_workflow",
)


def read_page(text: str, page: Page) -> tuple[str, str]:
    """Parse an id, or a link of any site, to the id and the link's host with port ("" for an id).

    Raises BadInput for anything else, and for a link to the other kind of page.
    """
    text = text.strip()
    if not text:
        raise BadInput(page.blank)
    host = ""
    number = text
    if not text.isdigit():
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            host = (parts.hostname or "").lower()
            port = parts.port
        except ValueError as error:
            raise BadInput(page.unreadable, value=text[:100]) from error
        if parts.scheme not in ("http", "https") or parts.username is not None or not host:
            raise BadInput(page.unreadable, value=text[:100])
        if page.other_links.search(parts.path):
            raise BadInput(page.other_link)
        ids = re.findall(r"(?:^|/)(\d+)(?=/|$)", parts.path)
        if len(ids) != 1:
            raise BadInput(page.unreadable, value=text[:100])
        number = ids[0]
        host += f":{port}" if port else ""
    if not number.isascii() or not 0 < int(number[:40]) <= MAX_ID:
        raise BadInput(page.unreadable, value=text[:100])
    return number.lstrip("0"), host


def workflow_json(workflow_id: str, access_password: str = "") -> Call[Mapping[str, object]]:
    """Query the saved workflow in API format: node id to `{class_type, inputs, _meta}`.

    RunningHub docs, "Get Workflow JSON": `data.prompt` is a JSON text; an object is accepted too.
    The access password is documented for orders only; it is sent here as well if set, since
    nothing says that a protected workflow's JSON is public.
    """
    body = {"workflowId": workflow_id}
    if access_password:
        body["accessPassword"] = access_password
    request = Request("POST", "/api/openapi/getJsonApiFormat", Auth.BODY, body)
    return Call(
        request,
        _read_graph,
        repeatable=True,
        fate=Fate.NOT_STARTED,
        seconds=30.0,
        limit=LARGE_ANSWER_LIMIT,
    )


def _read_graph(response: Response) -> Mapping[str, object]:
    prompt = read_object(open_envelope(response)).get("prompt")
    if isinstance(prompt, str):
        check_size(prompt, response.status)
        prompt = read_json(prompt)
    if not isinstance(prompt, dict):
        raise BadReply(status=response.status)
    return cast("Mapping[str, object]", prompt)
