"""Pages of the site as people paste them: an id, or a link that holds one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import BadInput

MAX_ID = 2**63 - 1  # ids are 64-bit snowflakes, kept as text


@dataclass(frozen=True, slots=True)
class Page:
    """A kind of page, by what tells the other kind's links apart and by the keys of refusals."""

    other_links: re.Pattern[str]
    blank: str
    unreadable: str
    other_link: str
    other_id: str

    def mistaken(self, number: str) -> BadInput:
        """The refusal of an id that the site knows, but as the other kind of page."""
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
    """The id in an id or a link, and the link's host with its port ("" without a link).

    Raises BadInput for what is neither, and for a link to the other kind of page.
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
