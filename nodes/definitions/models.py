"""Nodes for standard models: one that runs any, and one for each group of tasks."""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.graph.constants import TASK_CLASSES
from . import schema
from .program_node import ProgramNode

ANY = "RunningHubModel"

# Display name of each, and what its models do.
_TASKS = {
    "RHTextToImage": ("RH Text to Image", "Makes pictures from a text"),
    "RHImageToImage": ("RH Image to Image", "Edits pictures, or makes new ones from them,"),
    "RHUpscaleImage": ("RH Upscale Image", "Enlarges and restores pictures"),
    "RHTextToVideo": ("RH Text to Video", "Makes videos from a text"),
    "RHImageToVideo": ("RH Image to Video", "Makes videos that begin or end with a given picture,"),
    "RHReferenceToVideo": (
        "RH Reference to Video",
        "Makes videos from reference pictures, videos and sounds,",
    ),
    "RHEditVideo": ("RH Edit Video", "Edits, extends, translates and cleans videos"),
    "RHUpscaleVideo": ("RH Upscale Video", "Enlarges, smooths and denoises videos"),
    "RHSpeech": ("RH Speech", "Speaks texts, clones and designs voices"),
    "RHMusic": ("RH Music", "Makes music, sounds and lyrics, and separates sounds,"),
    "RH3D": ("RH 3D", "Makes 3D models and worlds from texts, pictures and videos"),
    "RHTextAndVision": ("RH Text and Vision", "Writes texts, and describes what media show,"),
}


def _node(node_id: str, display_name: str, description: str) -> type[ProgramNode]:
    """Create a class that derives from no listed one: ComfyUI would keep the parent's flags."""

    def define_schema(cls: type[ProgramNode]) -> io.Schema:
        return schema.model_schema(node_id, display_name, description)

    members = {
        "__doc__": f"{display_name}: a standard model of RunningHub.",
        "__module__": __name__,
        "NAMED": "model",
        "define_schema": classmethod(define_schema),
    }
    return type(node_id, (ProgramNode,), members)


_HOW = (
    "Set its parameters by their names; pictures, sounds and videos that you connect are uploaded."
)

MODEL_NODES = (
    _node(ANY, "RunningHub Model", f"Runs any standard model of RunningHub in the cloud. {_HOW}"),
    *(
        _node(
            name, _TASKS[name][0], f"{_TASKS[name][1]} with a standard model of RunningHub. {_HOW}"
        )
        for name in TASK_CLASSES
    ),
)
