"""Every template opens and runs in the sandbox, without a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import ROOT, Host

FOLDER = ROOT / "example_workflows"
# What ComfyUI offers of a pack.
FOLDERS = ("example_workflows", "example", "examples", "workflow", "workflows")
TEMPLATES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.json"))
LORA = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"


def classes(graph: dict[str, Any]) -> set[str]:
    return {node["type"] for node in graph["nodes"]}


def test_each_has_a_picture_and_the_main_jobs_are_there() -> None:
    assert {path.stem for path in TEMPLATES} == {path.stem for path in FOLDER.glob("*.jpg")}
    used = [classes(json.loads(path.read_text("utf-8"))) for path in TEMPLATES]
    assert len(used) >= 6
    assert {"RunningHubRemoteWorkflow", "RunningHubAIApp", "RHLoraUploader"} <= set().union(*used)
    marked = [path for path in TEMPLATES if '"segment"' in path.read_text("utf-8")]
    assert [path.stem for path in marked] == ["RunningHub - Part of a local graph"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_the_search_of_templates_finds_it_by_the_packs_name(template: Path) -> None:
    """ComfyUI knows a pack's template by the name of its file alone."""
    assert template.stem.startswith("RunningHub - ")


def test_the_template_that_wants_a_lora_says_where_to_put_it() -> None:
    (lora,) = [path for path in TEMPLATES if '"RHLoraUploader"' in path.read_text("utf-8")]
    nodes = json.loads(lora.read_text("utf-8"))["nodes"]
    notes = [node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote"]
    assert all("models/loras" in note and "my-style.safetensors" in note for note in notes)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_each_is_explained_in_english_and_chinese(template: Path) -> None:
    nodes = json.loads(template.read_text("utf-8"))["nodes"]
    notes = [node for node in nodes if node["type"] == "MarkdownNote"]
    from_the_left = sorted(notes, key=lambda note: note["pos"])
    is_chinese = ["在内置沙盒中运行" in note["widgets_values"][0] for note in from_the_left]
    assert is_chinese == [False, True]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_its_picture_is_what_it_makes_and_no_graph(template: Path) -> None:
    with Image.open(template.with_suffix(".jpg")) as picture:
        assert picture.width == picture.height >= 400
        levels = np.asarray(picture.convert("RGB")).astype(int)
    brightest, darkest = levels.max(axis=2), levels.min(axis=2)
    canvas = (brightest < 64) & (brightest - darkest < 8)  # the dark grey of ComfyUI's
    assert canvas.mean() < 0.3


@pytest.mark.parametrize("classic", [False, True])
def test_one_that_is_opened_anew_says_nothing_of_a_former_run(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], classic: bool
) -> None:
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    graph = json.loads((FOLDER / "RunningHub - Text to image.json").read_text("utf-8"))
    canvas.load(graph)
    canvas.run()
    former = canvas.graph_id()
    # The last thing that is asked for where a graph is opened.
    with canvas.page.expect_response("**/api/queue"):
        canvas.load(graph)
    canvas.picture("opened anew")
    assert canvas.graph_id() != former
    done = "用时" if classic else "done in"
    assert not any(done in line for line in canvas.painted())


def test_each_runs_without_a_key(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], kind: str, tmp_path: Path
) -> None:
    loras = tmp_path / kind / "models" / "loras"
    loras.mkdir(parents=True)
    (loras / "my-style.safetensors").write_bytes(LORA)
    canvas = opened(new_host())
    for path in TEMPLATES:
        graph = json.loads(path.read_text("utf-8"))
        canvas.load(graph)
        prompt_id = canvas.run()
        done = canvas.finished(prompt_id)
        assert done["status"]["status_str"] == "success", path.stem
        (end,) = classes(graph) & {"PreviewImage", "SaveImage", "PreviewAny"}
        (node,) = canvas.nodes(end)
        if end == "PreviewAny":
            assert "written in the cloud" in str(done["outputs"][node]["text"])
        else:
            count = 2 if path.stem.endswith("Batch") else 1
            assert len(done["outputs"][node]["images"]) == count, path.stem
            if count == 1:  # of several Nodes 2.0 makes a gallery of its own
                canvas.shows_picture(node)
        canvas.picture(path.stem)
