"""RunningHub Segment: runs an offloaded part of the local graph as one order.

Internal: the prompt handler makes these nodes.
"""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...rh_api.graph.constants import INLETS, OUTLETS, SEGMENT_CLASS
from . import schema
from .deferred import runs


class RunningHubSegment(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.internal(
            io.Schema(
                node_id=SEGMENT_CLASS,
                display_name="RunningHub Segment",
                category=schema.CATEGORY,
                description="Internal: the part of a graph that runs in the cloud.",
                inputs=[
                    io.String.Input("segment", socketless=True),
                    io.String.Input("profile", optional=True, default="", socketless=True),
                    io.Int.Input("timeout", optional=True, default=0, min=0, socketless=True),
                    io.Boolean.Input(
                        "use_personal_queue", optional=True, default=False, socketless=True
                    ),
                    io.String.Input("workflow", optional=True, default="", socketless=True),
                    io.String.Input("models", optional=True, default="", socketless=True),
                    io.String.Input("route", optional=True, default="", socketless=True),
                    io.Boolean.Input("again", optional=True, default=False, socketless=True),
                    *(io.AnyType.Input(f"in_{n}", optional=True) for n in range(INLETS)),
                ],
                outputs=[
                    io.AnyType.Output(f"out_{n}", f"out_{n}", "") for n in range(1, OUTLETS + 1)
                ],
                hidden=[io.Hidden.prompt, io.Hidden.unique_id],
                # Lists come whole, to be refused: mapped over one, it would place as many orders.
                is_input_list=True,
            )
        )

    @classmethod
    async def validate_inputs(
        cls, segment: Any = None, profile: Any = None, workflow: Any = None, models: Any = None
    ) -> bool:
        await runs().segment_run.validate(
            {
                "segment": segment or (),
                "profile": profile or (),
                "workflow": workflow or (),
                "models": models or (),
            }
        )
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> object:
        return runs().segment_run.fingerprint(inputs)

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        node = (cls.hidden.prompt or {}).get(str(cls.hidden.unique_id)) or {}
        return await runs().segment_run.execute(inputs, node)
