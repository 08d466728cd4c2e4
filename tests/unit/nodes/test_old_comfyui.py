"""What a ComfyUI loads: one that is too old, one with another copy, and odd folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CALLS = """
import asyncio, importlib.util, json, sys

import server

roots, calls = json.loads(sys.argv[1]), sys.argv[2:]

async def load():
    host = server.PromptServer(asyncio.get_running_loop())
    nodes = []
    for root in roots:
        name = root.replace(".", "_x_")
        spec = importlib.util.spec_from_file_location(
            name, root + "/__init__.py", submodule_search_locations=[root]
        )
        sys.modules[name] = pack = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(pack)
        extension = await pack.comfy_entrypoint()
        for call in calls:
            answer = await getattr(extension, call)()
        nodes.append(len(answer or ()))
    routes = [f"{route.method} {route.path}" for route in host.routes]
    registered = {"handlers": len(host.on_prompt_handlers), "routes": routes,
                  "ends": len(host.app.on_shutdown), "nodes": nodes}
    host.add_on_prompt_handler(dict)
    for begin in host.app.on_startup:
        await begin(host.app)
    return {**registered, "order": [handler.__name__ for handler in host.on_prompt_handlers]}

print(json.dumps(asyncio.run(load())))
"""
"""Loads copies of the pack on ComfyUI's stand-in and calls their extensions; prints what was
registered, and how many nodes the last call gave for each."""

ROOT = Path(__file__).parents[3]


def load(
    cwd: Path, roots: list[Path], *calls: str, version: str = "0.33.0"
) -> tuple[dict[str, Any], str]:
    """What was registered, and what the log says."""
    (cwd / "comfyui_version.py").write_text(f"__version__ = {version!r}")
    command = [sys.executable, "-c", CALLS, json.dumps([str(root) for root in roots]), *calls]
    host = str(ROOT / "tests/browser/stage/host")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(cwd), host, *sys.path]),
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=True, capture_output=True, encoding="utf-8"
    )
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("version", ["0.11.0", "0.15.1"])
def test_a_comfyui_whose_menus_run_what_a_name_says_gets_one_sentence_and_no_nodes(
    tmp_path: Path, version: str
) -> None:
    registered, log = load(tmp_path, [ROOT], "on_load", "get_node_list", version=version)
    assert (registered["nodes"], registered["handlers"], registered["routes"]) == ([0], 0, [])
    assert log.strip() == (
        f"RunningHub nodes need ComfyUI 0.16 or newer, and this is {version}; nothing was loaded."
    )


@pytest.mark.parametrize("version", ["0.16.0", "0.33.0", "1.0.0"])
@pytest.mark.parametrize(
    "calls", [["on_load", "get_node_list"], ["on_load", "on_load", "get_node_list"]], ids=len
)
def test_handler_and_routes_are_there_once(tmp_path: Path, calls: list[str], version: str) -> None:
    registered, log = load(tmp_path, [ROOT], *calls, version=version)
    assert (registered["handlers"], registered["ends"]) == (1, 1)
    assert registered["nodes"] != [0]
    assert "POST /runninghub/session" in registered["routes"]
    assert len(set(registered["routes"])) == len(registered["routes"])
    assert log == ""


def test_the_handler_comes_after_those_of_packs_that_are_loaded_later(tmp_path: Path) -> None:
    registered, _ = load(tmp_path, [ROOT], "on_load", "get_node_list")
    assert registered["order"] == ["dict", "handle_prompt"]


def test_a_second_copy_gives_no_nodes_and_names_both_folders(tmp_path: Path) -> None:
    copy = tmp_path / "ComfyUI-RunningHub"
    copy.symlink_to(ROOT)
    registered, log = load(tmp_path, [ROOT, copy], "on_load", "get_node_list")
    first, second = registered["nodes"]
    assert first
    assert not second
    assert (registered["handlers"], registered["ends"]) == (1, 1)
    assert f"{copy} was not loaded, because {ROOT} is." in log


@pytest.mark.parametrize("name", ["ComfyUI-RunningHub Remote", "云端节点", "a#1"])
def test_a_folder_whose_scripts_are_not_served_is_told(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.symlink_to(ROOT)
    registered, log = load(tmp_path, [folder], "on_load", "get_node_list")
    assert registered["nodes"] != [0]
    assert f"ComfyUI serves no scripts from {folder}" in log


@pytest.mark.parametrize("name", ["runninghub.remote-1.0.0", "ComfyUI_RunningHub(2)"])
def test_any_other_folder_needs_no_word(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.symlink_to(ROOT)
    assert load(tmp_path, [folder], "on_load", "get_node_list")[1] == ""
