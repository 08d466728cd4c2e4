"""Daily catalogue refresh in the background, triggered by the use of a standard model's node."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client
from ...rh_api.models.merge import Changes
from ...rh_api.settings import Settings

_refreshes: set[asyncio.Future[Changes | None]] = set()


def begin(client: Client, settings: Settings) -> None:
    """Start a background refresh if it is due, enabled and not running; in the server's loop."""
    if _refreshes or not settings.renews_models or not client.models.is_due():
        return
    refresh = asyncio.ensure_future(client.until_left(client.models.renew()))
    _refreshes.add(refresh)
    refresh.add_done_callback(_ended)


def _ended(refresh: asyncio.Future[Changes | None]) -> None:
    _refreshes.discard(refresh)
    # Retrieve the exception to silence asyncio: the catalogue is unchanged, and retried later.
    if not refresh.cancelled():
        refresh.exception()
