"""The account: what is left on it, and how many tasks it may run at once.

RunningHub docs, "Get Account Information" and (Chinese docs) "queue status".
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadReply
from .call import Auth, Call, Request, Response
from .envelope import as_object, open_envelope, read_int, read_text


@dataclass(frozen=True, slots=True)
class Account:
    """Balances as the service prints them; `kind` NORMAL, SHARED or EXCLUSIVE; None = not said."""

    coins: str | None
    money: str | None
    currency: str | None
    kind: str
    running: int | None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """`limit`: tasks at once; `running`, `queued`: of the whole account, not of ours alone."""

    limit: int | None
    running: int
    queued: int
    kind: str


def account_status() -> Call[Account]:
    """Balances and running tasks. This endpoint alone spells the key's field `apikey`."""

    def read(response: Response) -> Account:
        data = as_object(open_envelope(response))
        if not data:
            raise BadReply(status=response.status)
        return Account(
            coins=read_text(data.get("remainCoins")) or None,
            money=read_text(data.get("remainMoney")) or None,
            currency=read_text(data.get("currency")) or None,
            kind=read_text(data.get("apiType")),
            running=read_int(data.get("currentTaskCounts")),
        )

    request = Request("POST", "/uc/openapi/accountStatus", Auth.LOWER_BODY, {})
    return Call(request, read, repeatable=True, seconds=5.0)


def queue_status() -> Call[QueueStatus]:
    """The account's limit and load; the limit differs by plan, so it is read, never assumed."""

    def read(response: Response) -> QueueStatus:
        data = as_object(open_envelope(response))
        if not data:
            raise BadReply(status=response.status)
        limit = read_int(data.get("concurrentLimit"))
        return QueueStatus(
            limit=limit if limit and limit > 0 else None,
            running=read_int(data.get("runningCount")) or 0,
            queued=read_int(data.get("queuedCount")) or 0,
            kind=read_text(data.get("apiKeyType")),
        )

    request = Request("GET", "/openapi/v2/queue/status", Auth.BEARER)
    return Call(request, read, repeatable=True, seconds=5.0)
