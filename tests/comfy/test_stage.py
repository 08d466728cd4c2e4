"""The stage of the browser tests shows the same nodes as this ComfyUI."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.browser.stage.record import FILE, recorded
from tests.comfy.client import ComfyClient
from tests.comfy.server import ROOT

# The stage shows what this version does.
pytestmark = [pytest.mark.comfy, pytest.mark.since("0.33.0"), pytest.mark.timeout(600)]


def staged() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.browser.stage", "--no-key", "--object-info"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


async def test_its_core_nodes_are_as_recorded(comfyui: ComfyClient) -> None:
    real = await comfyui.get("/object_info")
    assert recorded(real) == json.loads(FILE.read_text("utf-8"))


async def test_our_nodes_look_the_same_there(comfyui: ComfyClient) -> None:
    real, stage = await comfyui.get("/object_info"), staged()
    ours = {name for name, node in real.items() if node["python_module"].endswith(".some-name")}
    assert ours <= stage.keys()
    for name in ours:
        for node in (real[name], stage[name]):
            # The files of this machine.
            node["input"].get("required", {}).pop("lora", None)
        assert stage[name] == real[name], name
