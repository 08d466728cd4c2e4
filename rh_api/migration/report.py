"""Reports of migrations and found keys: text lines for users, JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .graph import Sentence
from .keys import FoundKey, Surety
from .migrate import Migration, Named

Say = Callable[[str, Mapping[str, object]], str]
"""(key, params) to the sentence in the user's language."""

_SURETIES = {
    Surety.CERTAIN: "keys.certain",
    Surety.LIKELY: "keys.likely",
    Surety.MAYBE: "keys.maybe",
}


def lines_of(migration: Migration, say: Say) -> Iterator[str]:
    for replacement in migration.replaced:
        nodes = ", ".join(map(_label, replacement.nodes))
        yield f"{nodes} → {replacement.becomes} {replacement.program}".rstrip()
        yield from (f"  · {_said(note, say)}" for note in replacement.notes)
    for left in migration.left:
        yield say("migrate.stays", {"node": _label(left.node), "why": _said(left.why, say)})


def document_of(migration: Migration, say: Say) -> dict[str, object]:
    """JSON: `replaced` (nodes, becomes, program, notes) and `stays` (node, why)."""
    return {
        "replaced": [
            {
                "nodes": [_node(node) for node in replacement.nodes],
                "becomes": replacement.becomes,
                "program": replacement.program,
                "notes": [_said(note, say) for note in replacement.notes],
            }
            for replacement in migration.replaced
        ],
        "stays": [{**_node(left.node), "why": _said(left.why, say)} for left in migration.left],
    }


def key_line(key: FoundKey, say: Say) -> str:
    """One line: the masked key, how certain it is, and all its places."""
    surety = say(_SURETIES[key.surety], {})
    places = ", ".join(key.places)
    return say("keys.found", {"veiled": key.veiled, "surety": surety, "places": places})


def key_document(key: FoundKey) -> dict[str, object]:
    """JSON of a found key: masked, never the key itself."""
    return {
        "key": key.veiled,
        "surety": key.surety.name.lower(),
        "places": list(key.places),
    }


def _label(node: Named) -> str:
    return f"{node.title} ({node.id})"


def _node(node: Named) -> dict[str, object]:
    return {"id": node.id, "class": node.class_type, "title": node.title}


def _said(sentence: Sentence, say: Say) -> str:
    return say(sentence.key, sentence.params)
