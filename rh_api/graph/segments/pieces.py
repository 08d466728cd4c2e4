"""Parts that are left and entered again, split so that every piece can run as one order.

What a piece needs from itself by way of another has to be two pieces, one after the other. They
are numbered by how often a way through the graph has left such a knot of parts and come back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from .homes import Homes

Vertex = int | str
"""A part, or a node that stays here."""


def split(homes: Homes) -> tuple[dict[str, int], int]:
    """The piece of each node that goes to the cloud, and how many parts had to be split."""
    knots = _knots(homes) if _may_return(homes) else {}
    if not knots:
        return dict(homes.part), 0
    stage = _stages(homes, knots)
    _lift(homes, stage)
    pieces = _connected(homes, stage)
    stages: defaultdict[int, set[int]] = defaultdict(set)
    for node_id, part in homes.part.items():
        stages[part].add(stage.get(node_id, 0))
    return pieces, sum(len(each) > 1 for each in stages.values())


def _may_return(homes: Homes) -> bool:
    """Whether anything in the cloud reads what comes from another part, the cheap question."""
    part = homes.part
    after: set[str] = set()
    for node_id in homes.ground.order:
        own = part.get(node_id)
        for _, source, _ in homes.links_of(node_id):
            if source not in after and (source not in part or part[source] == own):
                continue
            if own is not None:
                return True
            after.add(node_id)
    return False


def _vertex(homes: Homes, node_id: str) -> Vertex:
    return homes.part.get(node_id, node_id)


def _knots(homes: Homes) -> dict[Vertex, int]:
    """Parts and nodes that need each other in a circle, by the circle's number."""
    reads: defaultdict[Vertex, dict[Vertex, None]] = defaultdict(dict)
    for node_id in homes.ground.order:
        reader = _vertex(homes, node_id)
        for _, source, _ in homes.links_of(node_id):
            needed = _vertex(homes, source)
            if needed != reader:
                reads[reader][needed] = None
    circles = (circle for circle in _circles(reads) if len(circle) > 1)
    return {vertex: number for number, circle in enumerate(circles) for vertex in circle}


def _circles(reads: Mapping[Vertex, Iterable[Vertex]]) -> Iterable[list[Vertex]]:
    """Tarjan's strongly connected components, without recursion."""
    index: dict[Vertex, int] = {}
    low: dict[Vertex, int] = {}
    waiting: list[Vertex] = []
    inside: set[Vertex] = set()
    for start in list(reads):
        if start in index:
            continue
        stack = [(start, iter(reads.get(start, ())))]
        index[start] = low[start] = len(index)
        waiting.append(start)
        inside.add(start)
        while stack:
            vertex, ways = stack[-1]
            for other in ways:
                if other not in index:
                    index[other] = low[other] = len(index)
                    waiting.append(other)
                    inside.add(other)
                    stack.append((other, iter(reads.get(other, ()))))
                    break
                if other in inside:
                    low[vertex] = min(low[vertex], index[other])
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[vertex])
                if low[vertex] == index[vertex]:
                    circle = [waiting.pop()]
                    while circle[-1] != vertex:
                        circle.append(waiting.pop())
                    inside.difference_update(circle)
                    yield circle


def _stages(homes: Homes, knots: Mapping[Vertex, int]) -> dict[str, int]:
    """How often each node of a knot has another piece of the knot before it.

    For a node that stays here: how often what reads it will have.
    """
    stage: dict[str, int] = {}
    for node_id in homes.ground.order:
        own = _vertex(homes, node_id)
        knot = knots.get(own)
        if knot is None:
            continue
        latest = 0
        for _, source, _ in homes.links_of(node_id):
            other = _vertex(homes, source)
            if knots.get(other) == knot:
                left = isinstance(other, int) and other != own
                latest = max(latest, stage[source] + left)
        stage[node_id] = latest
    return stage


def _lift(homes: Homes, stage: dict[str, int]) -> None:
    """What only later pieces of its own part read runs there, not in an order of its own."""
    earliest: dict[str, int] = {}
    pinned: set[str] = set()
    for node_id in reversed(homes.ground.order):
        part = homes.part.get(node_id)
        if node_id in earliest and node_id not in pinned:
            stage[node_id] = max(stage[node_id], earliest[node_id])
        for _, source, _ in homes.links_of(node_id):
            if source not in stage:
                continue
            if part is None or homes.part.get(source) != part:
                pinned.add(source)
            else:
                earliest[source] = min(earliest.get(source, stage[node_id]), stage[node_id])


def _connected(homes: Homes, stage: Mapping[str, int]) -> dict[str, int]:
    """Pieces: nodes of one part and stage that touch."""
    above: dict[str, str] = {}

    def top(node_id: str) -> str:
        while above[node_id] != node_id:
            above[node_id] = node_id = above[above[node_id]]
        return node_id

    numbers: dict[str, int] = {}
    ours = [node_id for node_id in homes.ground.order if node_id in homes.part]
    for node_id in ours:
        above[node_id] = node_id
        key = homes.part[node_id], stage.get(node_id, 0)
        for _, source, _ in homes.links_of(node_id):
            if homes.part.get(source) == key[0] and stage.get(source, 0) == key[1]:
                above[top(node_id)] = top(source)
    return {node_id: numbers.setdefault(top(node_id), len(numbers)) for node_id in ours}
