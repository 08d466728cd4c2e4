"""Cached account status: billing unit, balance, and the service's clock offset."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from ..errors import RunningHubError
from ..journal import SqliteJournal
from ..money.amounts import CNY, COINS, USD, currency_of, micros
from ..wire.accounts import Account, account_status
from .retry import Sender

ASK_SECONDS = 2.0  # timeout of a request that only determines the currency
READ_SECONDS = 60.0  # TTL of the cached account; an order's end invalidates it


@dataclass(slots=True)
class Wallet:
    """Cached status of one account."""

    sender: Sender
    journal: SqliteJournal
    _account: Account | None = None
    _read_at: float = 0.0
    _service_time: tuple[float, float] | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    background_read: asyncio.Task[Account | None] | None = None
    """The read of the latest `read_within`; who closes the account cancels it."""
    _asked_at: float = 0.0

    def __post_init__(self) -> None:
        self.journal.ask_currency = partial(self.read_within, ASK_SECONDS)

    @property
    def last(self) -> Account | None:
        """The last status read, however old; None before the first read."""
        return self._account

    async def read(self) -> Account:
        """Return the status, at most READ_SECONDS old. Raises the call's error."""
        async with self._reading:
            now = self.sender.clock.now()
            if self._account is None or now - self._read_at > READ_SECONDS:
                account = await self.sender.send(account_status())
                self._account, self._read_at = account, now
                if account.at is not None:
                    self._service_time = account.at, self.sender.clock.now()
                told = account.currency
                currency = told if told in (CNY, USD) else currency_of(self.journal.origin)
                if currency:
                    await self.journal.learn_currency(currency)
            return self._account

    async def read_within(self, patience: float) -> Account | None:
        """Return the status for what only shows it; None if unknown `patience` seconds after the
        first request. The read continues in the background for later callers."""
        now = asyncio.get_running_loop().time()
        if self.background_read is None or self.background_read.done():
            self.background_read, self._asked_at = asyncio.create_task(self._try_to_read()), now
        reading = self.background_read
        await asyncio.wait((reading,), timeout=max(0.0, self._asked_at + patience - now))
        return reading.result() if reading.done() and not reading.cancelled() else None

    async def _try_to_read(self) -> Account | None:
        try:
            return await self.read()
        except RunningHubError:
            return None

    def spent(self) -> None:
        """Invalidate the cache, since an order's end changes the balance."""
        self._read_at = float("-inf")

    def unit(self, account: Account) -> str | None:
        """Return the billing unit of running time; "" for a subscription, None if unknown."""
        kind = account.kind.upper()
        money = self.journal.currency or None
        return {"NORMAL": COINS, "SHARED": money, "EXCLUSIVE": ""}.get(kind)

    def unix(self) -> float | None:
        """Return the current unix time by the service's clock; None before it was told."""
        if self._service_time is None:
            return None
        at, then = self._service_time
        return at + self.sender.clock.now() - then

    def balance(self, account: Account) -> dict[str, int]:
        """Return the balance in millionths by unit, without units that are not told."""
        amounts = {COINS: micros(account.coins), self.journal.currency: micros(account.money)}
        return {unit: amount for unit, amount in amounts.items() if amount is not None}
