"""What ComfyUI waits for at its start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOAD = """
import asyncio, sys
sys.path.insert(0, "tests/browser/stage/host")
from server import PromptServer
from tests.browser.stage import pack

async def main():
    PromptServer(asyncio.get_running_loop())
    await pack.load()
    print(*(name.partition(".")[2] for name in sys.modules if name.startswith(pack.NAME)))

asyncio.run(main())
"""
LATER = (
    "rh_api.client",
    "rh_api.emulator",
    "rh_api.offload",
    "rh_api.net",
    "rh_api.run",
    "rh_api.journal",
)


def test_what_only_a_run_needs_is_loaded_by_a_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=ROOT,
        env={**os.environ, "STAGE_BASE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.split()
    assert "nodes.definitions.remote_workflow" in loaded
    assert [name for name in loaded if name.startswith(LATER)] == []
