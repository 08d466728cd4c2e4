"""A segment as the JSON text that its node in the local prompt holds.

Only what the order depends on is in it, so that equal segments are equal bytes, and a new name or
title orders nothing anew.
"""

from __future__ import annotations

import json
from typing import Any, cast

from ..errors import BadInput
from .plan import Inlet, LocalFile, LocalLora, ModelName, Outlet, Segment

_VERSION = 1


def dump(segment: Segment) -> str:
    """Canonical JSON: keys sorted, nothing of this run, no name, no title, no local id."""
    written = {
        "v": _VERSION,
        "instance": segment.instance,
        "graph": segment.graph,
        "inlets": [[each.number, each.type, each.targets, each.listed] for each in segment.inlets],
        "outlets": [
            [each.number, each.type, each.source, each.saver, each.prefix]
            for each in segment.outlets
        ],
        "files": [[each.node_id, each.input, each.value, each.type] for each in segment.files],
        "loras": [[each.node_id, each.input, each.value] for each in segment.loras],
        "models": [[each.node_id, each.input, each.value, each.kind] for each in segment.models],
        "members": segment.members,
    }
    try:
        return json.dumps(written, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:  # an infinite number, or one that is no JSON
        raise BadInput("segment.unwritable", node=segment.id) from error


def load(text: str) -> Segment:
    """The segment of a text that `dump` wrote. What is not in it (id, name, titles, where the
    inlets come from) is blank. Raises BadInput."""
    try:
        about = cast("dict[str, Any]", json.loads(text))
        if about["v"] != _VERSION:
            raise BadInput("segment.unreadable")
        return Segment(
            id="",
            name="",
            instance=_text(about["instance"]),
            graph={**about["graph"]},
            inlets=tuple(
                Inlet(int(number), _text(kind), ("", 0), _pairs(targets), bool(listed))
                for number, kind, targets, listed in about["inlets"]
            ),
            outlets=tuple(
                Outlet(int(number), _text(kind), _link(source), _text(saver), _text(prefix))
                for number, kind, source, saver, prefix in about["outlets"]
            ),
            files=tuple(LocalFile(*map(_text, each)) for each in about["files"]),
            loras=tuple(LocalLora(*map(_text, each)) for each in about["loras"]),
            models=tuple(ModelName(*map(_text, each)) for each in about["models"]),
            members=tuple(map(_text, about["members"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("segment.unreadable") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _link(value: Any) -> tuple[str, int]:
    source, slot = value
    return _text(source), int(slot)


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((_text(node_id), _text(name)) for node_id, name in value)
