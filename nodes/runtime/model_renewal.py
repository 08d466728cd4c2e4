"""The daily look for new models, in the background, from the first use of a model's node on."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client
from ...rh_api.models.merge import Changes
from ...rh_api.settings import Settings

_looking: set[asyncio.Future[Changes | None]] = set()


def begin(client: Client, settings: Settings) -> None:
    """Look, if that is due and nobody has switched it off; in the server's loop. Nobody waits."""
    if _looking or not settings.renews_models or not client.models.is_due():
        return
    looking = asyncio.ensure_future(client.until_left(client.models.renew()))
    _looking.add(looking)
    looking.add_done_callback(_ended)


def _ended(looking: asyncio.Future[Changes | None]) -> None:
    _looking.discard(looking)
    # Whatever it was, the models are as they were; a look of another day may fare better.
    if not looking.cancelled():
        looking.exception()
