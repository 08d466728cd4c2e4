"""The catalogue of standard models without an account."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

from .models.live_catalogue import ModelCatalogue
from .net.api import AiohttpTransport, SystemClock
from .net.registry import VendorRegistry
from .run.retry import Sender
from .settings import NO_SECRET, Settings


@contextlib.asynccontextmanager
async def open_catalogue(settings: Settings) -> AsyncGenerator[ModelCatalogue]:
    """A site's catalogue that can be refreshed without an account: requests carry no key."""
    transport = AiohttpTransport(replace(settings, key=NO_SECRET))
    try:
        sender = Sender(transport, SystemClock())
        yield ModelCatalogue(settings, sender, VendorRegistry.of(settings))
    finally:
        await transport.close()
