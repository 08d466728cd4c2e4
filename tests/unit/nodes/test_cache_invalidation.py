"""What is remembered of nodes that gave less than was paid, and of all others nothing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from rh_api.client import Outcome
from rh_api.wire.orders import Tips
from rh_api.wire.tasks import Usage

Pack = Callable[[str], ModuleType]

WHOLE = Outcome("1", (), Usage(), Tips(), 1.0)
LESS = Outcome("2", (), Usage(), Tips(), 1.0, missing=("9",))


class Graph(str):
    """The text of a marked part, which can be watched."""


def test_a_part_that_gave_all_that_was_paid_is_not_kept(pack: Pack) -> None:
    cache_invalidation = pack("nodes.runtime.cache_invalidation")
    graph = Graph('{"1": {"class_type": "ImageInvert"}}' * 1000)
    graph_ref = weakref.ref(graph)
    cache_invalidation.note(graph, [WHOLE])
    assert cache_invalidation.reruns(graph) == 0
    del graph
    gc.collect()
    assert graph_ref() is None


def test_what_did_not_come_has_the_node_run_anew_until_it_is_there(pack: Pack) -> None:
    cache_invalidation = pack("nodes.runtime.cache_invalidation")
    for outcome, reruns in ((WHOLE, 0), (LESS, 1), (LESS, 1), (WHOLE, 1), (LESS, 2)):
        cache_invalidation.note("a graph", [outcome])
        assert cache_invalidation.reruns("a graph") == reruns


def test_only_the_latest_graphs_are_kept(pack: Pack) -> None:
    cache_invalidation = pack("nodes.runtime.cache_invalidation")
    refs: list[weakref.ref[Graph]] = []
    for number in range(2 * cache_invalidation.KEPT_NODES):
        graph = Graph(f"graph {number}")
        refs.append(weakref.ref(graph))
        cache_invalidation.note(graph, [LESS])
    del graph
    gc.collect()
    kept = [ref() for ref in refs if ref() is not None]
    assert kept == [f"graph {number}" for number in range(len(refs) // 2, len(refs))]


def test_a_task_fetched_later_has_its_node_run_anew(pack: Pack) -> None:
    cache_invalidation = pack("nodes.runtime.cache_invalidation")
    cache_invalidation.note("a fetched graph", [LESS])
    cache_invalidation.fetched(LESS)
    assert cache_invalidation.reruns("a fetched graph") == 1
    cache_invalidation.fetched(replace(LESS, missing=()))
    assert cache_invalidation.reruns("a fetched graph") == 2
