"""Webhooks of own orders: an address each, and what the journal hears of them.

Whoever listens, in this process or another, notes a delivery in the journal. It is a reason to ask
the service now, and never the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..errors import StoreUnavailable
from ..journal import Address, token_hash
from ..wire.webhooks import PATH
from .orders import Order
from .ports import Clock, Journal

LOOK = 0.3  # seconds between two looks into the journal
TOKEN_BYTES = 32


class Follower(Protocol):
    """Who follows a task and can be told of its webhook."""

    def delivered(self) -> None:
        """The delivery came."""
        ...

    def promised(self) -> None:
        """The delivery will come, as far as can be known."""
        ...


@dataclass(slots=True)
class Deliveries:
    """`address`: where the listener is reached from outside, without a slash at its end."""

    address: str
    journal: Journal
    clock: Clock
    _awaited: list[tuple[int, Follower]] = field(default_factory=list[tuple[int, Follower]])
    _looking: asyncio.Task[None] | None = None

    def addressed(self, order: Order) -> tuple[Order, Address | None]:
        """The order with an address of its own, and what the journal keeps of that.

        One that carries an address of the person's, and one that can carry none, stays as it is.
        """
        if order.options.webhook_url or not order.takes_webhook:
            return order, None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        options = replace(order.options, webhook_url=f"{self.address}{PATH}{token}")
        return replace(order, options=options), Address(self.address, token_hash(token))

    @contextlib.asynccontextmanager
    async def awaited(self, order: int, follower: Follower) -> AsyncGenerator[None]:
        """While this is open the follower is told of the order's delivery."""
        try:
            promised = await self.journal.promised(order)
        except StoreUnavailable:
            promised = None
        if promised is None:
            yield
            return
        if promised:
            follower.promised()
        entry = (order, follower)
        self._awaited.append(entry)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        try:
            yield
        finally:
            with contextlib.suppress(ValueError):
                self._awaited.remove(entry)
            if not self._awaited:
                self._stop_looking()

    def _stop_looking(self) -> None:
        """End the look; whoever comes before it has ended begins another."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while self._awaited:
            with contextlib.suppress(StoreUnavailable):
                self._tell(await self.journal.heard([order for order, _ in self._awaited]))
            await self.clock.sleep(LOOK)

    def _tell(self, heard: set[int]) -> None:
        delivered = [entry for entry in self._awaited if entry[0] in heard]
        self._awaited = [entry for entry in self._awaited if entry not in delivered]
        for _, follower in delivered:
            follower.delivered()
        if delivered:
            for _, follower in self._awaited:
                follower.promised()  # deliveries do reach this machine
