"""Lazy imports of what runs the nodes: ComfyUI loads the nodes' definitions at its start."""

from __future__ import annotations


def model_names(node_id: str) -> list[str]:
    """The names of the models that a node offers, in both languages."""
    from ..runtime import model_catalogues

    return model_catalogues.names(node_id)


def runs():
    """`nodes/runtime/runs.py`: a module for each kind of node, loaded when a prompt needs one."""
    from ..runtime import runs

    return runs
