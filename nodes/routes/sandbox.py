"""The built-in emulator, on and off."""

from __future__ import annotations

from ..runtime import demo_server
from .body import Body, switch_of


async def samples(_: Body) -> dict[str, object]:
    """What can be tried in it; to ask starts nothing."""
    return {"samples": demo_server.samples()}


async def switch(body: Body) -> dict[str, object]:
    """On: it runs as the profile `sandbox`. Off: it and all that it knew is gone."""
    if switch_of(body, "on"):
        demo_server.start()
    else:
        demo_server.stop()
    return {"on": demo_server.is_running(), "samples": demo_server.samples()}
