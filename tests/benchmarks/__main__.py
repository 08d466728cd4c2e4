"""`python tests/benchmarks [NAME …]`: every goal as a ratio, measured in one run on this machine.

Rows of `comfy`, `offload` and `install` need a real ComfyUI named by COMFYUI_DIR and are left out
without one, which the last line says.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

NAMES = (
    "follow",
    "media",
    "net",
    "far_line",
    "batches",
    "load",
    "bounds",
    "store",
    "reliability",
    "limits",
    "segments",
    "command_line",
    "models",
    "canvas",
    "panel",
    "comfy",
    "offload",
    "install",
)
NEEDS_COMFYUI = ("comfy", "offload", "install")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    chosen: list[str] = parser.parse_args().names
    for name in chosen:
        if name not in NAMES:
            parser.error(f"there is no {name}: choose from {', '.join(NAMES)}")
    names = chosen or [n for n in NAMES if n not in NEEDS_COMFYUI or os.environ.get("COMFYUI_DIR")]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    print(
        f"commit {commit}, {_processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    print("| what | measured | against | ratio | goal | |\n|---|--:|--:|--:|--:|---|")
    missed = 0
    for name in names:
        for row in importlib.import_module(f"benchmarks.{name}").rows():
            missed += not row.ok
            verdict = "" if row.ok else "**missed**"
            note = f"{verdict} {row.note}".strip()
            print(
                f"| {row.name} | {row.measured} | {row.against} | {row.ratio:.3g} "
                f"| ≤ {row.goal:g} | {note} |",
                flush=True,
            )
    left_out = "" if {*NEEDS_COMFYUI} & {*names} else "; without a real ComfyUI (set COMFYUI_DIR)"
    print(f"{missed} goals missed{left_out}")
    return 1 if missed else 0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
