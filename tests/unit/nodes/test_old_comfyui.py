"""A ComfyUI that our nodes cannot live in is told so, once, and goes on without them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import pytest

Pack = Callable[[str], ModuleType]


@dataclass
class OldSchema:
    """As of ComfyUI 0.10: without accept_all_inputs."""

    node_id: str


class ComfyExtension:
    async def on_load(self) -> None:
        pass


async def test_a_comfyui_without_free_inputs_gets_one_sentence_and_no_nodes(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    io = SimpleNamespace(Schema=OldSchema)
    latest = SimpleNamespace(ComfyExtension=ComfyExtension, io=io)
    monkeypatch.setitem(sys.modules, "comfy_api", SimpleNamespace(latest=latest))
    monkeypatch.setitem(sys.modules, "comfy_api.latest", latest)
    # An attribute that it asked for would be an error: nothing may be registered.
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=None))
    pack("nodes.prompt")
    monkeypatch.delitem(sys.modules, "rh_pack.nodes.extension", raising=False)

    extension = await sys.modules["rh_pack"].comfy_entrypoint()
    await extension.on_load()
    assert await extension.get_node_list() == []
    assert [record.getMessage() for record in caplog.records] == [
        "RunningHub nodes need ComfyUI 0.11 or newer; nothing was loaded."
    ]
