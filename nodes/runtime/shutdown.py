"""What has to end when ComfyUI's server does; whatever needs an end says so when it begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

End = Callable[[], Awaitable[None]]

_ends: list[End] = []


def at_end(end: End) -> None:
    """Call `end` once when the server shuts down, however often this is called with it."""
    if end not in _ends:
        _ends.append(end)


async def run(_: object = None) -> None:
    """aiohttp's `on_shutdown` hands over the application."""
    while _ends:
        await _ends.pop()()
