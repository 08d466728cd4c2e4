"""Single rules of chains: what stays and why, how a canvas's own nodes are seen through."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from rh_api.errors import BadInput
from rh_api.migration import Migration, migrate
from rh_api.migration.keys import find_keys
from rh_api.models.catalogue import Catalogue
from tests.support import old_graphs
from tests.support.canvas_graphs import to_canvas

CATALOGUE = Catalogue((), date="")
SETTINGS = {
    "class_type": "RH_SettingsNode",
    "inputs": {"base_url": "https://x", "apiKey": "k", "workflowId_webappId": "190"},
}


def entry(value: Any, node: Any = 6, field: str = "text", before: Any = None) -> dict[str, Any]:
    inputs = {"nodeId": node, "fieldName": field, "fieldValue": value}
    if before:
        inputs["previousNodeInfoList"] = [before, 0]
    return {"class_type": "RH_NodeInfoListNode", "inputs": inputs}


def execute(list_from: str | None = None, /, **inputs: Any) -> dict[str, Any]:
    wired = {"apiConfig": ["1", 0], **({"nodeInfoList": [list_from, 0]} if list_from else {})}
    return {"class_type": "RH_ExecuteNode", "inputs": {**wired, **inputs}}


def run(prompt: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Migration]:
    migration = migrate(prompt, CATALOGUE, **more)
    return {key: node["inputs"] for key, node in migration.document.items()}, migration


def why(migration: Migration) -> dict[str, str]:
    return {left.node.id: left.why.key for left in migration.left}


def test_an_order_keeps_its_time_limit_and_its_machine() -> None:
    old = {"1": SETTINGS, "2": execute(run_timeout=77, use_rtx4090_48g=True, is_webapp_task=True)}
    new, migration = run(old)
    assert new == {"2": {"app": "190", "timeout": 77, "instance": "plus", "reroll_seeds": True}}
    assert migration.replaced[0].becomes == "RunningHubAIApp"
    assert [node.id for node in migration.replaced[0].nodes] == ["2", "1"]


def test_a_list_from_elsewhere_stays_linked() -> None:
    maker = {"class_type": "OtherList", "inputs": {}}
    old = {"1": SETTINGS, "3": maker, "4": entry("a", before="3"), "2": execute("4")}
    new, migration = run(old)
    assert new == {key: node["inputs"] for key, node in old.items()}
    assert why(migration) == {
        "2": "migrate.stays_list",
        "1": "migrate.stays_needed",
        "4": "migrate.stays_needed",
    }


def test_a_value_that_another_node_makes_stays_linked() -> None:
    old = {"1": SETTINGS, "3": {"class_type": "TextMaker", "inputs": {}}}
    new, _ = run({**old, "4": entry(["3", 0]), "2": execute("4")})
    assert new["2"]["6.text"] == ["3", 0]


def test_a_field_that_comes_twice_has_its_last_value() -> None:
    old = {"1": SETTINGS, "3": entry("a"), "4": entry("b", before="3"), "2": execute("4")}
    new, migration = run(old)
    assert new["2"]["6.text"] == "b"
    assert "migrate.note_twice" in {note.key for note in migration.replaced[0].notes}


def test_a_switch_over_a_link_cannot_be_known() -> None:
    old = {"1": SETTINGS, "3": {"class_type": "Bool", "inputs": {}}}
    for name in ("is_webapp_task", "use_rtx4090_48g"):
        _, migration = run({**old, "2": execute(None, **{name: ["3", 0]})})
        assert why(migration)["2"] == "migrate.stays_linked"


def test_an_uploader_whose_name_others_read_becomes_ours() -> None:
    picture = {"class_type": "LoadImage", "inputs": {"image": "a.png"}}
    wired = {"apiConfig": ["1", 0], "image": ["5", 0]}
    upload = {"class_type": "RH_ImageUploaderNode", "inputs": wired}
    shown = {"class_type": "ShowText", "inputs": {"text": ["6", 0]}}
    old = {"1": SETTINGS, "5": picture, "6": upload, "7": shown}
    new, moved = run({**old, "4": entry(["6", 0], 10, "image"), "2": execute("4")})
    assert new["2"]["10.image"] == ["5", 0]
    assert new["2"]["batch"] == "first"
    assert new["6"] == {"image": ["5", 0]}
    assert new["7"] == {"text": ["6", 0]}
    assert [row.becomes for row in moved.replaced] == ["RunningHubRemoteWorkflow", "RHUploadImage"]
    assert "1" not in new


def test_a_path_outside_stays_and_feeds_the_field() -> None:
    wired = {"apiConfig": ["1", 0], "video_path": "/a.mp4"}
    upload = {"class_type": "RH_VideoUploaderPath", "inputs": wired}
    old = {"1": SETTINGS, "6": upload, "4": entry(["6", 0], 1, "video"), "2": execute("4")}
    new, migration = run(old)
    assert new["2"]["1.video"] == ["6", 0]
    assert why(migration) == {"6": "migrate.stays_path", "1": "migrate.stays_needed"}


def test_what_a_person_leaves_out_is_left_alone() -> None:
    old = {"1": SETTINGS, "2": execute(), "3": execute()}
    new, migration = run(old, skip={"2"})
    assert new["2"] == old["2"]["inputs"]
    assert "workflow" in new["3"]
    assert why(migration) == {"2": "migrate.stays_chosen", "1": "migrate.stays_needed"}


def test_a_settings_node_without_a_target_keeps_its_order() -> None:
    empty = {**SETTINGS, "inputs": {**SETTINGS["inputs"], "workflowId_webappId": " "}}
    _, migration = run({"1": empty, "2": execute()})
    assert why(migration)["2"] == "migrate.stays_no_target"


def canvas(nodes: list[dict[str, Any]], links: list[list[Any]]) -> dict[str, Any]:
    return {"nodes": nodes, "links": links, "last_node_id": 99, "last_link_id": 99}


def node(
    node_id: int, kind: str, inputs: list[tuple[str, int | None]], values: Any = None, **more: Any
) -> dict[str, Any]:
    sockets = [{"name": name, "type": "*", "link": link} for name, link in inputs]
    outputs = [{"name": "out", "type": "*", "links": []}]
    slots = {"inputs": sockets, "outputs": outputs, "widgets_values": values or []}
    return {"id": node_id, "type": kind, "mode": 0, **slots, **more}


def old_canvas(**of_entry: Any) -> dict[str, Any]:
    """Settings by a Reroute, the value by a Primitive, two entries of which one may be off."""
    nodes = [
        node(1, "RH_SettingsNode", [], ["https://x", "k", "190"]),
        node(2, "Reroute", [("", 1)]),
        node(3, "PrimitiveNode", [], ["a cat", "fixed"]),
        node(4, "RH_NodeInfoListNode", [("fieldValue", 3)], [6, "text", ""]),
        node(
            5, "RH_NodeInfoListNode", [("previousNodeInfoList", 4)], [7, "text", "bad"], **of_entry
        ),
        node(6, "RH_ExecuteNode", [("apiConfig", 2), ("nodeInfoList", 5)], [600, 1, False, False]),
    ]
    for info_list in (nodes[3], nodes[4]):
        for socket in info_list["inputs"]:
            socket["type"] = "ARRAY" if socket["name"].startswith("previous") else "STRING"
        info_list["outputs"][0]["type"] = "ARRAY"
    links = [
        [1, 1, 0, 2, 0, "*"],
        [2, 2, 0, 6, 0, "*"],
        [3, 3, 0, 4, 0, "*"],
        [4, 4, 0, 5, 0, "ARRAY"],
        [5, 5, 0, 6, 1, "ARRAY"],
    ]
    return canvas(nodes, links)


def test_a_canvas_passes_on_what_its_own_nodes_say() -> None:
    new = migrate(old_canvas(), CATALOGUE).document
    (ours,) = new["nodes"]
    assert ours["properties"]["runninghub"]["values"] == {"6.text": "a cat", "7.text": "bad"}
    assert new["links"] == []


def test_named_wires_are_seen_through() -> None:
    old = old_canvas()
    setter = node(8, "SetNode", [("", 1)], ["account"])
    getter = node(9, "GetNode", [], ["account"])
    old["nodes"] = [old_node for old_node in old["nodes"] if old_node["id"] != 2] + [setter, getter]
    old["links"][0] = [1, 1, 0, 8, 0, "*"]
    old["links"][1] = [2, 9, 0, 6, 0, "*"]
    ours = next(new for new in migrate(old, CATALOGUE).document["nodes"] if new["id"] == 6)
    assert ours["type"] == "RunningHubRemoteWorkflow"
    assert ours["properties"]["runninghub"]["values"] == {"6.text": "a cat", "7.text": "bad"}


def test_a_bypassed_entry_is_no_entry_and_stays() -> None:
    migrated = migrate(old_canvas(mode=4), CATALOGUE)
    ours = next(new for new in migrated.document["nodes"] if new["id"] == 6)
    assert ours["properties"]["runninghub"]["values"] == {"6.text": "a cat"}
    assert {left.node.id for left in migrated.left} == {"4", "5"}


def test_a_muted_entry_ends_the_list() -> None:
    migrated = migrate(old_canvas(mode=2), CATALOGUE)
    ours = next(new for new in migrated.document["nodes"] if new["id"] == 6)
    assert ours["properties"]["runninghub"]["values"] == {}


def test_a_torn_graph_is_no_crash() -> None:
    draw = random.Random(7)
    junk: list[Any] = [None, -1, 1e99, float("nan"), "x", [], {}, ["1", 0], {"id": 1}]
    for number in range(300):
        old = old_graphs.apicall(number % 5)
        graph = to_canvas(old) if number % 2 else old
        for _ in range(draw.randint(1, 4)):
            holders = [holder for holder in every(graph) if holder]
            holder = draw.choice(holders)
            place = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            holder[place] = copy.copy(draw.choice(junk))
        with contextlib.suppress(BadInput):
            document = migrate(graph, CATALOGUE).document
            json.dumps(document)
            find_keys(document)


def every(value: Any) -> Iterator[Any]:
    """The objects and lists of a JSON value."""
    if isinstance(value, (dict, list)):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from every(part)


def test_links_of_a_file_of_version_1_are_objects_the_new_ones_too() -> None:
    nodes = [
        node(1, "RH_SettingsNode", [], ["https://x", "k", "190"]),
        node(2, "LoadImage", [], ["a.png", "image"]),
        node(3, "RH_ImageUploaderNode", [("apiConfig", 1), ("image", 2)]),
        node(4, "RH_NodeInfoListNode", [("fieldValue", 3)], [10, "image", ""]),
        node(6, "RH_ExecuteNode", [("apiConfig", 5), ("nodeInfoList", 4)], [600, 1, False, False]),
    ]
    ends = [(1, 3, 0), (2, 3, 1), (3, 4, 0), (4, 6, 1), (1, 6, 0)]
    links = [
        dict(zip(KEYS, [number, start, 0, end, slot, "*"], strict=True))
        for number, (start, end, slot) in enumerate(ends, 1)
    ]
    old: dict[str, Any] = {"nodes": nodes, "links": links, "version": 1}
    (link,) = migrate(old, CATALOGUE).document["links"]
    assert (link["origin_id"], link["target_id"]) == (2, 6)


def test_what_is_inside_of_a_subgraph_is_replaced_there() -> None:
    inner = old_canvas()
    inner["nodes"].append(node(7, "PreviewAny", []))
    links = [dict(zip(KEYS, link, strict=True)) for link in inner["links"]]
    links.append(dict(zip(KEYS, [6, 6, 0, -20, 0, "IMAGE"], strict=True)))
    border = {"id": "o", "name": "images", "linkIds": [6]}
    inner |= {"id": "u-u", "name": "Cloud", "links": links, "inputs": [], "outputs": [border]}
    whole = canvas([node(20, "u-u", [])], [])
    whole["definitions"] = {"subgraphs": [inner]}
    migrated = migrate(whole, CATALOGUE)
    (subgraph,) = migrated.document["definitions"]["subgraphs"]
    assert {new["id"] for new in subgraph["nodes"]} == {6, 7}
    (link,) = subgraph["links"]
    assert (link["origin_id"], link["target_id"], link["id"]) == (6, -20, 6)
    assert subgraph["outputs"][0]["linkIds"] == [6]
    assert migrated.replaced[0].nodes[0].id == "Cloud / 6"
    assert whole["definitions"]["subgraphs"][0]["nodes"][0]["type"] == "RH_SettingsNode"


@pytest.mark.parametrize("second", ["190", "191"])
def test_settings_outside_of_a_subgraph_count_if_they_agree(second: str) -> None:
    execute = node(3, "RH_ExecuteNode", [("apiConfig", 1)], [600, 1, False, False])
    link = dict(zip(KEYS, [1, -10, 0, 3, 0, "STRUCT"], strict=True))
    border = {"id": "i", "name": "apiConfig", "linkIds": [1]}
    inner = {**canvas([execute], []), "id": "u-u", "name": "Cloud", "links": [link]}
    nodes = [
        node(1, "RH_SettingsNode", [], ["https://x", "k", "190"]),
        node(2, "RH_SettingsNode", [], ["https://x", "k", second]),
        node(4, "u-u", [("apiConfig", 1)]),
        node(5, "u-u", [("apiConfig", 2)]),
    ]
    whole = canvas(nodes, [[1, 1, 0, 4, 0, "*"], [2, 2, 0, 5, 0, "*"]])
    whole["definitions"] = {"subgraphs": [{**inner, "inputs": [border], "outputs": []}]}
    migrated = migrate(whole, CATALOGUE)
    (subgraph,) = migrated.document["definitions"]["subgraphs"]
    if second == "190":
        assert subgraph["nodes"][0]["type"] == "RunningHubRemoteWorkflow"
        assert (subgraph["links"], subgraph["inputs"][0]["linkIds"]) == ([], [])
        assert "migrate.note_outside" in {note.key for note in migrated.replaced[0].notes}
    else:
        assert why(migrated)["Cloud / 3"] == "migrate.stays_settings_differ"


KEYS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
