"""Results as ComfyUI's own type of a 3D file, which exists since 0.14."""

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
    runs. Where ComfyUI lacks the type, the name of a file in output/, as loaders take it."""
    file_3d = getattr(Types, "File3D", None)
    if file_3d is None:
        return task_files.put_in_output(result)
    path = task_files.put_in_temp(result)
    return file_3d(str(path), path.suffix.lstrip(".").lower())
