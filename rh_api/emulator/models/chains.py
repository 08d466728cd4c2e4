"""Ids that a model's result holds and that other models of the same account take, for a while."""

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
    """The models whose ids another model asks for."""
    return frozenset(
        endpoint
        for model in shipped()
        for parameter in model.parameters
        for endpoint in parameter.made_by
    )


def issue(state: State, key: str, model: Model, body: Json) -> str | None:
    """The text that tells the ids of what the run made; None for a model that gives out none.

    An id stands alone, or within JSON in the text, as a text or as a number.
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
