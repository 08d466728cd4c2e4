"""Somebody who looks at the site and answers the open questions by what is there, and who looks at
what came, as nodes do that decode it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rh_api.client import Client, OpenOrder, Outcome
from rh_api.emulator import Emulator
from rh_api.emulator.tasks.task import Task
from rh_api.wire.integrity import Verdict
from tests.campaign.jobs import Wish


async def answer(client: Client, emulator: Emulator, wishes: Sequence[Wish]) -> int:
    """Settle each uncertain order by the truth; gives how many there were."""
    questions = [question for question in await client.open_orders() if question.is_uncertain]
    for question in questions:
        (wish,) = [wish for wish in wishes if wish.is_of(question)]
        tasks = [
            task
            for task in wish.tasks(emulator)
            if task.status not in ("CANCEL", "FAILED") and _has_contents_of(task, question)
        ]
        if tasks:
            await client.settle_uncertain(question.order, task_id=tasks[-1].id)
        else:
            await client.settle_uncertain(question.order, not_started=True)
    return len(questions)


async def looked_at(client: Client, outcome: Outcome) -> Outcome:
    """What came, of which the files that cannot be decoded were asked for once more."""
    doubtful = [result for result in outcome.results if result.verdict is Verdict.CUT]
    return await client.fetch_again(outcome, doubtful) if doubtful else outcome


def _has_contents_of(task: Task, question: OpenOrder) -> bool:
    """Uploads are named by their contents, which tell the items of a batch apart."""
    names = f"{task.node_info} {task.graph}"
    hashes = re.findall(r"\b[0-9a-f]{64}\b", str(question.inputs))
    return all(digest in names for digest in hashes)
