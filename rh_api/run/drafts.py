"""Files that are made when an order needs them, beside the uploads of those before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ..wire.filetypes import Kind
from .transfers import Source

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Draft:
    """A Source to be: made when an order needs it, once for all orders that share the draft.

    So the first orders of a batch upload while the files of later ones are still being made.
    `kind` is known before. `make` may fail with any error of ours, with nothing paid.
    """

    kind: Kind
    make: Callable[[], Awaitable[Source]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _made: Source | None = None

    async def source(self) -> Source:
        async with self._turn:
            if self._made is None:
                self._made = await self.make()
            return self._made


async def drafted(values: Mapping[str, object]) -> dict[str, object]:
    """The values with a Source in place of each Draft."""

    async def made(name: str, draft: Draft) -> tuple[str, Source]:
        return name, await draft.source()

    sources = await together(
        made(name, value) for name, value in values.items() if isinstance(value, Draft)
    )
    return {**values, **dict(sources)}


async def together(work: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """All results; the first failure ends the others."""
    jobs = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*jobs)
    finally:
        for job in jobs:
            job.cancel()
