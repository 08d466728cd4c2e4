"""Graphs in API format, written the way a program would."""

from __future__ import annotations

from typing import Any


def node(class_type: str, title: str = "", /, **inputs: Any) -> dict[str, Any]:
    """A node of a graph; links are lists. `title`: what a person calls it, "" for nothing."""
    made: dict[str, Any] = {"class_type": class_type, "inputs": inputs}
    return {**made, "_meta": {"title": title}} if title else made
