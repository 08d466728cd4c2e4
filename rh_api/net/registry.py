"""The vendor's registry of models, where a person switched it on: a file at another origin."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..settings import NO_SECRET, Settings, read_origin
from ..wire.public import document
from .transport import AiohttpTransport


@dataclass(frozen=True, slots=True)
class VendorRegistry:
    """One file, asked for without a key; `settings` are those of its origin."""

    settings: Settings
    path: str

    @classmethod
    def of(cls, settings: Settings) -> VendorRegistry | None:
        """None where it is switched off."""
        if not settings.model_registry:
            return None
        parts = urlsplit(settings.model_registry)
        origin = read_origin(f"{parts.scheme}://{parts.netloc}")
        return cls(Settings(origin=origin, key=NO_SECRET, state=settings.state), parts.path)

    async def read(self, limit: int) -> bytes:
        """The file, of at most `limit` bytes. Raises what a call raises."""
        transport = AiohttpTransport(self.settings)
        try:
            return (await transport.send(document(self.path, limit))).data or b""
        finally:
            await transport.close()
