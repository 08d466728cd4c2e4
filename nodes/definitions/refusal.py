"""Internal node in place of a refused prompt: raises the reason while it is validated."""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.graph.constants import REFUSAL_CLASS
from ..values.failures import MarksRefused, MarksWithoutKey, NodeFailure
from . import schema

_KINDS = {"marks": MarksRefused, "no_key": MarksWithoutKey}


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
        raise _KINDS.get(hint, NodeFailure)(message)

    @classmethod
    def execute(cls, message: str, hint: str = "") -> io.NodeOutput:
        raise NodeFailure(message)
