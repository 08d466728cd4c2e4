"""Keys of programs in the journal: an id, for all but workflows with a prefix per kind, since ids
may collide."""

from __future__ import annotations


def program_key(kind: str, program_id: str) -> str:
    """Return the key of a program. `kind`: workflow, app, quick, model or graph; `program_id`: its
    id, of a model the endpoint, of a graph a digest of its structure."""
    return program_id if kind == "workflow" else f"{kind}/{program_id}"


def kind_and_id(key: str) -> tuple[str, str]:
    """Return what `program_key` made a key of."""
    kind, _, program_id = key.partition("/")
    return (kind, program_id) if program_id else ("workflow", key)
