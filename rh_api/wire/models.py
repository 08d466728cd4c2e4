"""Standard models: ordering one, and querying its price.

These routes have no envelope: the answer is the task object itself; without a valid key it is the
older routes' envelope. Schemas: RunningHub docs, pages of the standard models; for the price, what
public clients send and read (runninghub-sdk 1.1.9, ComfyUI_RH_OpenAPI).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ..errors import BadReply, Fate, KeyRefused, RunningHubError
from .call import Auth, Call, Request, Response
from .envelope import Json, business_error, read_text, reply_of
from .model_refs import PREVIEW, endpoint_path
from .orders import Ticket
from .run_v2 import order_call_v2, raise_refusal

_NOT_ACTIVE = 412  # also for an invalid key; documented for a misspelt path


@dataclass(frozen=True, slots=True)
class PricePreview:
    """The service's price quote for an order.

    `amount` None: unknown, also for a zero without `is_free`, with which models billed by usage
    answer. `text`, `text_en`: the service's own wording.
    """

    amount: Decimal | None
    currency: str
    text: str = ""
    text_en: str = ""
    is_free: bool = False


def create(endpoint: str, body: Mapping[str, object]) -> Call[Ticket]:
    """Order a run of a model. BadInput for an invalid endpoint, before anything is sent."""
    return order_call_v2(endpoint_path(endpoint), dict(body), _refusal)


def price_preview(endpoint: str, body: Mapping[str, object]) -> Call[PricePreview]:
    """Query the price of a body, which also validates it; starts nothing."""
    request = Request("POST", endpoint_path(endpoint, PREVIEW), Auth.BEARER, dict(body))
    return Call(request, _read_preview, repeatable=True, fate=Fate.NO_ORDER)


def _read_preview(response: Response) -> PricePreview:
    reply = reply_of(response)
    raise_refusal(reply, response, _refusal)
    if "estimatedPrice" not in reply and "priceText" not in reply:
        raise BadReply(status=response.status)
    is_free = reply.get("isFreeThisCall") in (True, "true")
    amount = Decimal(0) if is_free else _amount(reply.get("estimatedPrice"))
    return PricePreview(
        amount=amount,
        currency=read_text(reply.get("currency")).upper(),
        text=read_text(reply.get("priceText")),
        text_en=read_text(reply.get("priceTextEn")),
        is_free=is_free,
    )


def _refusal(code: int, reply: Json, response: Response) -> RunningHubError:
    error = business_error(code, reply, response)
    if code == _NOT_ACTIVE:
        return KeyRefused("error.model_not_active", code=code, remote=error.params.get("remote"))
    return error


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(read_text(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount > 0 else None
