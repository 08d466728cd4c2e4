"""Webhooks: one POST at a task's end, with a few retries."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

RETRIES = 3
"""As the documentation's example of a failed delivery shows."""

TIMEOUT_SECONDS = 5.0


@dataclass
class Webhook:
    """A delivery and its state."""

    id: str
    key: str
    task_id: str
    url: str
    event_data: Any
    status: str = "PENDING"
    response: str = ""
    retries: int = 0
    created: str = ""
    updated: str = ""

    def detail(self) -> dict[str, Any]:
        """Return ``data`` of getWebhookDetail; ``eventData`` is always text there."""
        data = self.event_data
        return {
            "id": self.id,
            "userApiKey": f"{self.key[:4]}****{self.key[-4:]}",
            "taskId": self.task_id,
            "webhookUrl": self.url,
            "event": "TASK_END",
            "eventData": data if isinstance(data, str) else json.dumps(data),
            "callbackStatus": self.status,
            "callbackResponse": self.response,
            "retryCount": self.retries,
            "createTime": self.created,
            "updateTime": self.updated,
        }


def now_text() -> str:
    return datetime.now().isoformat(timespec="seconds")


async def send(webhook: Webhook, *, pause: float) -> None:
    """Deliver, with up to ``RETRIES`` retries ``pause`` seconds apart; records the outcome."""
    body = {"event": "TASK_END", "taskId": webhook.task_id, "eventData": webhook.event_data}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for attempt in range(RETRIES + 1):
            webhook.retries = attempt
            try:
                async with session.post(webhook.url, json=body) as answer:
                    webhook.response = (await answer.text())[:1000]
                    webhook.status = "SUCCESS" if answer.status < 300 else "FAILED"
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as problem:
                webhook.status, webhook.response = "FAILED", f"I/O error: {problem}"
            webhook.updated = now_text()
            if webhook.status == "SUCCESS":
                return
            await asyncio.sleep(pause)
