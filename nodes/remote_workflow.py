"""RunningHub Remote Workflow: a saved workflow runs in the cloud, its results come back."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import cloud, config, schema, versions
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client

EARLY_SECONDS = 5.0  # that a look at a changed workflow may hold up POST /prompt

_runs = itertools.count()


class RunningHubRemoteWorkflow(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RunningHubRemoteWorkflow",
            display_name="RunningHub Remote Workflow",
            category=schema.CATEGORY,
            description="Runs a saved RunningHub workflow in the cloud. Set its fields as "
            "<nodeId>.<fieldName>; pictures and masks that you connect are uploaded.",
            search_aliases=["runninghub", "cloud", "remote", "api"],
            inputs=[
                schema.form_input(),
                io.String.Input(
                    "workflow",
                    placeholder="id or link",
                    tooltip="Id of a saved workflow, or the link to its page.",
                ),
                *schema.order_inputs(),
                *schema.link_inputs(),
            ],
            outputs=schema.result_outputs(),
            is_input_list=True,
            is_output_node=True,
            accept_all_inputs=True,
        )

    @classmethod
    async def validate_inputs(cls, **inputs: Any) -> bool:
        from . import order

        with told_plainly():
            settings = config.settings()
            asked = order.read_asked(inputs)
            if not order.is_linked(inputs, "workflow"):
                early = order.check_early(cloud.client(settings), asked, inputs)
                try:
                    await asyncio.wait_for(early, EARLY_SECONDS)
                except asyncio.TimeoutError:
                    pass  # the run will look again
        return True

    @classmethod
    async def fingerprint_inputs(cls, **inputs: Any) -> str:
        """What changes when the saved workflow does, and always when every run shall be new."""
        if any(inputs.get("reroll_seeds", ())):
            return f"run {next(_runs)}"
        text = next(iter(inputs.get("workflow", ())), None)
        return f"saved {await versions.changes(text)}" if isinstance(text, str) else ""

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        from . import order, outputs

        display = NodeDisplay.of_running_node()

        async def work(client: Client) -> tuple[io.NodeOutput, str]:
            asked = order.read_asked(inputs)
            job, workflow, wanted = await order.prepare(client, asked, inputs, cloud.in_worker)
            versions.remember(asked.workflow, workflow)
            outcome = await client.run(job, display)
            return await cloud.in_worker(outputs.node_output, outcome, workflow, wanted)

        output, line = await cloud.run(work, display)
        display.finish(line)
        return output
