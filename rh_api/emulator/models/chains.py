"""Ids in a model's result that other models of the same account accept, until they expire."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING

from ..codes import Json
from .catalogue import Model, shipped
from .issued import IssuedId

if TYPE_CHECKING:
    from ..state import State


@cache
def makers() -> frozenset[str]:
    """Endpoints of the models whose ids another model accepts."""
    return frozenset(
        endpoint
        for model in shipped()
        for parameter in model.parameters
        for endpoint in parameter.made_by
    )


def issue(state: State, key: str, model: Model, body: Json) -> str | None:
    """Issue ids for a run and return the text that holds them; None if the model issues none.

    An id is the whole text, or within JSON, as a string or as a number.
    """
    if model.endpoint not in makers():
        return None

    def new() -> str:
        value = state.next_id()
        state.issued_ids[value] = IssuedId(
            key=key,
            endpoint=model.endpoint,
            purpose=str(body.get("purpose") or ""),
            expires=time.time() + state.issued_id_ttl,
        )
        return value

    match model.endpoint:
        case "kling-elements" | "kling-elements-advanced":
            name = body.get("name") or body.get("elementName")
            return json.dumps({"elementId": int(new()), "elementName": name}, ensure_ascii=False)
        case "kling-lip-sync/identify-face":
            face = {"faceId": new(), "startTime": 0, "endTime": 5000}
            return json.dumps({"sessionId": new(), "faceData": [face]})
        case _:
            return new()
