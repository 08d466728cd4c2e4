"""Internal node in place of a refused prompt: raises the reason while it is validated."""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.graph.constants import REFUSAL_CLASS
from ..values.failures import MarksWithoutKey, NodeFailure
from . import schema


class RunningHubRefusal(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.internal(
            io.Schema(
                node_id=REFUSAL_CLASS,
                display_name="RunningHub Refusal",
                category=schema.CATEGORY,
                description="Internal: says why a prompt was refused.",
                inputs=[io.String.Input("message"), io.String.Input("hint", optional=True)],
                is_output_node=True,
            )
        )

    @classmethod
    def validate_inputs(cls, message: str, hint: str = "") -> bool:
        # Raised, because only an exception's text reaches the pop-up unchanged.
        raise (MarksWithoutKey if hint == "no_key" else NodeFailure)(message)

    @classmethod
    def execute(cls, message: str, hint: str = "") -> io.NodeOutput:
        raise NodeFailure(message)
