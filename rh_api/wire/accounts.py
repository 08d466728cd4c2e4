"""The account: balance, concurrency limit and load, API keys.

RunningHub docs, "Get Account Information" and (Chinese docs) "queue status".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..errors import BadReply, Fate
from .call import Auth, Call, Request, Response
from .envelope import as_list, open_envelope, read_int, read_object, read_text


@dataclass(frozen=True, slots=True)
class Account:
    """Balances as decimal strings, as printed; `kind` NORMAL, SHARED, EXCLUSIVE. None: not told."""

    coins: str | None
    money: str | None
    currency: str | None
    kind: str
    running: int | None
    at: float | None = None
    """Time of the response, unix seconds by the service's clock."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """`limit`: concurrency limit; `running`, `queued`: tasks of the account, of all its clients.
    `instances`: machines of a dedicated key, None if not told (by the types of the public client
    runninghub-sdk 1.1.9)."""

    limit: int | None
    running: int
    queued: int
    kind: str
    instances: int | None = None


def account_status() -> Call[Account]:
    """Query balances and running tasks. Only this endpoint spells the key's field `apikey`."""

    def read(response: Response) -> Account:
        data = read_object(open_envelope(response))
        if not data:
            raise BadReply(status=response.status)
        return Account(
            coins=read_text(data.get("remainCoins")) or None,
            money=read_text(data.get("remainMoney")) or None,
            currency=read_text(data.get("currency")) or None,
            kind=read_text(data.get("apiType")),
            running=read_int(data.get("currentTaskCounts")),
            at=response.at,
        )

    request = Request("POST", "/uc/openapi/accountStatus", Auth.LOWER_BODY, {})
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED, seconds=5.0)


def queue_status() -> Call[QueueStatus]:
    """Query the account's concurrency limit, which depends on its plan, and its load."""

    def read(response: Response) -> QueueStatus:
        data = read_object(open_envelope(response))
        if not data:
            raise BadReply(status=response.status)
        limit = read_int(data.get("concurrentLimit"))
        return QueueStatus(
            limit=limit if limit and limit > 0 else None,
            running=read_int(data.get("runningCount")) or 0,
            queued=read_int(data.get("queuedCount")) or 0,
            kind=read_text(data.get("apiKeyType")),
            instances=read_int(data.get("instanceCount")),
        )

    request = Request("GET", "/openapi/v2/queue/status", Auth.BEARER)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED, seconds=5.0)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key of the account. `masked`: as the service shows it; quotas and times as received,
    "" if not set; `status`: only 1 was seen, other values are undocumented."""

    masked: str
    name: str
    status: int | None
    quota_limit: str
    quota_used: str
    expires: str
    created: str


def api_key_list() -> Call[list[ApiKey]]:
    """List the API keys, masked, by a public client's types (difyz9/runninghub-sdk-go)."""

    def read(response: Response) -> list[ApiKey]:
        data = open_envelope(response)
        if not isinstance(data, list):
            raise BadReply(status=response.status)
        return [_read_key(read_object(item)) for item in as_list(cast("object", data))]

    request = Request("GET", "/openapi/v2/api-key/list", Auth.BEARER)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED, seconds=5.0)


def _read_key(about: Mapping[str, object]) -> ApiKey:
    shown = read_text(about.get("key"))
    if "*" not in shown:
        # No source shows an unmasked key; if the service sent one, mask it here.
        shown = f"{shown[:2]}…" if shown else ""
    return ApiKey(
        masked=shown,
        name=read_text(about.get("apiKeyName")),
        status=read_int(about.get("status")),
        quota_limit=read_text(about.get("quotaLimit")),
        quota_used=read_text(about.get("quotaUsed")),
        expires=read_text(about.get("expireAt")),
        created=read_text(about.get("createdAt")),
    )
