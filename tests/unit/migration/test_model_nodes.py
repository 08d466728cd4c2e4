"""Nodes of ComfyUI_RH_OpenAPI become RunningHub Model nodes with the same body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rh_api.migration import migrate
from rh_api.models.catalogue import Catalogue
from rh_api.models.stored import read_catalogue

SHIPPED = Path(__file__).parents[3] / "rh_api" / "models" / "catalogue.json"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(SHIPPED.read_bytes())


def saved(class_type: str, sockets: list[str], values: list[Any]) -> dict[str, Any]:
    """A workflow: each socket reads a picture of its own, a saver reads the first output."""
    nodes: list[dict[str, Any]] = [
        {"id": 1, "type": class_type, "inputs": [], "outputs": [], "widgets_values": values},
        {"id": 2, "type": "SaveVideo", "inputs": [{"name": "video", "link": 1}], "outputs": []},
        {"id": 3, "type": "RHSettingsNode", "inputs": [], "outputs": [], "widgets_values": []},
    ]
    links: list[list[Any]] = [[1, 1, 0, 2, 0, "VIDEO"]]
    for place, name in enumerate(["api_config", *sockets]):
        source = 3 if name == "api_config" else 10 + place
        links.append([2 + place, source, 0, 1, place, "*"])
        nodes[0]["inputs"].append({"name": name, "link": 2 + place})
        if source != 3:
            image = {"id": source, "type": "LoadImage", "inputs": [], "widgets_values": ["a.png"]}
            nodes.append(image)
    return {"nodes": nodes, "links": links, "version": 0.4}


def node_of(document: dict[str, Any], node_id: int = 1) -> dict[str, Any]:
    return next(node for node in document["nodes"] if node["id"] == node_id)


def linked(document: dict[str, Any]) -> dict[str, int]:
    starts = {link[0]: link[1] for link in document["links"]}
    inputs = node_of(document)["inputs"]
    return {slot["name"]: starts[slot["link"]] for slot in inputs if slot["link"] is not None}


def test_values_go_by_their_names(catalogue: Catalogue) -> None:
    # Saved in the order of the old class: what is required first, prompts before others, its own
    # skip_error and seed last.
    values = ["5", "a cat", "blur", 0.5, True, 7, "randomize"]
    old = saved("RH_KlingV25TurboProImageToVideo", ["first_image", "last_image"], values)
    new = migrate(old, catalogue)
    node = node_of(new.document)
    assert node["type"] == "RunningHubModel"
    stored = node["properties"]["runninghub"]
    assert stored["values"] == {
        "prompt": "a cat",
        "negativePrompt": "blur",
        "duration": "5",
        "guidanceScale": 0.5,
    }
    assert stored["form"]["id"] == "kling-v2.5-turbo-pro/image-to-video"
    assert stored["form"]["model"]["endpoint"] == stored["form"]["id"]
    assert linked(new.document) == {"firstImageUrl": 11, "lastImageUrl": 12}
    notes = {note.key for note in new.replaced[0].notes}
    assert {"migrate.note_skip_error", "migrate.note_idle_seed"} <= notes


def test_published_graphs_have_an_older_order(catalogue: Catalogue) -> None:
    old = saved("RH_KlingV25TurboProImageToVideo", ["first_image"], ["a cat", "blur", "5", 0.5])
    stored = node_of(migrate(old, catalogue).document)["properties"]["runninghub"]
    assert (stored["values"]["prompt"], stored["values"]["duration"]) == ("a cat", "5")


def test_numbered_sockets_are_items_of_a_list(catalogue: Catalogue) -> None:
    old = saved("RH_AlibabaHappyhorse10ReferenceToVideo", ["image1", "image3"], ["a", "720p"])
    new = migrate(old, catalogue)
    assert linked(new.document) == {"imageUrls.1": 11, "imageUrls.3": 12}
    values = node_of(new.document)["properties"]["runninghub"]["values"]
    # What a saved widget does not tell is what the old class had for it, and was sent.
    assert values == {
        "prompt": "a",
        "resolution": "720p",
        "aspectRatio": "16:9",
        "duration": "5",
        "seed": 0,
    }
    assert node_of(new.document, 2)["inputs"][0]["link"] == 1


def test_a_seed_keeps_what_becomes_of_it_after_a_run(catalogue: Catalogue) -> None:
    values = ["a", "720p", "5", "16:9", 7, "randomize", False]
    old = saved("RH_AlibabaHappyhorse10ReferenceToVideo", ["image1"], values)
    node = node_of(migrate(old, catalogue).document)
    stored = node["properties"]["runninghub"]["values"]
    assert (stored["seed"], stored["seed control_after_generate"]) == (7, "randomize")
    assert node["widgets_values"][-2:] == [7, "randomize"]


def test_an_address_comes_from_a_text_of_its_own(catalogue: Catalogue) -> None:
    inputs = {"imageUrl": "https://files/a.png", "textPrompt": "a town"}
    old = {"1": {"class_type": "RH_Marble10ImageToWorld", "inputs": inputs}}
    new = migrate(old, catalogue).document
    assert new["1"]["inputs"]["imageUrl"] == ["2", 0]
    assert new["2"] == {
        "class_type": "PrimitiveString",
        "inputs": {"value": "https://files/a.png"},
        "_meta": {"title": "PrimitiveString"},
    }


def test_settings_go_when_nothing_reads_them(catalogue: Catalogue) -> None:
    new = migrate(saved("RH_Meshy6ImageTo3d", ["image"], []), catalogue)
    assert {node["id"] for node in new.document["nodes"]} == {1, 2, 11}


def test_a_prompt_sends_only_what_it_has(catalogue: Catalogue) -> None:
    old = {
        "1": {
            "class_type": "RH_RhartImageNProTextToImage",
            "inputs": {"prompt": " a cat ", "resolution": "2k", "skip_error": False, "seed": 1},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
        "3": {"class_type": "ShowText", "inputs": {"text": ["1", 1]}},
    }
    new = migrate(old, catalogue)
    inputs = new.document["1"]["inputs"]
    assert inputs == {
        "model": "rhart-image-n-pro/text-to-image",
        "prompt": "a cat",
        "resolution": "2k",
    }
    assert new.document["2"] == old["2"]
    assert new.document["3"]["inputs"] == {}
    assert "migrate.note_lost" in {note.key for note in new.replaced[0].notes}


def test_a_model_that_nobody_knows_stays(catalogue: Catalogue) -> None:
    old = {"1": {"class_type": "RH_RhartVideoLtx2TextToVideoLora", "inputs": {"prompt": "a"}}}
    new = migrate(old, catalogue)
    assert new.document is old
    assert [left.why.key for left in new.left] == ["migrate.stays_unknown_model"]


WORLD = "RH_Marble10ImageToWorld"
"""An old class with an IMAGE output, of a model that makes files."""


def unlinked(class_type: str, values: list[Any], **more: Any) -> dict[str, Any]:
    """A workflow of one node that nothing is connected to, with its settings."""
    settings = {"id": 3, "type": "RHSettingsNode", "title": "RH Settings", "widgets_values": []}
    inputs = [{"name": "api_config", "type": "RH_OPENAPI_CONFIG", "link": 1}]
    node = {"id": 1, "type": class_type, "inputs": inputs, "widgets_values": values, **more}
    return {"nodes": [settings, node], "links": [[1, 3, 0, 1, 0, "*"]], "version": 0.4}


def form_of(document: dict[str, Any]) -> dict[str, Any]:
    return node_of(document)["properties"]["runninghub"]["form"]


def fields_of(document: dict[str, Any]) -> list[str]:
    return [field["name"] for field in form_of(document)["fields"]]


def test_a_file_is_not_linked_where_a_picture_is_expected(catalogue: Catalogue) -> None:
    old = saved(WORLD, [], [])
    old["nodes"][1] |= {"type": "SaveImage", "inputs": [{"name": "images", "link": 1}]}
    old["nodes"][1]["inputs"][0]["type"] = "IMAGE"
    prompt = {
        "1": {"class_type": WORLD, "inputs": {"textPrompt": "a town"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    for document in (old, prompt):
        new = migrate(document, catalogue)
        notes = {note.key: note.params for note in new.replaced[0].notes}
        assert notes["migrate.note_no_fit"] == {"reader": "SaveImage", "output": "files"}
    assert migrate(old, catalogue).document["links"] == []
    assert migrate(prompt, catalogue).document["2"]["inputs"] == {}


def test_a_text_is_linked_where_any_value_is_taken(catalogue: Catalogue) -> None:
    old = saved("RH_Meshy6ImageTo3d", ["image"], [])
    old["nodes"][1] |= {"type": "PreviewAny", "inputs": [{"name": "source", "link": 1}]}
    old["nodes"][1]["inputs"][0]["type"] = "*"
    new = migrate(old, catalogue)
    assert node_of(new.document, 2)["inputs"][0]["link"] == 1
    assert "migrate.note_no_fit" not in {note.key for note in new.replaced[0].notes}


@pytest.mark.parametrize(
    ("class_type", "outputs"),
    [
        ("RH_KlingV25TurboProImageToVideo", ["video"]),
        ("RH_Meshy6ImageTo3d", ["model_3d"]),
        ("RH_RhartAudioTextToAudioMusic25", ["audio"]),
        ("RH_RhartImageNProTextToImage", ["images"]),
    ],
)
def test_the_outputs_are_what_the_model_makes(
    class_type: str, outputs: list[str], catalogue: Catalogue
) -> None:
    new = migrate(unlinked(class_type, []), catalogue).document
    assert [socket["name"] for socket in node_of(new)["outputs"]] == outputs


def test_what_is_required_stays_where_it_was_empty(catalogue: Catalogue) -> None:
    new = migrate(unlinked("RH_KlingV25TurboProImageToVideo", ["", "", "5", 0.5]), catalogue)
    assert fields_of(new.document)[:2] == ["prompt", "duration"]
    sockets = {socket["name"]: socket for socket in node_of(new.document)["inputs"]}
    assert sockets["firstImageUrl"]["type"] == "IMAGE,MASK,STRING"
    assert "widget" in sockets["prompt"]
    # A list has its one entry, of which the canvas makes the sockets.
    listed = migrate(unlinked("RH_AlibabaHappyhorse10ReferenceToVideo", ["", "720p"]), catalogue)
    assert {"prompt", "imageUrls"} <= set(fields_of(listed.document))


def test_what_a_prompt_lacks_is_not_sent(catalogue: Catalogue) -> None:
    old = {"1": {"class_type": "RH_KlingV25TurboProImageToVideo", "inputs": {"prompt": ""}}}
    new = migrate(old, catalogue).document
    assert new["1"]["inputs"] == {"model": "kling-v2.5-turbo-pro/image-to-video"}


def test_a_model_that_is_gone_names_its_successor(catalogue: Catalogue) -> None:
    inputs = {"prompt": "a"}
    old = {"1": {"class_type": "RH_GoogleVeo31LiteTextToVideo", "inputs": inputs}}
    (left,) = migrate(old, catalogue).left
    assert left.why.key == "error.model_gone"
    assert left.why.params["successor"] == "rhart-video-v3.1-lite-official/text-to-video"
    old = {"1": {"class_type": "RH_CinematicVideoGenerator", "inputs": inputs}}
    (left,) = migrate(old, catalogue).left
    assert left.why.key == "error.model_gone_alone"


def test_settings_are_among_what_was_replaced(catalogue: Catalogue) -> None:
    (replaced,) = migrate(unlinked("RH_Meshy6ImageTo3d", []), catalogue).replaced
    assert [node.id for node in replaced.nodes] == ["1", "3"]


def test_a_node_has_its_models_name_and_the_old_size(catalogue: Catalogue) -> None:
    old = unlinked("RH_Meshy6ImageTo3d", [], title="RH Meshy", size=[401, 299])
    node = node_of(migrate(old, catalogue).document)
    assert node["title"] == form_of(migrate(old, catalogue).document)["name"]
    assert node["size"] == [401, 299]
    own = unlinked("RH_Meshy6ImageTo3d", [], title="My chair")
    assert node_of(migrate(own, catalogue).document)["title"] == "My chair"
