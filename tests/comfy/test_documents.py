"""The prompts in API format that documents show, in a real ComfyUI."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import pixels
from tests.support.pictures import png

pytestmark = pytest.mark.comfy

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("docs/programs.md", "docs/programs.zh-CN.md", "docs/models.md")
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_document_s_prompt_runs(
    comfyui: ComfyClient, emulator: Emulator, document: str
) -> None:
    emulator.account.kind, emulator.account.money = "SHARED", 1000
    await comfyui.upload("photo.png", png(pixels()))
    blocks = map(json.loads, BLOCK.findall((ROOT / document).read_text("utf-8")))
    (prompt,) = (block for block in blocks if "1" in block)
    result = await comfyui.queue(prompt)
    assert result.outcome == "success"
    assert result.outputs["3" if "3" in prompt else "2"]["images"]
    assert emulator.counters.orders == 1
