"""Run by ComfyUI's own Python: seconds until the pack's node list and schemas are there.

Prints one JSON line: the seconds, and the modules of third parties that came with the pack.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import time
from pathlib import Path


def main(comfyui: str, pack: str) -> None:
    sys.path[0] = comfyui  # in place of the folder of this script
    sys.argv = [sys.argv[0], "--cpu"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import server
    from comfy_api.latest import io  # noqa: F401

    import nodes  # noqa: F401 - what a running ComfyUI has loaded

    loop = asyncio.new_event_loop()
    server.PromptServer(loop)
    before = set(sys.modules)
    started = time.perf_counter()
    root = Path(pack)
    name = str(root).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(
        name, root / "__init__.py", submodule_search_locations=[pack]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    loop.run_until_complete(_schemas(module))
    seconds = time.perf_counter() - started
    new = {m.split(".")[0] for m in set(sys.modules) - before if not m.startswith(name)}
    foreign = sorted(new - set(sys.stdlib_module_names))
    print(json.dumps({"seconds": seconds, "foreign": foreign}))


async def _schemas(module: object) -> None:
    extension = await module.comfy_entrypoint()  # type: ignore[attr-defined]
    await extension.on_load()
    for node in await extension.get_node_list():
        node.GET_SCHEMA()


if __name__ == "__main__":
    main(*sys.argv[1:3])
