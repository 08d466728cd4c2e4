"""Serializes a segment as the JSON text that its node in the local prompt holds.

Only what the order depends on is in it: equal segments are equal bytes, and a new name or title
places no new order.
"""

from __future__ import annotations

import json
from typing import Any, cast

from ..errors import BadInput
from .plan import Inlet, LocalFile, LocalLora, ModelName, Outlet, Segment

_VERSION = 1


def dump(segment: Segment) -> str:
    """Serialize to canonical JSON: sorted keys; no name, title or local id. Raises BadInput."""
    written = {
        "v": _VERSION,
        "instance": segment.instance,
        "graph": segment.graph,
        "inlets": [
            [inlet.number, inlet.type, inlet.targets, inlet.listed] for inlet in segment.inlets
        ],
        "outlets": [
            [outlet.number, outlet.type, outlet.source, outlet.saver, outlet.prefix]
            for outlet in segment.outlets
        ],
        "files": [[file.node_id, file.input, file.value, file.type] for file in segment.files],
        "loras": [[lora.node_id, lora.input, lora.value] for lora in segment.loras],
        "models": [
            [model.node_id, model.input, model.value, model.kind] for model in segment.models
        ],
        "members": segment.members,
    }
    try:
        return json.dumps(written, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:  # NaN, an infinity, or a value without a JSON form
        raise BadInput("segment.unwritable", node=segment.id) from error


def load(text: str) -> Segment:
    """Parse what `dump` wrote. What that leaves out (id, name, titles, sources of inlets) is blank.
    Raises BadInput."""
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
            files=tuple(LocalFile(*map(_text, row)) for row in about["files"]),
            loras=tuple(LocalLora(*map(_text, row)) for row in about["loras"]),
            models=tuple(ModelName(*map(_text, row)) for row in about["models"]),
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
