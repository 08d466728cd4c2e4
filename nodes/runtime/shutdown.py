"""Registry of async cleanup callbacks that run when ComfyUI's server shuts down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

End = Callable[[], Awaitable[None]]

_callbacks: list[End] = []


def at_end(end: End) -> None:
    """Register `end` to be awaited once at shutdown; idempotent."""
    if end not in _callbacks:
        _callbacks.append(end)


async def run(_: object = None) -> None:
    """Await the callbacks, last registered first. For aiohttp's `on_shutdown`: takes the app."""
    while _callbacks:
        await _callbacks.pop()()
