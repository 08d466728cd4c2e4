"""Which remote nodes the outputs are for, and the order of their results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from ..errors import BadField, BadInput
from .constants import POOL
from .nearest import listed, nearest
from .prompt import Graph, id_order, read_nodes, terminal_nodes

# `name_00001_`, `name_00001-audio`, and with what RunningHub adds: `name_00001_abcde_1760000000`.
# Seven digits at most: longer ones are timestamps.
_COUNTER = re.compile(r"_([0-9]{5,7})(?:-[a-z]+)?(?:_(?:[0-9A-Za-z]+_[0-9]{9,})?)?$")


class Placed(Protocol):
    """A result of a remote node; `node_id` is "" if the service did not name the node."""

    @property
    def node_id(self) -> str: ...


P = TypeVar("P", bound=Placed)


def read_output_ids(text: str, graph: Graph | None = None) -> tuple[str, ...]:
    """Parse a list of node ids such as `9, 12:3`, in that order; () for a blank one.

    A full-width comma is a separator as well: Chinese keyboards type it.

    Raises BadInput for an id given twice and for more than POOL, BadField for an id that the
    workflow does not have (not checked if `graph` is None).
    """
    ids = tuple(part for part in re.split(r"[\s,\uff0c]+", text) if part)
    twice = next((node_id for node_id in ids if ids.count(node_id) > 1), None)
    if twice is not None:
        raise BadInput("error.outputs_twice", wanted=twice)
    if len(ids) > POOL:
        raise BadInput("error.outputs_many", count=len(ids), limit=POOL)
    if graph is not None:
        nodes = read_nodes(graph)
        for node_id in ids:
            if node_id not in nodes:
                near = [f"{i} ({nodes[i].label})" for i in nearest(node_id, nodes)]
                raise BadField(
                    "error.outputs_unknown", node_id=node_id, wanted=node_id, near=listed(near)
                )
    return ids


def select(
    listed_ids: Sequence[str],
    announced: Iterable[str] = (),
    graph: Graph | None = None,
    results: Iterable[Placed] = (),
) -> tuple[str, ...]:
    """Select the remote nodes that have outputs, in the order of the outputs.

    The user's list if there is one. Else, sorted as integer paths: the nodes that the service
    announced for output, else the terminal nodes, else those in the results. A source that has no
    node in the results is skipped. These may be more than POOL: the first ones have an output of
    their own, the typed outputs hold all.
    """
    if listed_ids:
        return tuple(listed_ids)
    in_results = {result.node_id for result in results} - {""}
    ends = terminal_nodes(graph) if graph is not None else ()
    for source in (set(announced) - {""}, set(ends), in_results):
        if source & in_results or (source and not in_results):
            return tuple(sorted(source, key=id_order))
    return ()


def group(
    results: Iterable[P], selected: Sequence[str], name: Callable[[P], str]
) -> dict[str, list[P]]:
    """Group the results of the selected nodes by node, in file order.

    Every selected node has an entry. Results without a node id come last, under "": they belong
    to the typed outputs alone. `name` gives a result's file name, "" when it has none. Files
    are ordered by the counter in their names when all of a node have one, else as listed.
    """
    groups: dict[str, list[P]] = {node_id: [] for node_id in [*selected, ""]}
    for result in results:
        if result.node_id in groups:
            groups[result.node_id].append(result)
    if not groups[""]:
        del groups[""]
    return {node_id: _ordered(members, name) for node_id, members in groups.items()}


def _ordered(results: list[P], name: Callable[[P], str]) -> list[P]:
    counted = [(count, item) for item in results if (count := counter(name(item))) is not None]
    if len(counted) < len(results):
        return results
    return [item for _, item in sorted(counted, key=lambda pair: pair[0])]


def counter(file_name: str) -> int | None:
    """ComfyUI's file counter: 1 in `ComfyUI_00001_abcde_1760000000.png`; None if there is none."""
    match = _COUNTER.search(PurePosixPath(file_name).stem)
    return int(match[1]) if match else None
