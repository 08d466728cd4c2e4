"""Daily catalogue refresh in the background, triggered by the use of a standard model's node."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client
from ...rh_api.models.merge import Changes
from ...rh_api.settings import Settings

_looking: set[asyncio.Future[Changes | None]] = set()


def begin(client: Client, settings: Settings) -> None:
    """Start a background refresh if it is due, enabled and not running; in the server's loop."""
    if _looking or not settings.renews_models or not client.models.is_due():
        return
    looking = asyncio.ensure_future(client.until_left(client.models.renew()))
    _looking.add(looking)
    looking.add_done_callback(_ended)


def _ended(looking: asyncio.Future[Changes | None]) -> None:
    _looking.discard(looking)
    # Retrieve the exception to silence asyncio: the catalogue is unchanged, and retried later.
    if not looking.cancelled():
        looking.exception()
