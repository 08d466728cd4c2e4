"""Somebody who looks at the site and answers the open questions by what is there."""

from __future__ import annotations

from collections.abc import Sequence

from rh_api.client import Client
from rh_api.emulator import Emulator
from tests.campaign.jobs import Wish


async def answer(client: Client, emulator: Emulator, wishes: Sequence[Wish]) -> int:
    """Settle each uncertain order by the truth; gives how many there were."""
    asked = [left for left in await client.open_orders() if left.is_uncertain]
    for left in asked:
        (wish,) = [one for one in wishes if one.is_in(left.inputs)]
        tasks = [task for task in wish.tasks(emulator) if task.status not in ("CANCEL", "FAILED")]
        if tasks:
            await client.settle_uncertain(left.order, task_id=tasks[-1].id)
        else:
            await client.settle_uncertain(left.order, not_started=True)
    return len(asked)
