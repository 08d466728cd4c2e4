"""A node's last failure as a text to copy."""

from __future__ import annotations

from ..runtime import failure_reports
from .body import Body, switch_of, text_of


async def report(body: Body) -> dict[str, object]:
    """Without the person's texts, unless `words` asks for them."""
    found = failure_reports.last(text_of(body, "prompt"), text_of(body, "node_id"))
    text = found.full if switch_of(body, "words") else found.plain
    return {
        "text": text,
        "graph": found.graph,
        "task_id": found.task_id,
        "link": found.link,
        "question": found.question,
        "costs": len(found.order_keys),
        "segment": found.segment,
        "refused_id": found.refused_id,
    }
