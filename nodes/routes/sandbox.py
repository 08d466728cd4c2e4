"""The built-in emulator, on and off."""

from __future__ import annotations

from .. import sandbox
from . import Body, Route, switch_of


async def switch(body: Body) -> dict[str, object]:
    """On: it runs as the profile `sandbox`. Off: it and all that it knew is gone."""
    if switch_of(body, "on"):
        sandbox.start()
    else:
        sandbox.stop()
    return {"on": sandbox.is_running(), "samples": sandbox.samples()}


ROUTES = (Route("POST", "/runninghub/sandbox", switch),)
