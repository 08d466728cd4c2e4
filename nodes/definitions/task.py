"""RunningHub Task: follows an existing task, placed here or elsewhere, to its results."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...rh_api.graph import node_options
from . import schema
from .deferred import runs


class RunningHubTask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RunningHubTask",
            display_name="RunningHub Task",
            category=schema.CATEGORY,
            description="Gets the results of a task that was ordered before, here or on the site, "
            "and waits for one that still runs. It orders nothing; Stop ends the waiting, not the "
            "task.",
            search_aliases=["runninghub", "follow", "fetch", "results", "rejoin"],
            inputs=[
                io.String.Input(
                    "task_id",
                    placeholder="1900000000000000301",
                    tooltip="The task's id, as every RunningHub node and the site's call records "
                    "show it.",
                ),
                *map(schema.option_input, (node_options.OUTPUTS, node_options.PROFILE)),
            ],
            outputs=schema.result_outputs(),
            is_input_list=True,
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, **inputs: Any) -> bool:
        runs().task_run.validate(inputs)
        return True

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        return await runs().task_run.execute(inputs)
