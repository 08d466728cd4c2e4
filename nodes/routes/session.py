"""Page sessions: token and language, resumed progress, and how nodes' last runs ended."""

from __future__ import annotations

from typing import Any

from ...rh_api.errors import BadInput
from .. import language
from ..runtime import accounts, cloud, config, node_display, node_outcomes
from . import guard
from .body import Body, text_of
from .request_client import client_of


async def session(body: Body) -> dict[str, object]:
    """Set the language to the page's `locale`; return the CSRF token. Same-origin by the guard."""
    language.speak(text_of(body, "locale", "en"))
    return {"token": guard.token()}


async def resume(body: Body) -> dict[str, object]:
    """Redirect the progress of the run `prompt` to the page `client`; `shown`: it runs there."""
    return {"shown": node_display.resume(text_of(body, "prompt"), text_of(body, "client"))}


async def ends(body: Body) -> dict[str, object]:
    """Return how the nodes of the workflow `graph` last ended, earlier starts included.

    `profile`: one that its nodes or marks name, for a sandbox that must be started to be asked.
    Restores the files that nodes show in the temp folder; `shown` is empty where that fails.
    """
    try:
        client = accounts.any_client() or client_of(body)  # the journal has those of all accounts
    except BadInput:
        return {"ends": {}}  # no account, so nothing was ordered
    by_node = await node_outcomes.of_graph(client, text_of(body, "graph"))
    for end in by_node.values():
        if not await _restored(end):
            end["shown"] = {}
    return {"ends": by_node}


async def _restored(end: dict[str, Any]) -> bool:
    try:
        return await node_outcomes.bring_back(cloud.client(config.settings(end["profile"])), end)
    except BadInput:
        return False  # its profile was removed
