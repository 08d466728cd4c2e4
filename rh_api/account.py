"""The account: balances, its limit and load, and the models that it may name in loader nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from .run.rate_limiter import RateLimiter
from .run.retry import Sender
from .wire import accounts
from .wire.accounts import Account, ApiKey, QueueStatus
from .wire.call import Call
from .wire.resources import REQUESTS_PER_MINUTE, Resource, ResourceKind, ResourcePage, resource_list


@dataclass(frozen=True, slots=True)
class AccountHandle:
    """One account. Each method asks the service."""

    sender: Sender
    _limiter: RateLimiter = field(default_factory=partial(RateLimiter, REQUESTS_PER_MINUTE))

    async def status(self) -> Account:
        """Balances and running tasks of the account."""
        return await self.sender.send(accounts.account_status())

    async def queue(self) -> QueueStatus:
        """The account's limit of tasks at once, and its load."""
        return await self.sender.send(accounts.queue_status())

    async def api_keys(self) -> list[ApiKey]:
        """The keys of this account as the service lists them, masked by it."""
        return await self.sender.send(accounts.api_key_list())

    async def resources(
        self, kind: ResourceKind, name: str = "", *, limit: int = 50
    ) -> list[Resource]:
        """Models that the service carries, by a part of their name; within its pace.

        At most `limit`, over as many pages as that takes.
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
