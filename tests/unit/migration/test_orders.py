"""What old nodes ordered and what ours order in their place is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rh_api.migration import Migration, migrate
from rh_api.models.catalogue import Catalogue
from tests.support import old_graphs
from tests.support.canvas_graphs import to_canvas, to_prompt
from tests.support.old_packs import Order, ordered, orders

CATALOGUE = Catalogue((), date="")
PACKS = (old_graphs.apicall, old_graphs.rh_api, old_graphs.runninghub)
# Old output slot → our output, where there is one; `frames` is told by the node in between.
OUTPUTS = {
    "RH_ExecuteNode": ("images", "frames", None, "text", "audio", *["video"] * 5),
    "RH_Execute": ("images", "frames", "text", "audio", "video", None, "task_id"),
    "RH_ExecuteWorkflow": ("images", "frames", "text", "audio", *[None] * 5, "task_id"),
    "RH_ExecuteAIApp": ("images", "text", "audio", "task_id"),
}
POOL = ("images", "masks", "video", "audio", "text", "files", "task_id")


@pytest.mark.parametrize("make", PACKS)
@pytest.mark.parametrize("first", [0, 50, 100, 150])
def test_random_graphs_order_the_same(make: Callable[[int], dict[str, Any]], first: int) -> None:
    for seed in range(first, first + 25):
        old = make(seed)
        migrated = migrate(old, CATALOGUE)
        stripped = [_stripped(order) for order in orders(old)]
        assert ordered(migrated.document) == stripped, seed
        assert not any(name in old_orders for name in _classes(migrated)), seed


@pytest.mark.parametrize("make", PACKS)
def test_the_canvas_orders_the_same(make: Callable[[int], dict[str, Any]]) -> None:
    for seed in range(30):
        old = make(seed)
        migrated = migrate(to_canvas(old), CATALOGUE)
        sent = to_prompt(migrated.document)
        assert ordered(sent) == [_stripped(order) for order in orders(old)], seed
        _is_sound(migrated.document)


def _is_sound(workflow: dict[str, Any]) -> None:
    """Every slot tells the links that the list of links has, and no link leads nowhere."""
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert len(nodes) == len(workflow["nodes"])
    assert max(nodes) <= workflow["last_node_id"]
    for number, origin, slot, target, place, _ in workflow["links"]:
        assert number in nodes[origin]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][place]["link"] == number
        assert number <= workflow["last_link_id"]
    links = [entry["link"] for node in nodes.values() for entry in node["inputs"] if entry["link"]]
    assert sorted(links) == sorted(link[0] for link in workflow["links"])


old_orders = frozenset(OUTPUTS)


def _stripped(order: Order) -> Order:
    return Order(order.target.strip(), order.is_app, order.fields, order.instance)


def _classes(migrated: Migration) -> set[str]:
    return {str(node["class_type"]) for node in migrated.document.values()}


@pytest.mark.parametrize("make", PACKS)
def test_results_reach_the_same_nodes(make: Callable[[int], dict[str, Any]]) -> None:
    checked = 0
    for seed in range(40):
        old = make(seed)
        new: dict[str, Any] = dict(migrate(old, CATALOGUE).document)
        for node_id, node in old.items():
            if node["class_type"] != "PreviewAny":
                continue
            order, slot = node["inputs"]["source"]
            expected = OUTPUTS[old[order]["class_type"]][slot]
            assert _reads(new, new[node_id]["inputs"].get("source"), order) == expected, seed
            checked += 1
    assert checked > 20


def _reads(prompt: dict[str, Any], link: list[Any] | None, order: str) -> str | None:
    if link is None:
        return None
    node = prompt[link[0]]
    if node["class_type"] == "GetVideoComponents":
        assert link[1] == 0
        assert node["inputs"]["video"] == [order, POOL.index("video")]
        return "frames"
    assert link[0] == order
    return POOL[link[1]]


def test_the_metadata_that_is_new_is_told() -> None:
    settings = {"workflowId_webappId": "19"}
    for is_app in (False, True):
        old = {
            "1": {"class_type": "RH_SettingsNode", "inputs": settings},
            "2": {
                "class_type": "RH_ExecuteNode",
                "inputs": {"apiConfig": ["1", 0], "is_webapp_task": is_app},
            },
        }
        (replaced,) = migrate(old, CATALOGUE).replaced
        # An app's orders do not have the option.
        assert ("migrate.note_metadata" in {note.key for note in replaced.notes}) is not is_app
