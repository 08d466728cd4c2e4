"""Webhooks of own orders: a URL with a random token each, and deliveries noted in the journal.

The listener, in this process or another, records a delivery in the journal. That only triggers a
poll; its content is never trusted.
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

JOURNAL_POLL_SECONDS = 0.3  # between two polls of the journal
TOKEN_BYTES = 32


class Follower(Protocol):
    """A follower of a task that can be notified of its webhook."""

    def delivered(self) -> None:
        """Called when the delivery has arrived."""
        ...

    def promised(self) -> None:
        """Called when a delivery is to be expected."""
        ...


@dataclass(slots=True)
class Deliveries:
    """`address`: the listener's public base URL, without a trailing slash."""

    address: str
    journal: Journal
    clock: Clock
    _awaited: list[tuple[int, Follower]] = field(default_factory=list[tuple[int, Follower]])
    _looking: asyncio.Task[None] | None = None

    def addressed(self, order: Order) -> tuple[Order, Address | None]:
        """Return the order with its own webhook URL, and the journal's record of it (token hashed).

        An order with a webhook URL of the user's, or that can carry none, is returned unchanged.
        """
        if order.options.webhook_url or not order.takes_webhook:
            return order, None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        options = replace(order.options, webhook_url=f"{self.address}{PATH}{token}")
        return replace(order, options=options), Address(self.address, token_hash(token))

    @contextlib.asynccontextmanager
    async def awaited(self, order: int, follower: Follower) -> AsyncGenerator[None]:
        """Notify `follower` of the order's delivery while the context is open."""
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
        """Cancel the polling task; a follower that comes before it has ended starts another."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while self._awaited:
            with contextlib.suppress(StoreUnavailable):
                orders = [order for order, _ in self._awaited]
                self._tell(await self.journal.webhooks_received(orders))
            await self.clock.sleep(JOURNAL_POLL_SECONDS)

    def _tell(self, heard: set[int]) -> None:
        delivered = [entry for entry in self._awaited if entry[0] in heard]
        self._awaited = [entry for entry in self._awaited if entry not in delivered]
        for _, follower in delivered:
            follower.delivered()
        if delivered:
            for _, follower in self._awaited:
                follower.promised()  # deliveries evidently reach this machine
