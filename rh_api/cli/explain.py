"""Text output of `offload --explain`: the plan's document, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..texts import english


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the document's lines as text."""
    for segment in document["segments"]:
        yield english("cli.explain_segment", {"id": segment["id"], "size": segment["instance"]})
        yield from _listed("cli.explain_nodes", segment["nodes"])
        for node in segment["pulled"]:
            yield "  " + node["reason"]  # which names the node
        for load in segment["up"]:
            yield "  " + english("cli.explain_up", {"what": _load_text(load)})
        for outlet in segment["back"]:
            labels = {"node": _label(outlet["from"]), "to": _labels(outlet["to"])}
            yield "  " + english("cli.explain_back", {"kind": outlet["kind"], **labels})
        yield from _listed("cli.explain_saved", segment["saved"])
        usual = segment["estimate"]
        if usual["seconds"] is not None:
            yield "  " + english("cli.explain_usual", usual)
        if segment["quote"]:
            yield "  " + english("cli.explain_quote", {"quote": segment["quote"]["text"]})
    if len(document["segments"]) > 1 and document["quote"]:
        yield document["quote"]
    yield from _listed("cli.explain_local", document["local"], indent="")
    yield from (note["text"] for note in document["notes"])


def _listed(key: str, nodes: Sequence[Mapping[str, Any]], indent: str = "  ") -> Iterator[str]:
    if nodes:
        yield indent + english(key, {"nodes": _labels(nodes)})


def _labels(nodes: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(map(_label, nodes)) or "-"


def _label(node: Mapping[str, Any]) -> str:
    return f"{node['id']} ({node['title']})" if node["title"] else str(node["id"])


def _load_text(load: Mapping[str, Any]) -> str:
    parts = [load["kind"], load["name"] or _label(load["from"])]
    if load["bytes"] is not None:
        parts.append(f"{load['bytes']} B")
    if load["known"]:
        parts.append(english("cli.explain_known", {}))
    return " · ".join(parts)
