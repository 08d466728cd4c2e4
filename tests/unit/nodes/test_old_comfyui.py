"""What older ComfyUI lacks: one that our nodes cannot live in, and one that never calls on_load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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
    monkeypatch.setitem(sys.modules, "comfy", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "comfy.cli_args", SimpleNamespace(args=SimpleNamespace()))
    # An attribute that it asked for would be an error: nothing may be registered.
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=None))
    pack("nodes.runtime.prompt_handler")
    monkeypatch.delitem(sys.modules, "rh_pack.nodes.extension", raising=False)

    extension = await sys.modules["rh_pack"].comfy_entrypoint()
    await extension.on_load()
    assert await extension.get_node_list() == []
    assert [record.getMessage() for record in caplog.records] == [
        "RunningHub nodes need ComfyUI 0.11 or newer; nothing was loaded."
    ]


CALLS = """
import asyncio, importlib.util, json, sys

import server

root, *calls = sys.argv[1:]
spec = importlib.util.spec_from_file_location(
    "rh_pack", root + "/__init__.py", submodule_search_locations=[root]
)
sys.modules["rh_pack"] = pack = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)

async def load():
    host = server.PromptServer(asyncio.get_running_loop())
    extension = await pack.comfy_entrypoint()
    for call in calls:
        await getattr(extension, call)()
    routes = [f"{route.method} {route.path}" for route in host.routes]
    return {"handlers": len(host.on_prompt_handlers), "routes": routes,
            "ends": len(host.app.on_shutdown)}

print(json.dumps(asyncio.run(load())))
"""
"""Loads the pack on ComfyUI's stand-in and calls its extension; prints what was registered."""


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(["get_node_list"], id="ComfyUI 0.11 to 0.13"),
        pytest.param(["on_load", "get_node_list"], id="ComfyUI since 0.14"),
        pytest.param(["get_node_list", "on_load"], id="the other way round"),
    ],
)
def test_handler_and_routes_are_there_once_whatever_is_called(
    tmp_path: Path, calls: list[str]
) -> None:
    root = Path(__file__).parents[3]
    host = str(root / "tests/browser/stage/host")
    command = [sys.executable, "-c", CALLS, str(root), *calls]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([host, *sys.path])}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    registered = json.loads(done.stdout)
    assert (registered["handlers"], registered["ends"]) == (1, 1)
    assert "POST /runninghub/session" in registered["routes"]
    assert len(set(registered["routes"])) == len(registered["routes"])
