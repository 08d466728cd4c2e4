"""A node's last failure as a text to copy."""

from __future__ import annotations

from .. import reports
from . import Body, Route, switch_of, text_of


async def report(body: Body) -> dict[str, object]:
    """Without the person's texts, unless `words` asks for them."""
    found = reports.last(text_of(body, "node_id"))
    text = found.full if switch_of(body, "words") else found.plain
    return {
        "text": text,
        "task_id": found.task_id,
        "link": found.link,
        "uncertain": found.uncertain,
    }


ROUTES = (Route("POST", "/runninghub/report", report),)
