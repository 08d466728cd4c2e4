"""A node's last failure as a text to copy."""

from __future__ import annotations

from ..runtime import failure_reports
from .body import Body, switch_of, text_of


async def report(body: Body) -> dict[str, object]:
    """Return the report of a node's failure; `words` true: without redacting the user's texts."""
    failure = failure_reports.last(text_of(body, "prompt"), text_of(body, "node_id"))
    text = failure.full if switch_of(body, "words") else failure.plain
    return {
        "text": text,
        "graph": failure.graph,
        "task_id": failure.task_id,
        "link": failure.link,
        "question": failure.question,
        "costs": len(failure.order_keys),
        "segment": failure.segment,
        "refused_id": failure.refused_id,
    }
