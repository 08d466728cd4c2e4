"""RunningHub Task: a task that was ordered before, here or elsewhere, is watched to its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy.model_management import InterruptProcessingException
from comfy_api.latest import io

from ..rh_api.errors import BadInput
from ..rh_api.graph.outputs import read_output_ids
from . import cloud, config, language, reports, schema
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..rh_api.client import Client

_SHARED = ("outputs", "profile")  # inputs that a node which orders has as well


class RunningHubTask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RunningHubTask",
            display_name="RunningHub Task",
            category=schema.CATEGORY,
            description="Brings the results of a task that was ordered before, here or on the "
            "site, and waits for one that still runs. It orders nothing; Stop ends the waiting "
            "and not the task.",
            search_aliases=["runninghub", "follow", "fetch", "results", "rejoin"],
            inputs=[
                io.String.Input(
                    "task_id",
                    placeholder="1900000000000000301",
                    tooltip="The task's id, as every node of RunningHub and the site's call "
                    "records tell it.",
                ),
                *(one for one in schema.order_inputs() if one.id in _SHARED),
            ],
            outputs=schema.result_outputs(),
            is_input_list=True,
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, **inputs: Any) -> bool:
        with told_plainly():
            asked = _Asked(inputs)
            config.settings(asked.profile)
        return True

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        from . import outputs

        display = NodeDisplay.of_running_node()
        with told_plainly():
            asked = _Asked(inputs)

        async def work(client: Client) -> tuple[io.NodeOutput, str]:
            outcomes = [await client.follow(task_id, display) for task_id in asked.task_ids]
            return await cloud.in_worker(outputs.node_output, outcomes, None, asked.outputs)

        subject = reports.Subject("RunningHubTask", profile=asked.profile)
        try:
            with reports.noted(display.node_id, subject, inputs):
                output, line = await cloud.run(work, display, asked.profile)
        except InterruptProcessingException:
            tasks = ", ".join(asked.task_ids)
            display.finish(language.say("node.task_left", {"tasks": tasks}))
            raise
        display.finish(line)
        return output


class _Asked:
    """The inputs, checked; a linked `task_id` is not known while they are validated."""

    def __init__(self, inputs: Mapping[str, Sequence[object]]) -> None:
        from ..rh_api.client import as_task_id

        given = [value for value in inputs.get("task_id", ()) if value is not None]
        self.task_ids = [as_task_id(_text("task_id", value)) for value in given]
        self.outputs = read_output_ids(_first(inputs, "outputs"))
        self.profile = _first(inputs, "profile").strip()


def _first(inputs: Mapping[str, Sequence[object]], name: str) -> str:
    values = [value for value in inputs.get(name, ()) if value is not None]
    return _text(name, values[0]) if values else ""


def _text(name: str, value: object) -> str:
    # A link of type * may bring anything.
    if not isinstance(value, str):
        raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    return value
