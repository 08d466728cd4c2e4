"""Graphs in API format, written the way a program would."""

from __future__ import annotations

from typing import Any

from rh_api.emulator import catalog


def node(class_type: str, title: str = "", /, **inputs: Any) -> dict[str, Any]:
    """A node of a graph; links are lists. `title`: what a person calls it, "" for nothing."""
    entry: dict[str, Any] = {"class_type": class_type, "inputs": inputs}
    return {**entry, "_meta": {"title": title}} if title else entry


def painting(seed: int) -> dict[str, Any]:
    """The emulator's graph from text to image."""
    graph = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    graph["3"]["inputs"]["seed"] = seed
    return graph
