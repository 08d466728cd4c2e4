"""Stands in for a prompt that was refused before it ran, and says why."""

from __future__ import annotations

from comfy_api.latest import io

from ..rh_api.graph.names import REFUSAL_CLASS
from . import schema
from .failures import NodeFailure


class RunningHubRefusal(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        made = io.Schema(
            node_id=REFUSAL_CLASS,
            display_name="RunningHub Refusal",
            category=schema.CATEGORY,
            description="Internal: says why a prompt was refused.",
            inputs=[io.String.Input("message")],
            is_output_node=True,
        )
        made.is_dev_only = True  # no argument: ComfyUI before 0.12 does not know it
        return made

    @classmethod
    def validate_inputs(cls, message: str) -> bool:
        # Raised, because only an exception's text reaches the pop-up as it is.
        raise NodeFailure(message)

    @classmethod
    def execute(cls, message: str) -> io.NodeOutput:
        raise NodeFailure(message)
