"""Standard models: what ComfyUI's page is told of their nodes, the search, the catalogue."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import requests

from benchmarks.rows import Row, timed
from rh_api.models.catalogue import Catalogue
from rh_api.models.merge import merge
from rh_api.models.search import Search
from rh_api.models.stored import read_catalogue

SHIPPED = Path(__file__).parents[2] / "rh_api" / "models" / "catalogue.json"
OURS = ("RunningHub", "RH")
SIZE, KEY, READ, MEMORY = 110_000, 0.016, 0.150, 10 * 2**20
TYPED = "kling 3.0 pro 图生视频"


def rows() -> Iterator[Row]:
    data = SHIPPED.read_bytes()
    took = []
    for _ in range(7):
        started = process_time()
        catalogue = read_catalogue(data)
        merge(catalogue, _newer(catalogue), date="2027-01-01")
        took.append(process_time() - started)
    yield _row(f"catalogue: read and merge {len(catalogue)} models", median(took), READ)
    search = Search(catalogue)
    keys = []
    for end in range(len(TYPED)):
        started = process_time()
        search.find(TYPED[: end + 1])
        keys.append(process_time() - started)
    yield _row("search: the slowest keystroke", max(keys), KEY)
    tracemalloc.start()
    in_memory = read_catalogue(data), Search(catalogue)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert in_memory
    yield Row(
        "catalogue and index in memory",
        f"{used / 2**20:.1f} MiB",
        f"{MEMORY / 2**20:g} MiB",
        used / MEMORY,
        1.0,
    )


def definitions(url: str) -> Row:
    """The share of all our nodes in what a running ComfyUI tells of its nodes."""
    every = requests.get(f"{url}/object_info", timeout=60).json()
    ours: dict[str, Any] = {name: node for name, node in every.items() if name.startswith(OURS)}
    size = len(json.dumps(ours))
    note = f"{len(ours)} nodes"
    return Row("/object_info of our nodes", f"{size} B", f"{SIZE} B", size / SIZE, 1.0, note)


def _newer(catalogue: Catalogue) -> list[Any]:
    return [replace(model, pages=("api-1",)) for model in catalogue.models.values()]


def _row(name: str, seconds: float, goal: float) -> Row:
    return timed(name, seconds, goal, clock=process_time)
