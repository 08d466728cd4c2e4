"""Output nodes that are executed only if a lazy input requests them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .prompt import Graph, Link, links

IsLazy = Callable[[Link], bool]


def on_demand(
    graph: Graph, outputs: Collection[str], paid: Collection[str], is_lazy: IsLazy
) -> set[str]:
    """Of `outputs`, the `paid` ones that the others read through lazy inputs alone.

    ComfyUI executes every output node, so behind a switch also the branch that is not selected.
    Left out of a prompt's targets, they are executed only if an input requests them.
    """
    reading: dict[str, list[Link]] = {}
    for link in links(graph):
        reading.setdefault(link.target, []).append(link)

    def sources(roots: Collection[str], *, lazily: bool) -> set[str]:
        waiting, reached = list(roots), set[str]()
        while waiting:
            for link in reading.get(waiting.pop(), ()):
                if link.source not in reached and (lazily or not is_lazy(link)):
                    reached.add(link.source)
                    waiting.append(link.source)
        return reached

    read_from = {link.source for inputs in reading.values() for link in inputs}
    may_wait = set(outputs) & set(paid) & read_from
    may_wait &= sources(set(outputs) - may_wait, lazily=True)
    return may_wait - sources(set(outputs) - may_wait, lazily=False)
