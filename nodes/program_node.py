"""What every node does that runs a program of the site: checks it early, places orders, waits."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, ClassVar

from comfy_api.latest import io

from . import cloud, config, reports, sandbox, versions
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client

EARLY_SECONDS = 5.0  # that a look at a changed program may hold up POST /prompt

_runs = itertools.count()


class ProgramNode(io.ComfyNode):
    """No node by itself: ComfyUI would keep the flags of a listed node for its subclasses."""

    NAMED: ClassVar[str]
    """The input that says what to run."""

    @classmethod
    async def validate_inputs(cls, **inputs: Any) -> bool:
        from . import order

        with told_plainly():
            asked = order.read_asked(inputs, cls.NAMED)
            settings = config.settings(asked.profile)
            if not order.is_linked(inputs, cls.NAMED):
                named = asked.app or asked.workflow
                sandbox.refuse_link(settings, named, is_app=bool(asked.app))
                early = order.check_early(cloud.client(settings), asked, inputs)
                try:
                    await asyncio.wait_for(early, EARLY_SECONDS)
                except asyncio.TimeoutError:
                    pass  # the run will look again
        return True

    @classmethod
    async def fingerprint_inputs(cls, **inputs: Any) -> str:
        """What changes when the program does, and always when every run shall be new."""
        from . import order

        if any(inputs.get("reroll_seeds", ())) or any(inputs.get("again", ())):
            return f"run {next(_runs)}"
        if order.is_linked(inputs, cls.NAMED):
            return ""
        asked = order.read_asked(inputs, cls.NAMED)
        return f"saved {await versions.changes(asked.profile, asked.job({}))}"

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        from . import order, outputs
        from .sources import Sources

        display = NodeDisplay.of_running_node()
        with told_plainly():
            asked = order.read_asked(inputs, cls.NAMED)

        async def work(client: Client) -> tuple[io.NodeOutput, str]:
            with Sources(config.scratch_folder(), cloud.in_worker) as sources:
                jobs, program, wanted = await order.prepare(client, asked, inputs, sources)
                versions.remember(asked.profile, jobs[0], program)
                outcomes = await client.run_all(jobs, display)
            return await cloud.in_worker(outputs.node_output, outcomes, program, wanted)

        subject = reports.Subject(
            "RunningHubAIApp" if asked.app else "RunningHubRemoteWorkflow",
            asked.app or asked.workflow,
            asked.profile,
            asked.options.instance,
        )
        with reports.noted(display.node_id, subject, inputs):
            output, line = await cloud.run(work, display, asked.profile)
        display.finish(line)
        return output
