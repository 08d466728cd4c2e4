"""The account that pays: what it pays in, what is left on it, and the date by its service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..money.amounts import CNY, COINS, USD, micros
from ..wire.accounts import Account, account_status
from .ports import Journal
from .retry import Sender

READ_SECONDS = 60.0  # the account is read at most once a minute, and after an order


@dataclass(slots=True)
class Wallet:
    """One account, as it was last read."""

    sender: Sender
    journal: Journal
    _account: Account | None = None
    _read_at: float = 0.0
    _service_time: tuple[float, float] | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def last(self) -> Account | None:
        """The account as it was read before, however long ago."""
        return self._account

    async def read(self) -> Account:
        """The account, a minute old at most. Raises the call's error where it cannot be read."""
        async with self._reading:
            now = self.sender.clock.now()
            if self._account is None or now - self._read_at > READ_SECONDS:
                account = await self.sender.send(account_status())
                self._account, self._read_at = account, now
                if account.at is not None:
                    self._service_time = account.at, self.sender.clock.now()
                if account.currency in (CNY, USD):
                    self.journal.currency = account.currency
            return self._account

    def spent(self) -> None:
        """An order has ended: what is left is another sum."""
        self._read_at = float("-inf")

    def unit(self, account: Account) -> str | None:
        """What running time is paid in; "" where it is paid by a subscription, None if unknown."""
        kind = account.kind.upper()
        return {"NORMAL": COINS, "SHARED": self.journal.currency, "EXCLUSIVE": ""}.get(kind)

    def unix(self) -> float | None:
        """Now, in unix seconds by the service's clock; None where it has not told it."""
        if self._service_time is None:
            return None
        at, then = self._service_time
        return at + self.sender.clock.now() - then

    def balance(self, account: Account) -> dict[str, int]:
        """What is left, by unit, as far as it is told."""
        amounts = {COINS: micros(account.coins), self.journal.currency: micros(account.money)}
        return {unit: amount for unit, amount in amounts.items() if amount is not None}
