"""Nodes that are settings, list and order in one, and nodes that become one of ours each."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.migration import Migration, migrate
from rh_api.models.catalogue import Catalogue

CATALOGUE = Catalogue((), date="")
TARGET = {"api_key": "k" * 32, "base_url": "https://www.runninghub.ai", "workflow_id": "190"}
PICTURE = {"class_type": "LoadImage", "inputs": {"image": "a.png"}}


def moved(prompt: dict[str, Any]) -> tuple[dict[str, Any], Migration]:
    migration = migrate(prompt, CATALOGUE)
    return migration.document, migration


@pytest.mark.parametrize(
    ("kind", "inputs", "fields"),
    [
        (
            "RH_TextToImage",
            {"prompt": "a cat", "negative_prompt": "", "seed": 7, "timeout": 60},
            {"6.text": "a cat"},
        ),
        ("RH_TextToVideo", {"prompt": "a cat", "negative_prompt": "blurry"}, {"6.text": "a cat"}),
        ("RH_TextToAudio", {"text": "hello"}, {"6.text": "hello"}),
    ],
)
def test_an_order_in_one_node_becomes_a_workflow(
    kind: str, inputs: dict[str, Any], fields: dict[str, Any]
) -> None:
    new, migration = moved({"2": {"class_type": kind, "inputs": {**TARGET, **inputs}}})
    ours = new["2"]
    assert ours["class_type"] == "RunningHubRemoteWorkflow"
    assert ours["inputs"]["workflow"] == "190"
    assert fields.items() <= ours["inputs"].items()
    assert ours["inputs"].get("timeout") == inputs.get("timeout")
    assert [replaced.becomes for replaced in migration.replaced] == ["RunningHubRemoteWorkflow"]
    assert TARGET["api_key"] not in str(new)


@pytest.mark.parametrize(("seed", "sent"), [(-1, False), (0, True), (7, True)])
def test_a_seed_below_zero_is_none(seed: int, sent: bool) -> None:
    inputs = {**TARGET, "prompt": "a cat", "negative_prompt": "", "seed": seed}
    new, _ = moved({"2": {"class_type": "RH_TextToImage", "inputs": inputs}})
    seeds = [value for name, value in new["2"]["inputs"].items() if name.endswith(".seed")]
    assert seeds == ([str(seed)] if sent else [])


def test_a_picture_that_is_linked_goes_into_its_field() -> None:
    old = {
        "1": PICTURE,
        "2": {
            "class_type": "RH_ImageToImage",
            "inputs": {**TARGET, "prompt": "a cat", "negative_prompt": "", "image": ["1", 0]},
        },
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    new, _ = moved(old)
    assert ["1", 0] in new["2"]["inputs"].values()
    assert new["3"]["inputs"]["images"] == ["2", 0]


def test_an_order_without_its_picture_stays() -> None:
    inputs = {**TARGET, "prompt": "a cat", "negative_prompt": ""}
    new, migration = moved({"2": {"class_type": "RH_ImageToImage", "inputs": inputs}})
    assert new["2"]["class_type"] == "RH_ImageToImage"
    assert [left.why.key for left in migration.left] == ["migrate.stays_no_media"]


@pytest.mark.parametrize(
    ("kind", "inputs", "becomes", "ours"),
    [
        (
            "RH_ExtractImage",
            {"images": ["1", 0], "image_index": 2},
            "ImageFromBatch",
            {"image": ["1", 0], "batch_index": 2, "length": 1},
        ),
        (
            "RH_ImageSelector",
            {"images": ["1", 0], "index": 1},
            "ImageFromBatch",
            {"image": ["1", 0], "batch_index": 1, "length": 1},
        ),
        ("RH_Download", {"task_id": "1900000000000000301"}, "RunningHubTask", None),
        (
            "RH_TaskOutputs",
            {"api_key": "k" * 32, "task_id": "1900000000000000301", "timeout": 9},
            "RunningHubTask",
            None,
        ),
    ],
)
def test_a_node_becomes_one_of_ours(
    kind: str, inputs: dict[str, Any], becomes: str, ours: dict[str, Any] | None
) -> None:
    new, migration = moved({"1": PICTURE, "2": {"class_type": kind, "inputs": inputs}})
    assert new["2"]["class_type"] == becomes
    assert new["2"]["inputs"] == (ours or {"task_id": inputs["task_id"]})
    assert [replaced.becomes for replaced in migration.replaced] == [becomes]


def test_a_text_display_is_replaced_only_where_something_is_shown() -> None:
    shown = {"class_type": "RH_TextDisplay", "inputs": {"text": ["1", 0]}}
    typed = {"class_type": "RH_TextDisplay", "inputs": {"text": "typed"}}
    new, _ = moved({"1": {"class_type": "Any", "inputs": {}}, "2": shown, "3": typed})
    assert (new["2"]["class_type"], new["2"]["inputs"]) == ("PreviewAny", {"source": ["1", 0]})
    assert new["3"] == typed
