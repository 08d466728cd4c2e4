"""What POST /prompt's body becomes; ComfyUI swallows exceptions here, so none may escape."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.unit.nodes.conftest import stand_in

Pack = Callable[[str], ModuleType]


KEY = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def handle(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """The handler on a machine whose key is KEY."""
    stand_in("folder_paths")
    monkeypatch.setattr(sys.modules["folder_paths"], "BASE", tmp_path)
    monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
    return pack("nodes.runtime.prompt_handler").handle_prompt


def remote(**inputs: Any) -> dict[str, Any]:
    return {"class_type": "RunningHubRemoteWorkflow", "inputs": {"workflow": "1", **inputs}}


def test_a_prompt_without_our_nodes_is_left_alone(handle: Callable[[Any], Any]) -> None:
    for data in (
        {"prompt": {"1": {"class_type": "KSampler", "inputs": {"6.text": ["9", 0]}}}},
        {"prompt": ["no", "graph"]},
        {},
    ):
        assert handle(data) is data


def test_a_pack_that_is_not_whole_runs_nothing_unchecked(
    pack: Pack, handle: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = pack("nodes.runtime.prompt_handler").__name__.partition(".")[0]
    monkeypatch.setitem(sys.modules, f"{package}.rh_api.offload", None)
    refused = handle({"prompt": {"1": remote()}})["prompt"]
    assert [node["class_type"] for node in refused.values()] == ["RunningHubRefusal"]


@pytest.mark.parametrize(
    ("text", "means"), [("false", False), ("Off", False), ("0", False), ("true", True)]
)
def test_a_switch_may_be_a_text_that_means_what_it_says(
    handle: Callable[[Any], Any], text: str, means: bool
) -> None:
    passed = handle({"prompt": {"1": remote(reroll_seeds=text, **{"3.flag": text})}})
    assert passed["prompt"]["1"]["inputs"]["reroll_seeds"] is means
    assert passed["prompt"]["1"]["inputs"]["3.flag"] == text  # of the remote workflow's own


@pytest.mark.skipif(os.name != "nt", reason="other systems take such names")
@pytest.mark.parametrize(
    ("prefix", "is_name"),
    [
        ("shot 12:30", False),
        ("a?b/c", False),
        ("<a>", False),
        ("云端/图", True),
        ("OUTPUT/a", True),
        ("a\\b", True),
    ],
)
def test_what_is_no_name_on_windows_is_refused_before_it_is_paid(
    pack: Pack, handle: Callable[[Any], Any], prefix: str, is_name: bool
) -> None:
    del handle  # its machine alone
    passes, plans = pack("nodes.runtime.segment_pass"), pack("rh_api.offload")
    prefix = prefix.replace("OUTPUT", sys.modules["folder_paths"].get_output_directory())
    saved = plans.Saved("9", "SaveImage", {"filename_prefix": prefix}, "13", 1)
    with contextlib.nullcontext() if is_name else pytest.raises(plans.CannotOffload):
        passes._check_prefix(saved)


def test_only_the_words_beside_a_prompt_order_anew(handle: Callable[[Any], Any]) -> None:
    """A prompt of the history, or of a picture, may have been one of Run again."""
    segment = {"class_type": "RunningHubSegment", "inputs": {"segment": "{}", "again": True}}
    prompt = {"1": remote(again=True), "2": segment, "3": segment}
    passed = handle({"prompt": prompt, "extra_data": {"runninghub": {"again": ["3"]}}})["prompt"]
    assert {node_id: node["inputs"].get("again") for node_id, node in passed.items()} == {
        "1": None,
        "2": None,
        "3": True,
    }


def test_a_switch_that_is_neither_is_refused_on_its_node(handle: Callable[[Any], Any]) -> None:
    (refusal,) = handle({"prompt": {"7": remote(reroll_seeds="no way")}})["prompt"].items()
    assert refusal[0] == "7"
    assert 'reroll_seeds must be on or off, not "no way".' in str(refusal[1]["inputs"])


@pytest.mark.parametrize(
    ("class_type", "inputs", "name"),
    [
        ("RunningHubRemoteWorkflow", {"workflow": "1", "3.seed": None}, "3.seed"),
        ("RunningHubRemoteWorkflow", {"workflow": None, "3.seed": 1}, "workflow"),
        ("RunningHubAIApp", {"app": "1", "6.text": None}, "6.text"),
        ("RunningHubModel", {"model": "a/b", "prompt": None}, "prompt"),
        ("RHTextToImage", {"model": None}, "model"),
    ],
)
def test_a_field_that_is_null_is_refused_before_anything_is_ordered(
    handle: Callable[[Any], Any], class_type: str, inputs: dict[str, Any], name: str
) -> None:
    prompt = {"1": remote(**{"3.seed": 5}), "2": {"class_type": class_type, "inputs": inputs}}
    (refusal,) = handle({"prompt": prompt})["prompt"].items()
    assert refusal[0] == "2"
    assert f'"{name}" has no value (null).' in refusal[1]["inputs"]["message"]


def test_an_option_that_is_null_is_left_out(handle: Callable[[Any], Any]) -> None:
    options = ("form", "profile", "outputs", "instance", "batch", "reroll_seeds", "timeout")
    node = remote(**dict.fromkeys(options), **{"6.text": "a", "link_0": None})
    passed = handle({"prompt": {"1": node}})["prompt"]["1"]["inputs"]
    assert passed == {"workflow": "1", "6.text": "a"}


def test_what_another_pack_leaves_empty_in_a_models_node_keeps_no_prompt_away(
    handle: Callable[[Any], Any],
) -> None:
    shown = {"model": {"endpoint": "a/b", "parameters": [{"name": "prompt", "kind": "STRING"}]}}
    inputs = {"model": "a/b", "form": json.dumps(shown), "prompt": "a", "refresh": None}
    passed = handle({"prompt": {"1": {"class_type": "RunningHubModel", "inputs": inputs}}})
    assert passed["prompt"]["1"]["class_type"] == "RunningHubModel"


def test_links_of_fields_are_mirrored_and_all_else_stays(handle: Callable[[Any], Any]) -> None:
    data = {
        "prompt": {"1": remote(**{"10.image": ["5", 0]}), "5": {"class_type": "X", "inputs": {}}},
        "client_id": "c",
        "extra_data": {"a": 1},
    }
    passed = handle(data)
    assert passed["prompt"]["1"]["inputs"]["link_0"] == ["5", 0]
    assert passed["prompt"]["5"] is data["prompt"]["5"]
    assert {k: passed[k] for k in ("client_id", "extra_data")} == {
        "client_id": "c",
        "extra_data": {"a": 1},
    }
    assert "link_0" not in data["prompt"]["1"]["inputs"]


def test_what_cannot_be_prepared_becomes_one_refusal_on_its_node(
    handle: Callable[[Any], Any],
) -> None:
    many = {f"{number}.image": ["5", 0] for number in range(33)}
    data = {
        "prompt": {"1": remote(), "6:4": remote(**many)},
        "partial_execution_targets": ["6:4"],
        "client_id": "c",
    }
    refused = handle(data)
    assert list(refused["prompt"]) == ["6:4"]
    assert refused["prompt"]["6:4"]["class_type"] == "RunningHubRefusal"
    assert "33 linked fields" in refused["prompt"]["6:4"]["inputs"]["message"]
    assert "partial_execution_targets" not in refused
    assert refused["client_id"] == "c"


def test_only_the_words_beside_a_prompt_make_a_node_order_anew(
    handle: Callable[[Any], Any],
) -> None:
    graph = {"1": remote(**{"6.text": "a"}), "2": remote(**{"6.text": "b", "again": True})}
    body = {"prompt": graph, "extra_data": {"runninghub": {"again": ["1"]}}}
    passed = handle(body)["prompt"]
    assert passed["1"]["inputs"]["again"] is True
    assert "again" not in passed["2"]["inputs"]
    assert "again" not in handle({"prompt": graph})["prompt"]["2"]["inputs"]


@pytest.mark.parametrize("words", ["1", {"again": "1"}, {"again": [{}]}, {"again": None}, [1]])
def test_nonsense_beside_a_prompt_is_refused(handle: Callable[[Any], Any], words: object) -> None:
    refused = handle({"prompt": {"1": remote()}, "extra_data": {"runninghub": words}})["prompt"]
    assert [node["class_type"] for node in refused.values()] == ["RunningHubRefusal"]


@pytest.mark.parametrize(
    "words",
    [
        {"segments": "nonsense"},
        {"segment": [{"nodes": ["1"]}]},
        {"Segments": [{"nodes": ["1"]}]},
        {"nodes": ["1"]},
        {"segments": [{"nodes": ["99"]}]},
        {"segments": [{"nodes": ["1"], "instance": "huge"}]},
        "words",
    ],
)
def test_marks_that_make_no_sense_run_nothing(handle: Callable[[Any], Any], words: Any) -> None:
    prompt = {"1": {"class_type": "SaveImage", "inputs": {}}}
    data = {"prompt": prompt, "extra_data": {"runninghub": words}}
    refused = handle(data)["prompt"]
    assert [(node_id, node["class_type"]) for node_id, node in refused.items()] == [
        ("1", "RunningHubRefusal")
    ]


def test_marks_without_a_key_are_refused_as_what_the_page_asks_a_key_for(
    handle: Callable[[Any], Any], pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    prompt = {"1": {"class_type": "SaveImage", "inputs": {}}}
    extra = {"runninghub": {"segments": [{"nodes": ["1"]}]}}
    (refused,) = handle({"prompt": prompt, "extra_data": extra})["prompt"].values()
    kind = pack("nodes.definitions.refusal").RunningHubRefusal
    with pytest.raises(Exception, match="no API key is set here") as caught:
        kind.validate_inputs(**refused["inputs"])
    assert type(caught.value).__name__ == "MarksWithoutKey"
    with pytest.raises(Exception, match="another") as caught:
        kind.validate_inputs("another")
    assert type(caught.value).__name__ == "NodeFailure"


@pytest.mark.parametrize(
    "workflow",
    [
        None,
        [],
        {"nodes": None, "groups": 5, "definitions": []},
        {
            "nodes": [
                None,
                {"id": 1},
                {"id": 1, "properties": None},
                {"id": 1, "properties": {"a": 1}},
            ]
        },
        {"nodes": [], "groups": [None, {"flags": None}, {"bounding": "x"}]},
    ],
)
def test_a_canvas_without_marks_is_left_alone_however_odd(
    handle: Callable[[Any], Any], workflow: Any
) -> None:
    data = {
        "prompt": {"1": {"class_type": "SaveImage", "inputs": {}}},
        "extra_data": {"extra_pnginfo": {"workflow": workflow}},
    }
    assert handle(data) is data


def test_the_key_of_a_pasted_example_leaves_the_prompt(handle: Callable[[Any], Any]) -> None:
    key = "0123456789abcdef0123456789abcdef"
    text = f'{{"webappId": "1900000000000000301", "apiKey": "{key}", "quickCreateCode": "001"}}'
    node = {"class_type": "RunningHubQuickCreate", "inputs": {"module": text, "6.text": "a"}}
    passed = handle({"prompt": {"1": node}})["prompt"]["1"]["inputs"]
    assert passed["module"] == text.replace(key, "")
    assert passed["6.text"] == "a"


@pytest.mark.parametrize(
    ("class_type", "name"),
    [("RunningHubRemoteWorkflow", "workflow"), ("RunningHubAIApp", "app")],
)
def test_the_key_of_a_pasted_link_leaves_the_prompt(
    handle: Callable[[Any], Any], class_type: str, name: str
) -> None:
    link = f"https://www.runninghub.ai/workflow/1900000000000000301?apiKey={KEY}&source=1"
    passed = handle({"prompt": {"1": {"class_type": class_type, "inputs": {name: link}}}})
    assert passed["prompt"]["1"]["inputs"][name] == link.replace(KEY, "")


@pytest.mark.parametrize(
    "place",
    [
        {"1": remote(**{"6.text": f"a cat {KEY}"})},
        {"1": remote(), "2": {"class_type": "PrimitiveString", "inputs": {"value": KEY}}},
        {"1": remote(**{"6.text": {"deep": [{"er": KEY}]}})},
        {"1": {"class_type": "RunningHubTask", "inputs": {"task_id": KEY}}},
    ],
)
def test_a_prompt_that_holds_the_own_key_is_refused(
    handle: Callable[[Any], Any], place: dict[str, Any]
) -> None:
    refused = handle({"prompt": place})["prompt"]
    (node,) = refused.values()
    assert node["class_type"] == "RunningHubRefusal"
    assert "key" in json.dumps(node)
    assert KEY not in json.dumps(refused)


@pytest.mark.parametrize(
    ("extra_data", "place"),
    [
        ({"extra_pnginfo": {"workflow": {"nodes": [{"widgets_values": [KEY]}]}}}, "a note of this"),
        ({"extra_pnginfo": {"note": KEY}}, "extra_data"),
        ({"who": {"asks": f"a script with {KEY}"}}, "extra_data"),
    ],
)
def test_the_own_key_beside_a_prompt_is_refused(
    handle: Callable[[Any], Any], extra_data: dict[str, Any], place: str
) -> None:
    (node,) = handle({"prompt": {"1": remote()}, "extra_data": extra_data})["prompt"].values()
    assert node["class_type"] == "RunningHubRefusal"
    assert place in node["inputs"]["message"]


@pytest.mark.parametrize("text", ["", "a", "cat", "your-key-here"])
def test_a_variable_that_holds_no_key_keeps_no_prompt_away(
    handle: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("RUNNINGHUB_API_KEY", text)
    passed = handle({"prompt": {"1": remote(**{"6.text": "a cat, your-key-here"})}})["prompt"]
    assert passed["1"]["class_type"] == "RunningHubRemoteWorkflow"


@pytest.mark.parametrize(
    ("link", "slot", "is_refused"),
    [
        (5, {}, True),  # its source is muted: ComfyUI leaves it out of the prompt
        (None, {}, False),
        (5, {"widget": {"name": "10.image"}}, False),  # then the widget's value is in the prompt
    ],
)
def test_a_picture_whose_source_is_muted_is_not_the_stored_one(
    handle: Callable[[Any], Any], link: int | None, slot: dict[str, Any], is_refused: bool
) -> None:
    inputs = [{"name": "timeout", "link": 4}, {"name": "10.image", "link": link, **slot}]
    canvas = {"nodes": [{"id": 2, "mode": 2}, "odd", {"id": 1, "inputs": inputs}]}
    data = {"prompt": {"1": remote()}, "extra_data": {"extra_pnginfo": {"workflow": canvas}}}
    (node,) = handle(data)["prompt"].values()
    assert (node["class_type"] == "RunningHubRefusal") == is_refused
    assert ('"10.image": the node there is muted' in str(node["inputs"])) == is_refused


@pytest.mark.parametrize(
    ("beside", "class_type"),
    [
        ({}, "RunningHubRefusal"),
        ({"partial_execution_targets": ["1"]}, "RunningHubRefusal"),
        ({"partial_execution_targets": ["2"]}, "RunningHubRemoteWorkflow"),
    ],
)
def test_a_node_that_the_run_leaves_out_keeps_nothing_away(
    handle: Callable[[Any], Any], beside: dict[str, Any], class_type: str
) -> None:
    canvas = {"nodes": [{"id": 1, "inputs": [{"name": "10.image", "link": 5}]}]}
    data = {
        "prompt": {"1": remote(), "2": {"class_type": "PreviewImage", "inputs": {}}},
        "extra_data": {"extra_pnginfo": {"workflow": canvas}},
    }
    assert handle({**data, **beside})["prompt"]["1"]["class_type"] == class_type


@pytest.mark.parametrize(
    ("source", "is_refused"),
    [
        ({"id": 2, "type": "LoadImage", "mode": 0}, False),
        ({"id": 2, "type": "LoadImage", "mode": 2}, True),
        ({"id": 2, "type": "LoadImage", "mode": 4}, True),
        ({"id": 2, "type": "Reroute", "mode": 0}, True),  # what is behind it may be muted
        ({"id": 3, "type": "LoadImage", "mode": 0}, True),  # the canvas is not whole
    ],
)
def test_a_program_may_take_a_link_out_of_a_canvas_prompt(
    handle: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    source: dict[str, Any],
    is_refused: bool,
) -> None:
    """It asks for the stored picture: ComfyUI's page sends all links of nodes that are switched
    on."""
    node = type("LoadImage", (), {"INPUT_TYPES": classmethod(lambda _: {})})
    host = SimpleNamespace(NODE_CLASS_MAPPINGS={"LoadImage": node})
    monkeypatch.setitem(sys.modules, "nodes", host)
    inputs = [{"name": "10.image", "link": 5}]
    canvas = {"nodes": [source, {"id": 1, "inputs": inputs}], "links": [[5, 2, 0, 1, 0, "IMAGE"]]}
    data = {"prompt": {"1": remote()}, "extra_data": {"extra_pnginfo": {"workflow": canvas}}}
    (sent,) = handle(data)["prompt"].values()
    assert (sent["class_type"] == "RunningHubRefusal") == is_refused


def test_a_prompt_that_has_the_linked_picture_passes(handle: Callable[[Any], Any]) -> None:
    canvas = {"nodes": [{"id": 1, "inputs": [{"name": "10.image", "link": 5}]}]}
    data = {
        "prompt": {"1": remote(**{"10.image": ["2", 0]}), "2": {"class_type": "LoadImage"}},
        "extra_data": {"extra_pnginfo": {"workflow": canvas}},
    }
    assert handle(data)["prompt"]["1"]["class_type"] == "RunningHubRemoteWorkflow"
