"""Worlds of an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.run.world import Service, each_taken

from tests.unit.run.engine_world import DONE_AT_10, World


@pytest.fixture
def make(tmp_path: Path):
    """A world for a service; `play` runs a story in it in virtual time."""
    worlds: list[World] = []

    def build(**answers: Any) -> World:
        answers.setdefault("create", [each_taken()])
        answers.setdefault("query", list(DONE_AT_10))
        worlds.append(World(tmp_path, Service(**answers)))
        return worlds[-1]

    yield build
    for world in worlds:
        world.rows.store.close()
