"""The pack as ComfyUI-Manager installs it: unpacked, requirements installed, nothing else done."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import pytest
from PIL import Image

from rh_api.emulator import catalog
from rh_api.graph.constants import MODEL_CLASSES
from tests.comfy.client import ComfyClient
from tests.comfy.server import PACK_NAME, Server, comfyui_python, contents, packed_files

pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]

OURS = (
    "RunningHubRemoteWorkflow",
    "RunningHubAIApp",
    "RunningHubQuickCreate",
    "RHUploadImage",
    "RHUploadVideo",
    "RHUploadAudio",
    "RHLoraUploader",
    *MODEL_CLASSES,
)


def test_the_archive_holds_the_pack_and_nothing_of_its_workshop() -> None:
    roots = {file.parts[0] for file in packed_files()}
    needed = {"__init__.py", "LICENSE", "nodes", "pyproject.toml", "requirements.txt", "rh_api"}
    assert needed <= roots
    assert not {root for root in roots if root.startswith(".")} | roots & {"tests"}


def test_the_requirements_install_into_comfyuis_python(server: Server) -> None:
    command = [
        comfyui_python(),
        "-m",
        "pip",
        "install",
        "-r",
        str(server.pack / "requirements.txt"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_a_graph_runs_and_leaves_the_packs_folder_as_it_was_unpacked(
    server: Server, comfyui: ComfyClient
) -> None:
    result = await comfyui.queue(
        {
            "1": {
                "class_type": "EmptyImage",
                "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 0xFF8000},
            },
            "2": {
                "class_type": "RunningHubRemoteWorkflow",
                "inputs": {"workflow": catalog.INVERT, "10.image": ["1", 0]},
            },
            "3": {
                "class_type": "SaveImage",
                "inputs": {"images": ["2", 0], "filename_prefix": "installed"},
            },
        }
    )

    assert result.outcome == "success", result.refusal
    (file,) = result.outputs["3"]["images"]
    picture = Image.open(io.BytesIO(await comfyui.view(file)))
    assert picture.size == (64, 48)
    # SaveImage of a ComfyUI cuts off 126.99.
    assert picture.getpixel((0, 0)) == (0x00, 0x7E, 0xFF)
    assert contents(server.pack) == server.unpacked


async def test_the_browser_gets_the_script_the_help_and_the_words(comfyui: ComfyClient) -> None:
    script = f"/extensions/{PACK_NAME}/js/runninghub.js"
    assert script in await comfyui.get("/extensions")
    about = await comfyui.get("/object_info")
    words = await comfyui.get("/i18n")
    for node_id in OURS:
        english, chinese = (words[language]["nodeDefs"][node_id] for language in ("en", "zh"))
        assert english == described(about[node_id])
        assert chinese["inputs"].keys() == english["inputs"].keys()
        assert chinese["outputs"].keys() == english["outputs"].keys()
        for language in ("en", "zh"):
            await comfyui.text(f"/extensions/{PACK_NAME}/docs/{node_id}/{language}.md")


async def test_the_contract_of_the_nodes(comfyui: ComfyClient) -> None:
    about = await comfyui.get("/object_info")
    links = [f"link_{number}" for number in range(32)]
    pool = [f"out_{number}" for number in range(1, 13)]
    for node_id, named in (("RunningHubRemoteWorkflow", "workflow"), ("RunningHubAIApp", "app")):
        remote = about[node_id]
        assert remote["input_order"]["required"] == [named]
        assert remote["input_order"]["optional"] == [
            "form",
            "instance",
            "outputs",
            "batch",
            "max_orders",
            "timeout",
            "reroll_seeds",
            "add_metadata",
            "use_personal_queue",
            "retain_seconds",
            "profile",
            *links,
        ]
        typed = ["images", "masks", "video", "audio", "text", "files", "task_id"]
        assert remote["output_name"] == [*typed, *pool, "urls"]
        types = ["IMAGE", "MASK", "VIDEO", "AUDIO", "STRING", "STRING", "STRING"]
        assert remote["output"] == [*types, *["*"] * 12, "STRING"]
        assert all(remote["output_is_list"])
        assert remote["output_node"]
    for node_id in MODEL_CLASSES:
        model = about[node_id]
        assert model["input_order"]["required"] == ["model"]
        assert model["input_order"]["optional"] == [
            "form",
            "extra",
            "batch",
            "max_orders",
            "timeout",
            "reroll_seeds",
            "send_anyway",
            "profile",
            *links,
        ]
        assert model["output_name"] == [*typed, "model_3d", "urls"]
        assert model["output"] == [*types, "FILE_3D", "STRING"]
        assert all(model["output_is_list"])
        assert model["output_node"]
    assert about["RHLoraUploader"]["output_node"]
    for media in ("Image", "Video", "Audio"):
        upload = about[f"RHUpload{media}"]
        assert upload["input_order"]["required"] == [media.lower()]
        assert upload["output_name"] == ["file_name", "url"]
    assert about["RHUploadImage"]["input_order"]["optional"] == ["mask", "profile"]
    assert about["RunningHubRefusal"]["dev_only"]


def described(node: dict[str, Any]) -> dict[str, Any]:
    """What object_info says of a node, in the form of a locale."""
    inputs = {**node["input"].get("required", {}), **node["input"].get("optional", {})}
    outputs = zip(node["output_name"], node["output_tooltips"], strict=True)
    return {
        "display_name": node["display_name"],
        "description": node["description"],
        "inputs": {
            name: {"name": name, "tooltip": inputs[name][1]["tooltip"]}
            for name in inputs
            if "tooltip" in inputs[name][1]
        },
        "outputs": {
            str(index): {"name": name, "tooltip": tooltip} if tooltip else {"name": name}
            for index, (name, tooltip) in enumerate(outputs)
        },
    }
