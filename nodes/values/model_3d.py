"""Results as ComfyUI's own type of a 3D file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import Types

from ...rh_api.client import Result

if TYPE_CHECKING:
    from .result_files import TaskFiles

MODEL_3D = "model_3d"
"""The name of its output."""

_FORMATS = frozenset(
    {".fbx", ".glb", ".gltf", ".ksplat", ".obj", ".ply", ".splat", ".spz", ".stl", ".usdz"}
)


def is_3d(result: Result) -> bool:
    """Whether a file is in a 3D format that ComfyUI displays and saves, by its suffix: few of them
    have magic bytes."""
    return result.path is not None and result.path.suffix.lower() in _FORMATS


def value_of(result: Result, task_files: TaskFiles) -> Any:
    """The value of an output of the type: a file in temp/, which ComfyUI does not delete while it
    runs."""
    path = task_files.put_in_temp(result)
    return Types.File3D(str(path), path.suffix.lstrip(".").lower())
