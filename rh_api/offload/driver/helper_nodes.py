"""Errors of nodes that an order's graph has beside the person's own: what carries values across."""

from __future__ import annotations

from ...client import Client, Job, Outcome, Watch
from ...errors import BadInput, RunningHubError
from ...graph.prompt import Graph, links
from .. import Segment
from .inputs import called


async def run(client: Client, segment: Segment, job: Job, watch: Watch) -> Outcome:
    """Run a segment's order. An error of a helper node is told as the node's whose value that
    carries: a node of the local graph may have the helper's id."""
    try:
        return await client.run(job, watch)
    except RunningHubError as error:
        owner = _owner(job.graph or {}, segment.members, error.node_id or "")
        if owner in ("", error.node_id):
            raise
        title = BadInput("segment.helper", title=called(segment, owner))
        told = error.with_context(node_id=owner, params={"node": owner, "title": title})
        raise told from error.__cause__


def _owner(graph: Graph, members: tuple[str, ...], node_id: str) -> str:
    """The nearest member, in either direction; "" where none is linked."""
    neighbours: dict[str, list[str]] = {}
    for link in links(graph):
        neighbours.setdefault(link.target, []).append(link.source)
        neighbours.setdefault(link.source, []).append(link.target)
    reached = [node_id]
    for at in reached:
        if at in members:
            return at
        reached += [one for one in neighbours.get(at, ()) if one not in reached]
    return ""
