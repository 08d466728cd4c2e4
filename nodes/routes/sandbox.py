"""Starts and stops the built-in emulator, and lists its samples."""

from __future__ import annotations

from ..runtime import demo_server
from .body import Body, switch_of


async def samples(_: Body) -> dict[str, object]:
    """List its sample programs, without starting it."""
    return {"samples": demo_server.samples()}


async def switch(body: Body) -> dict[str, object]:
    """Start it, as the profile `sandbox`, or stop it, which discards its state."""
    if switch_of(body, "on"):
        demo_server.start()
    else:
        demo_server.stop()
    return {"on": demo_server.is_running(), "samples": demo_server.samples()}
