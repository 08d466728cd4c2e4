"""Webhooks: the status of the service's POST to a `webhookUrl` at a task's end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import BadInput, BadReply, Fate
from .call import Auth, Call, Request, Response
from .envelope import open_envelope, read_id, read_int, read_object, read_text

COMFYUI_PORT = 8188
"""ComfyUI's default port: whoever reaches it can run anything on its machine."""

MAX_ADDRESS = 300  # characters


def check_address(url: str) -> None:
    """Raise BadInput for a URL that the service cannot call: it takes any text, and stays silent.

    Plain http is refused except to loopback, which an emulator calls; so is ComfyUI's port.
    """
    is_text = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_ADDRESS
    try:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        is_fit = bool(parts.hostname) and parts.port not in (0, COMFYUI_PORT) and not parts.username
        can_be_called = is_text and is_fit and (is_local or parts.scheme == "https")
    except ValueError:
        can_be_called = False
    if not can_be_called:
        raise BadInput("error.webhook_url", value=url[:100], port=COMFYUI_PORT)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivery status of a webhook's POST.

    `state`: SUCCESS, FAILED, or an undocumented word. `answer`: the receiver's response, or why it
    was unreachable. `tries`: retries after the first; None if not told. `created`, `updated`:
    ISO times without a zone, as received.
    """

    id: str
    task_id: str
    url: str
    event: str
    event_data: str
    state: str
    answer: str
    tries: int | None
    created: str
    updated: str


def webhook_detail(task_id: str) -> Call[Delivery]:
    """Query the delivery of a task's webhook; NotFound (code 1) if it was ordered without one.

    RunningHub docs, "Get Webhook Event Details".
    """

    def read(response: Response) -> Delivery:
        data = read_object(open_envelope(response))
        event_id = read_id(data.get("id"))
        if not event_id:
            raise BadReply(status=response.status)
        event_data = data.get("eventData")
        return Delivery(
            id=event_id,
            task_id=read_id(data.get("taskId")),
            url=read_text(data.get("webhookUrl")),
            event=read_text(data.get("event")),
            event_data=event_data if isinstance(event_data, str) else json.dumps(event_data),
            state=read_text(data.get("callbackStatus")),
            answer=read_text(data.get("callbackResponse")),
            tries=read_int(data.get("retryCount")),
            created=read_text(data.get("createTime")),
            updated=read_text(data.get("updateTime")),
        )

    request = Request("POST", "/task/openapi/getWebhookDetail", Auth.BODY, {"taskId": task_id})
    return Call(request, read, repeatable=True, fate=Fate.NO_ORDER)


def resend_webhook(webhook_id: str, url: str = "") -> Call[None]:
    """Have the service POST an event (`Delivery.id`) once more, to `url` if that is given.

    Each call triggers a POST to the receiver, so it is not retried. RunningHub docs, "Resend
    Specific Webhook Event".
    """

    def read(response: Response) -> None:
        open_envelope(response)

    body = {"webhookId": webhook_id, **({"webhookUrl": url} if url else {})}
    request = Request("POST", "/task/openapi/retryWebhook", Auth.BODY, body)
    return Call(request, read, repeatable=False, fate=Fate.NO_ORDER)
