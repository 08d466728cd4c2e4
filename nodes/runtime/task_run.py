"""Tasks that were ordered before are watched to their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comfy.model_management import InterruptProcessingException
from comfy_api.latest import io

from ...rh_api.client import Client, Outcome, Result, as_task_id
from ...rh_api.errors import BadInput
from ...rh_api.graph.outputs import read_output_ids
from ..values import outputs
from ..values.field_values import Inputs
from . import cloud, config, failure_reports, language, node_outcomes
from .decoding import decoded
from .failures import told_plainly
from .node_display import NodeDisplay


@dataclass(frozen=True, slots=True)
class Asked:
    """The inputs, checked. `task_ids`: none while a link is still to bring them."""

    task_ids: tuple[str, ...]
    outputs: tuple[str, ...]
    profile: str


def validate(inputs: Inputs) -> None:
    """Refuse what no task has. Raises NodeFailure."""
    with told_plainly():
        config.settings(read_asked(inputs).profile)


async def execute(inputs: Inputs) -> io.NodeOutput:
    """The outputs of a Task node. Stop ends the waiting and not the task. Raises NodeFailure."""
    display = NodeDisplay.of_running_node()
    with told_plainly():
        asked = read_asked(inputs)

    async def work(client: Client) -> tuple[io.NodeOutput, str]:
        outcomes = [await client.task(task_id).wait(display) for task_id in asked.task_ids]

        currency = await client.costs.known_currency()

        def make(found: Sequence[Outcome], doubtful: list[Result]) -> tuple[io.NodeOutput, str]:
            return outputs.node_output(found, None, asked.outputs, doubtful, currency)

        output, line = await decoded(client, outcomes, make)
        line_in_each = outputs.done_lines(outcomes, currency)
        display.end = node_outcomes.done(outcomes, line_in_each, output.ui)
        return output, line

    subject = failure_reports.Subject("RunningHubTask", profile=asked.profile)
    try:
        with failure_reports.noted(display.place, subject, inputs):
            output, line = await cloud.run(work, display, asked.profile)
    except InterruptProcessingException:
        tasks = ", ".join(asked.task_ids)
        display.finish(language.say("node.task_left", {"tasks": tasks}))
        raise
    display.finish(line)
    return output


def read_asked(inputs: Inputs) -> Asked:
    """Raises BadInput for what is no task's id, no list of outputs, or no text at all."""
    given = [value for value in inputs.get("task_id", ()) if value is not None]
    return Asked(
        tuple(as_task_id(_text("task_id", value)) for value in given),
        read_output_ids(_first(inputs, "outputs")),
        _first(inputs, "profile").strip(),
    )


def _first(inputs: Inputs, name: str) -> str:
    values = [value for value in inputs.get(name, ()) if value is not None]
    return _text(name, values[0]) if values else ""


def _text(name: str, value: object) -> str:
    # A link of type * may bring anything.
    if not isinstance(value, str):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value
