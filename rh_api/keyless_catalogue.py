"""The standard models where there is no account yet."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

from .model_catalogue import ModelCatalogue
from .net.registry import VendorRegistry
from .net.transport import AiohttpTransport, SystemClock
from .run.retry import Sender
from .settings import NO_SECRET, Settings


@contextlib.asynccontextmanager
async def open_catalogue(settings: Settings) -> AsyncGenerator[ModelCatalogue]:
    """The standard models of a site, to be refreshed without an account: no key goes out."""
    transport = AiohttpTransport(replace(settings, key=NO_SECRET))
    try:
        sender = Sender(transport, SystemClock())
        yield ModelCatalogue(settings, sender, VendorRegistry.of(settings))
    finally:
        await transport.close()
