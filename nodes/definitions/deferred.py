"""The one door from a node's definition, which ComfyUI loads at its start,
to what runs the node."""

from __future__ import annotations


def model_names(node_id: str) -> list[str]:
    """What the models that a node offers are called, in both languages."""
    from ..runtime import model_catalogues

    return model_catalogues.names(node_id)


def runs():
    """`nodes/runtime/runs.py`: a module for each kind of node, loaded when a prompt needs one."""
    from ..runtime import runs

    return runs
