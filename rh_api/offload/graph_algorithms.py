"""Generic algorithms on directed graphs, iterative so that depth is not limited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Vertex = TypeVar("Vertex", bound="str | int")


class CycleFound(ValueError):
    """The graph has no topological order. `vertex` is on a cycle."""

    def __init__(self, vertex: str | int) -> None:
        super().__init__(str(vertex))
        self.vertex = vertex


def topological_order(
    roots: Iterable[Vertex], sources: Callable[[Vertex], Iterable[Vertex]]
) -> Iterator[Vertex]:
    """Yield what `roots` reach in depth-first postorder: each vertex after all of its `sources`.

    Raises CycleFound.
    """
    done: set[Vertex] = set()
    under_way: set[Vertex] = set()
    for root in roots:
        stack: list[tuple[Vertex, Iterator[Vertex]]] = []
        if root not in done:
            under_way.add(root)
            stack.append((root, iter(sources(root))))
        while stack:
            vertex, remaining = stack[-1]
            for source in remaining:
                if source in under_way:
                    raise CycleFound(source)
                if source not in done:
                    under_way.add(source)
                    stack.append((source, iter(sources(source))))
                    break
            else:
                stack.pop()
                under_way.discard(vertex)
                done.add(vertex)
                yield vertex


def strongly_connected_components(
    edges: Mapping[Vertex, Iterable[Vertex]],
) -> Iterator[list[Vertex]]:
    """Yield the SCCs of a graph given by adjacency, by Tarjan's algorithm."""
    index: dict[Vertex, int] = {}
    low_link: dict[Vertex, int] = {}
    open_vertices: list[Vertex] = []
    is_open: set[Vertex] = set()

    def enter(vertex: Vertex) -> None:
        index[vertex] = low_link[vertex] = len(index)
        open_vertices.append(vertex)
        is_open.add(vertex)
        stack.append((vertex, iter(edges.get(vertex, ()))))

    for start in list(edges):
        if start in index:
            continue
        stack: list[tuple[Vertex, Iterator[Vertex]]] = []
        enter(start)
        while stack:
            vertex, successors = stack[-1]
            for successor in successors:
                if successor not in index:
                    enter(successor)
                    break
                if successor in is_open:
                    low_link[vertex] = min(low_link[vertex], index[successor])
            else:
                stack.pop()
                if stack:
                    parent = stack[-1][0]
                    low_link[parent] = min(low_link[parent], low_link[vertex])
                if low_link[vertex] == index[vertex]:
                    component = _pop_through(open_vertices, vertex)
                    is_open.difference_update(component)
                    yield component


def _pop_through(stack: list[Vertex], vertex: Vertex) -> list[Vertex]:
    """Pop `stack` down to `vertex`, inclusive; returns what was popped."""
    popped = [stack.pop()]
    while popped[-1] != vertex:
        popped.append(stack.pop())
    return popped


class DisjointSets(Generic[Vertex]):
    """Union-find with path halving."""

    def __init__(self) -> None:
        self._parent: dict[Vertex, Vertex] = {}

    def __contains__(self, vertex: object) -> bool:
        return vertex in self._parent

    def add(self, vertex: Vertex) -> None:
        """Add a singleton set; the vertex must be new."""
        self._parent[vertex] = vertex

    def find(self, vertex: Vertex) -> Vertex:
        """The representative of the set of `vertex`."""
        parent = self._parent
        while parent[vertex] != vertex:
            parent[vertex] = vertex = parent[parent[vertex]]
        return vertex

    def union(self, vertex: Vertex, other: Vertex) -> None:
        self._parent[self.find(vertex)] = self.find(other)
