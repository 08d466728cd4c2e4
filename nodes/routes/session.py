"""A page says hello: it gets the token of this start, and we learn which language it speaks."""

from __future__ import annotations

from typing import Any

from ...rh_api.errors import BadInput
from .. import language
from ..runtime import cloud, config, node_display, node_outcomes
from . import guard
from .body import Body, text_of
from .clients import client_of


async def session(body: Body) -> dict[str, object]:
    """Only a page of this ComfyUI gets this far, and can read the answer."""
    language.speak(text_of(body, "locale", "en"))
    return {"token": guard.token()}


async def resume(body: Body) -> dict[str, object]:
    """The page of `client` shows the run of `prompt` from here on; `shown`: it is under way."""
    return {"shown": node_display.resume(text_of(body, "prompt"), text_of(body, "client"))}


async def ends(body: Body) -> dict[str, object]:
    """How the nodes of the workflow `graph` ended last, also before this start of ComfyUI.

    `profile`: one that its nodes name. What the nodes show is laid where the browser may fetch
    it; an end without that has nothing to show any more.
    """
    try:
        client = client_of(body)
    except BadInput:
        return {"ends": {}}  # without an account nothing was ordered
    by_node = await node_outcomes.of_graph(client, text_of(body, "graph"))
    for end in by_node.values():
        if not await _brought_back(end):
            end["shown"] = {}
    return {"ends": by_node}


async def _brought_back(end: dict[str, Any]) -> bool:
    try:
        return await node_outcomes.bring_back(cloud.client(config.settings(end["profile"])), end)
    except BadInput:
        return False  # its account is not here any more
