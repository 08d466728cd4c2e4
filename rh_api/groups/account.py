"""Account queries: balances, concurrency limit and load, API keys, models for loader nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from ..run.rate_limiter import RateLimiter
from ..run.retry import Sender
from ..wire import accounts
from ..wire.accounts import Account, ApiKey, QueueStatus
from ..wire.call import Call
from ..wire.resources import (
    REQUESTS_PER_MINUTE,
    Resource,
    ResourceKind,
    ResourcePage,
    resource_list,
)


@dataclass(frozen=True, slots=True)
class AccountHandle:
    """One account. Every method sends a request; nothing is cached."""

    sender: Sender
    _limiter: RateLimiter = field(default_factory=partial(RateLimiter, REQUESTS_PER_MINUTE))

    async def status(self) -> Account:
        """Return balances and the number of running tasks."""
        return await self.sender.send(accounts.account_status())

    async def queue(self) -> QueueStatus:
        """Return the account's concurrency limit and its current load."""
        return await self.sender.send(accounts.queue_status())

    async def api_keys(self) -> list[ApiKey]:
        """Return this account's API keys, masked by the service."""
        return await self.sender.send(accounts.api_key_list())

    async def resources(
        self, kind: ResourceKind, name: str = "", *, limit: int = 50
    ) -> list[Resource]:
        """Search the service's model files by a substring of the name, under its rate limit.

        Returns at most `limit`, over as many pages as needed.
        """
        resources: list[Resource] = []
        page = 1
        while True:
            call = resource_list(kind, name, page=page)

            async def attempt(call: Call[ResourcePage] = call) -> ResourcePage:
                await self._limiter.acquire(self.sender.clock)
                return await self.sender.transport.send(call)

            answer = await self.sender.retry(attempt, repeatable=call.repeatable, fate=call.fate)
            resources += answer.resources
            if len(resources) >= limit or not answer.has_next:
                return resources[:limit]
            page += 1
