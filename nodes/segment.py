"""RunningHub Segment: a part of the local graph that was cut out runs in the cloud, as one order.

The prompt handler makes these nodes; nobody puts one on a canvas.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..rh_api.errors import RunningHubError
from ..rh_api.graph.prompt import read_nodes
from ..rh_api.graph.stand_ins import INLETS, OUTLETS, SEGMENT_CLASS
from . import cloud, config, language, reports, schema
from .failures import told_plainly
from .segment_display import SegmentDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client, Outcome
    from ..rh_api.graph.segments import Segment

EARLY_SECONDS = 5.0  # that a look at the list of models may hold up POST /prompt

_runs = itertools.count()


class RunningHubSegment(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        made = io.Schema(
            node_id=SEGMENT_CLASS,
            display_name="RunningHub Segment",
            category=schema.CATEGORY,
            description="Internal: the part of a graph that runs in the cloud.",
            inputs=[
                io.String.Input("segment", socketless=True),
                io.String.Input("workflow", optional=True, default="", socketless=True),
                io.Boolean.Input("again", optional=True, default=False, socketless=True),
                *(io.AnyType.Input(f"in_{n}", optional=True) for n in range(INLETS)),
            ],
            outputs=[io.AnyType.Output(f"out_{n}", f"out_{n}", "") for n in range(1, OUTLETS + 1)],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            # A list shows only here, and would be as many orders.
            is_input_list=True,
        )
        made.is_dev_only = True  # no argument: ComfyUI before 0.12 does not know it
        return made

    @classmethod
    async def validate_inputs(cls, segment: Any = None) -> bool:
        from . import local_files

        with told_plainly():
            settings = config.settings()
            loaded = _loaded(segment)
            local_files.check(loaded)
            early = _models().check(cloud.client(settings), loaded, _is_here)
            try:
                await asyncio.wait_for(early, EARLY_SECONDS)
            except asyncio.TimeoutError:
                pass  # the graph's own check will tell, before anything is paid
        return True

    @classmethod
    def fingerprint_inputs(cls, segment: Any = None, again: Any = (), **_: Any) -> object:
        """What changes when a file does that the segment uploads."""
        from . import local_files

        if any(again or ()):
            return f"run {next(_runs)}"
        return local_files.state(_loaded(segment))

    @classmethod
    async def execute(
        cls, segment: Any, workflow: Any = (), again: Any = (), **inputs: Any
    ) -> io.NodeOutput:
        from . import inlets, local_files, outlets, outputs
        from .sources import Sources

        display = SegmentDisplay.of_running_node()
        with told_plainly():
            loaded = replace(_loaded(segment), titles=cls._titles())
        display.members = frozenset(loaded.members)

        async def order(client: Client) -> Outcome:
            from ..rh_api import offload

            with Sources(config.scratch_folder(), cloud.in_worker) as sources:
                job = await offload.job(
                    client,
                    loaded,
                    inlets.given(loaded, inputs, sources),
                    models=_models(),
                    file=local_files.path_of,
                    lora=local_files.lora_path,
                    workflow=next(iter(workflow), "") or client.settings.segment_workflow,
                    again=any(again),
                )
                return await client.run(job, display)

        async def work(client: Client) -> tuple[list[Any], str]:
            try:
                outcome = await order(client)
            except RunningHubError as error:
                display.failed(error.node_id or "", language.told(error))
                raise
            finally:
                display.ended()
            made = await cloud.in_worker(outlets.values, loaded, outcome)
            return made, outputs.done_sentence([outcome])

        with reports.noted(
            display.node_id, reports.Subject("RunningHubSegment"), cls._texts(loaded)
        ):
            made, line = await cloud.run(work, display)
        display.finish(line)
        return io.NodeOutput(*made)

    @staticmethod
    def _texts(loaded: Segment) -> dict[str, list[object]]:
        """What a report must not quote: the values of the nodes that run in the cloud."""
        return {
            f"{node.id}.{name}": [value]
            for node in read_nodes(loaded.graph).values()
            for name, value in node.inputs.items()
        }

    @classmethod
    def _titles(cls) -> dict[str, str]:
        """What people call the nodes: it is beside the inputs, since it changes no order."""
        node = (cls.hidden.prompt or {}).get(str(cls.hidden.unique_id)) or {}
        about = (node.get("_meta") or {}).get("runninghub") or {}
        return dict(about.get("titles") or {})


def _loaded(segment: Any) -> Segment:
    """The segment in a node's input, which comes as a list."""
    from ..rh_api.graph.segments import load

    text = segment[0] if isinstance(segment, (list, tuple)) and segment else segment
    return load(text if isinstance(text, str) else "")


def _is_here(lora: str) -> bool:
    from . import local_files

    return local_files.lora_path(lora) is not None


def _models() -> Any:
    from .segments import models

    return models()
