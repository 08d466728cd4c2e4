"""The command line as a person feels it: a fresh interpreter's help, and the demonstration."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, median_of, timed

ROOT = Path(__file__).parents[2]
HELP_SECONDS = 0.15
DEMO_SECONDS = 10.0
RUNS = 15


def rows() -> Iterator[Row]:
    helped = seconds("-m", "rh_api", "--help", runs=RUNS)
    bare = seconds("-c", "pass", runs=RUNS)
    yield timed(
        "a fresh interpreter, `python -m rh_api --help`",
        helped,
        HELP_SECONDS,
        f"median of {RUNS}; the bare interpreter takes {bare:.3f} s",
    )
    shown = seconds("-m", "rh_api", "demo", runs=3)
    note = "median of 3; the task itself takes 1 s"
    yield timed("`python -m rh_api demo`", shown, DEMO_SECONDS, note)


def seconds(*argv: str, runs: int) -> float:
    """Median time of a process, after one that warms the disk's cache."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs + 1):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, *argv],
                cwd=folder,
                env=environment,
                check=True,
                capture_output=True,
            )
            times.append(time.perf_counter() - began)
    return median_of(times[1:])
