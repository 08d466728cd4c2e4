"""Runs a Task node: waits for tasks ordered earlier and returns their results."""

from __future__ import annotations

from dataclasses import dataclass

from comfy.model_management import InterruptProcessingException
from comfy_api.latest import io

from ...rh_api.client import Client, as_task_id
from ...rh_api.graph.outputs import read_output_ids
from .. import language
from ..values.failures import as_node_failures
from ..values.field_values import Inputs
from . import cloud, config, failure_reports, node_inputs
from .decoding import output_of
from .node_display import NodeDisplay


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """The validated inputs. `task_ids`: empty while they are still to come by a link."""

    task_ids: tuple[str, ...]
    outputs: tuple[str, ...]
    profile: str


def validate(inputs: Inputs) -> None:
    """Validate the inputs and the profile. Raises NodeFailure."""
    with as_node_failures():
        config.settings(read_node_request(inputs).profile)


async def execute(inputs: Inputs) -> io.NodeOutput:
    """Wait for the tasks and return the outputs. Stop does not cancel them. Raises NodeFailure."""
    display = NodeDisplay.of_running_node()
    with as_node_failures():
        asked = read_node_request(inputs)

    async def work(client: Client) -> tuple[io.NodeOutput, str]:
        outcomes = [await client.task(task_id).wait(display) for task_id in asked.task_ids]
        return await output_of(client, outcomes, display, None, asked.outputs)

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


def read_node_request(inputs: Inputs) -> NodeRequest:
    """Parse the inputs. Raises BadInput for a bad task id or list of outputs, or a wrong type."""
    values = [value for value in inputs.get("task_id", ()) if value is not None]
    return NodeRequest(
        tuple(as_task_id(node_inputs.require_type("task_id", value, "")) for value in values),
        read_output_ids(node_inputs.read_input(inputs, "outputs", "")),
        node_inputs.read_input(inputs, "profile", "").strip(),
    )
