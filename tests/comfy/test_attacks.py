"""A service that means harm, in a real ComfyUI: names, contents, and the key."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark, pixels, remote
from tests.comfy.server import Server
from tests.support.graphs import node
from tests.support.pictures import huge_png, png
from tests.support.service import Explodes, results_are

pytestmark = pytest.mark.comfy

NAMES = (
    "../../../custom_nodes/x.py",
    "..\\..\\x.py",
    "C:\\x.png",
    "CON.png",
    "x.png\0.py",
    "x" * 300 + ".png",
    ".png/.bat",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
)


def places(base: Path) -> set[str]:
    """The folders that hold files; ComfyUI's own log and caches left out."""
    files = (path.relative_to(base) for path in base.rglob("*") if path.is_file())
    return {path.parent.as_posix() for path in files if "__pycache__" not in path.parts}


def a_picture() -> dict[str, object]:
    return remote(catalog.TEXT_TO_IMAGE, {"3.seed": 0, "6.text": f"a {mark()}"})


async def test_no_name_of_the_cloud_leads_out_of_the_packs_folders(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    before = places(server.base)
    emulator.faults.append(results_are(png(pixels())))
    for name in NAMES:
        emulator.result_name = name
        result = await comfyui.queue({"1": a_picture()})
        assert result.outcome == "success"
        (file,) = result.outputs["1"]["images"]
        assert file["subfolder"] == "runninghub"
        assert file["filename"].endswith("_0000.png")
    new = places(server.base) - before
    assert all("runninghub" in folder for folder in new), new


@pytest.mark.parametrize(
    ("body", "suffix"),
    [(pickle.dumps(Explodes()), ".bin"), (huge_png(), ".png")],
    ids=["pickle", "huge picture"],
)
async def test_what_is_no_picture_for_us_is_kept_as_a_file_and_not_opened(
    comfyui: ComfyClient, emulator: Emulator, server: Server, body: bytes, suffix: str
) -> None:
    emulator.faults.append(results_are(body))
    await comfyui.queue({"1": a_picture()})
    files = list((server.base / "output" / "runninghub").glob(f"*{suffix}"))
    assert any(path.read_bytes() == body for path in files)
    assert not list(server.base.rglob("exploded"))
    # The server is alive and well.
    emulator.faults.clear()
    assert (await comfyui.queue({"1": a_picture()})).outcome == "success"


async def test_a_key_that_the_service_repeats_is_shown_nowhere(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    key = emulator.default_key
    echo = f'{{"code": 999, "msg": "no such key {key}", "data": null}}'
    emulator.faults.append(Fault("/task/openapi/create", "body", value=echo, status=200))
    result = await comfyui.queue({"1": a_picture(), "2": node("TestLooks", value=["1", 0])})
    assert result.outcome == "error"
    assert "no such key" in str(result)
    assert key not in str(result)
    assert key not in str(await comfyui.get("/history"))
    assert key not in server.said()
