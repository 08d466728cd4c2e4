"""Webhook deliveries of an account's tasks: their state, and resending them."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound
from ..run.retry import Sender
from ..wire.tasks import as_task_id
from ..wire.webhooks import Delivery, check_address, resend_webhook, webhook_detail


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Queries about POSTs to a `webhookUrl` (see `TaskOptions`)."""

    sender: Sender

    async def details(self, task_id: str) -> Delivery:
        """Return the last delivery of a task. Raises NotFound if it has no webhook; BadInput."""
        task_id = as_task_id(task_id)
        try:
            return await self.sender.send(webhook_detail(task_id))
        except NotFound as error:
            refusal = error.with_context("error.no_webhook", task_id=task_id)
            raise refusal from error.__cause__

    async def resend(self, delivery: Delivery, url: str = "") -> None:
        """Ask the service to POST it again, to `url` (http or https) if given."""
        if url:
            check_address(url)
        await self.sender.send(resend_webhook(delivery.id, url))
