"""What the service POSTs to a `webhookUrl` at a task's end, read as a poll's answer is.

RunningHub docs, "Start ComfyUI Task 2 - Advanced". Nothing signs it: whoever knows the address
can send one. Take it as a sign to ask the service about the task, answer at once (a slow
receiver gets it again), and expect repeats.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..errors import BadInput
from .call import Response
from .envelope import as_object, read_id
from .tasks import Report, is_task_id, read_outputs, read_query


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """A task's end as a webhook tells it."""

    task_id: str
    report: Report


def read_event(body: str | bytes) -> TaskEnd:
    """The body of a webhook's POST.

    `eventData` is text or an object: the older poll's answer for workflows and AI apps, the V2
    poll's for what was started by V2. Raises BadInput for anything else, and what the poll's
    reader raises for a code that is no state.
    """
    event = as_object(body if isinstance(body, str) else body.decode("utf-8", "replace"))
    task_id = read_id(event.get("taskId"))
    data = as_object(event.get("eventData"))
    if event.get("event") != "TASK_END" or not is_task_id(task_id) or not data:
        raise BadInput("error.webhook_unreadable")
    read = read_query if "status" in data else read_outputs
    return TaskEnd(task_id, read(Response(200, json.dumps(data).encode())))
