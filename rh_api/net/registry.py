"""The vendor's model registry, a file at another origin; opt-in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..settings import NO_SECRET, Settings, read_origin
from ..wire.public import document
from .api import AiohttpTransport


@dataclass(frozen=True, slots=True)
class VendorRegistry:
    """The registry's file, requested without a key. `settings`: of its origin."""

    settings: Settings
    path: str

    @classmethod
    def of(cls, settings: Settings) -> VendorRegistry | None:
        """Return the configured registry, None if it is switched off."""
        if not settings.model_registry:
            return None
        parts = urlsplit(settings.model_registry)
        origin = read_origin(f"{parts.scheme}://{parts.netloc}")
        return cls(Settings(origin=origin, key=NO_SECRET, state=settings.state), parts.path)

    async def read(self, limit: int) -> bytes:
        """Download the file. CatalogueRefused above `limit` bytes; else a call's errors."""
        transport = AiohttpTransport(self.settings)
        try:
            return (await transport.send(document(self.path, limit))).data or b""
        finally:
            await transport.close()
