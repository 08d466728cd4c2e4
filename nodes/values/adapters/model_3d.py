"""ComfyUI's own type of a 3D file, which it has since 0.14: what a result becomes for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import Types

from ....rh_api.client import Result

if TYPE_CHECKING:
    from ..result_files import TaskFiles

MODEL_3D = "model_3d"
"""The output that carries it."""

_FORMATS = frozenset(
    {".fbx", ".glb", ".gltf", ".ksplat", ".obj", ".ply", ".splat", ".spz", ".stl", ".usdz"}
)


def is_3d(result: Result) -> bool:
    """Whether a file is one of those that ComfyUI shows and saves as 3D, by its ending: few of
    them are told by their first bytes."""
    return result.path is not None and result.path.suffix.lower() in _FORMATS


def value_of(result: Result, task_files: TaskFiles) -> Any:
    """What an output of the type holds; a name that loaders take where ComfyUI lacks the type.

    The file stays on the disk, and lies where ComfyUI does not delete it while it runs.
    """
    file_3d = getattr(Types, "File3D", None)
    if file_3d is None:
        return task_files.put_in_output(result)
    path = task_files.put_in_temp(result)
    return file_3d(str(path), path.suffix.lstrip(".").lower())
