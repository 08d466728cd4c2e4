"""Runs a segment's order, and attributes its errors to nodes of the user's graph."""

from __future__ import annotations

from ...client import Client, Job, Outcome, Watch
from ...errors import BadInput, NoOutput, RunningHubError
from ...graph.prompt import Graph, links
from .. import Segment
from ..remote_graph import with_float_masks
from .inputs import name_of


async def run_order(client: Client, segment: Segment, job: Job, watch: Watch) -> Outcome:
    """Run a segment's order. An error of a node that we added is raised as its nearest member's:
    the id may be another node's in the local graph."""
    try:
        return await client.run(job, watch)
    except NoOutput as error:
        if error.key != NoOutput.default_key:
            raise
        raise error.with_context("segment.nothing_made") from error.__cause__
    except RunningHubError as error:
        owner = _owner(with_float_masks(job.graph or {}), segment.members, error.node_id or "")
        if owner in ("", error.node_id):
            raise
        params = {"node": owner, "title": BadInput("segment.helper", title=name_of(segment, owner))}
        raise error.with_context(node_id=owner, params=params) from error.__cause__


def _owner(graph: Graph, members: tuple[str, ...], node_id: str) -> str:
    """The nearest member by breadth-first search along links in either direction; "" for none."""
    neighbours: dict[str, list[str]] = {}
    for link in links(graph):
        neighbours.setdefault(link.target, []).append(link.source)
        neighbours.setdefault(link.source, []).append(link.target)
    reached = [node_id]
    for at in reached:
        if at in members:
            return at
        reached += [neighbour for neighbour in neighbours.get(at, ()) if neighbour not in reached]
    return ""
