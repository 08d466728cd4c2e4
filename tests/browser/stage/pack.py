"""Loads the pack as ComfyUI does: under a name of its own, through its entry point."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from nodes import NODE_CLASS_MAPPINGS

ROOT = Path(__file__).parents[3]
NAME = "stage_pack"


async def load() -> dict[str, Any]:
    """Adds our nodes to the table and our handlers and routes to the server; the nodes by id.

    STAGE_PACK_FAILS: nothing of that, as where ComfyUI has logged an error of it and goes on.
    """
    if "STAGE_PACK_FAILS" in os.environ:
        return {}
    spec = importlib.util.spec_from_file_location(
        NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    extension = await module.comfy_entrypoint()
    await extension.on_load()
    nodes = {node.GET_SCHEMA().node_id: node for node in await extension.get_node_list()}
    NODE_CLASS_MAPPINGS.update(nodes)
    return nodes
