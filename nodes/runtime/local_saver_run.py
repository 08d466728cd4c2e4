"""Saves a marked saver's cloud results locally, where and under the names that it would use."""

from __future__ import annotations

import contextlib
import json
import random
import struct
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import folder_paths
from comfy.cli_args import args
from comfy_api.latest import io

from ...rh_api.errors import BadInput, Fate
from ...rh_api.system.disk import rename_over, sync_path
from ..values.adapters.table import adapter_of_files
from ..values.codecs import embedded_texts
from ..values.codecs.errors import MediaError
from ..values.failures import as_node_failures
from ..values.result_files import NotKept, SaverItem

# Previews go to ComfyUI's temp folder, under random prefixes.
_PREVIEWS = frozenset({"PreviewImage", "MaskPreview", "PreviewAudio"})
_ANIMATED = frozenset({"SaveVideo", "SaveWEBM", "SaveAnimatedPNG", "SaveAnimatedWEBP"})
_TEXTS = frozenset({"PreviewAny", "SaveText"})
_SUFFIXES = {
    ("SaveAudioOpus", ".ogg"): ".opus",
    ("SaveAudioAdvanced", ".ogg"): ".opus",
    ("SaveSVGNode", ".bin"): ".svg",
}
_NO_UNDERSCORE = frozenset({"audio", "text", "SaveImageAdvanced"})
"""Kinds and savers that write `name_00001.flac`; all others write `name_00001_.png`."""
_EXR_HEAD = 2**16
_SHOWN_AS = {"audio": "audio", "text": "files"}
_PREFIX = {"SaveAudio": "audio/ComfyUI", "SaveVideo": "video/ComfyUI"}


def execute(
    saver: str,
    files: object,
    filename_prefix: str | None,
    metadata: Mapping[str, Any],
) -> io.NodeOutput:
    """Save a saver's cloud results. `saver`: its class and inputs, as JSON. `files`: a SaverItem or
    a list of them. `metadata`: texts to embed (prompt, workflow). Raises NodeFailure.
    """
    if getattr(args, "disable_metadata", False):
        metadata = {}
    with as_node_failures():
        class_type, inputs = _parse_saver(saver)
        items = _checked_items(files)
    texts = [item.text for item in items if item.path is None]
    paths = [(item.path, item.kind) for item in items if item.path is not None]
    if class_type in _TEXTS:
        texts += [path.read_text("utf-8-sig", "replace") for path, _ in paths]
        paths = [] if class_type == "PreviewAny" else [(path, "text") for path, _ in paths]
    shown: dict[str, Any] = {"text": tuple(texts)} if texts else {}
    if paths:
        prefix = filename_prefix or inputs.get("filename_prefix")
        if not isinstance(prefix, str):
            prefix = _PREFIX.get(class_type, "ComfyUI")
        with as_node_failures():
            shown |= _save(class_type, prefix, paths, metadata, items[0].task_id)
    return io.NodeOutput(ui=shown)


def _checked_items(files: object) -> list[SaverItem]:
    """Validate the input. Raises BadInput for values that are no outlet's SaverItem, such as a path
    written into a prompt, and for a deleted file."""
    items = cast("list[object]", files) if isinstance(files, list) else [files]
    from_cloud = [item for item in items if isinstance(item, SaverItem)]
    if len(from_cloud) < len(items):
        raise BadInput("segment.not_of_cloud")
    for item in from_cloud:
        if item.path is not None and not item.path.is_file():
            raise BadInput("segment.result_gone", fate=Fate.OVER, task_id=item.task_id)
    return from_cloud


def _parse_saver(saver: str) -> tuple[str, Mapping[str, Any]]:
    try:
        about: Any = json.loads(saver)
        class_type, inputs = about["class_type"], about.get("inputs") or {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadInput("segment.bad_text", type="JSON", value=saver[:80]) from None
    return str(class_type), cast("Mapping[str, Any]", inputs if isinstance(inputs, dict) else {})


def _save(
    class_type: str,
    prefix: str,
    files: Sequence[tuple[Path, str]],
    metadata: Mapping[str, Any],
    task_id: str,
) -> dict[str, Any]:
    """Save files as the saver would, and return its `ui` output for them. `files`: (path, kind).

    Raises NotKept.
    """
    preview = class_type in _PREVIEWS
    if preview:
        root, place = folder_paths.get_temp_directory(), "temp"
        prefix = "ComfyUI_temp_" + "".join(random.choices("abcdefghijklmnopqrstupvxyz", k=5))  # noqa: S311
    else:
        root, place = folder_paths.get_output_directory(), "output"
    width, height = _size(*files[0])
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, root, width, height
    )
    entries: list[dict[str, str]] = []
    for number, (path, kind) in enumerate(files):
        begin = f"{name.replace('%batch_num%', str(number))}_{counter + number:05}"
        joint = "" if {kind, class_type} & _NO_UNDERSCORE else "_"
        target = Path(folder) / f"{begin}{joint}{_suffix(class_type, path)}"
        _copy_to(path, target, metadata, task_id)
        entries.append({"filename": target.name, "subfolder": subfolder, "type": place})
    return _ui_of(class_type, files[0][1], entries)


def _suffix(class_type: str, path: Path) -> str:
    """Return the target's suffix; `.svg` only if ComfyUI never serves one as a page (scripts)."""
    suffix = _SUFFIXES.get((class_type, path.suffix), path.suffix)
    is_safe = suffix != ".svg" or hasattr(folder_paths, "renders_safely_as_image")
    return suffix if is_safe else path.suffix


def _ui_of(class_type: str, kind: str, entries: list[dict[str, str]]) -> dict[str, Any]:
    if kind in _SHOWN_AS:
        return {_SHOWN_AS[kind]: entries}
    if kind in ("image", "video"):
        animated = class_type in _ANIMATED or kind == "video"
        return {"images": entries, **({"animated": (True,)} if animated else {})}
    return {"3d": entries} if class_type == "SaveGLB" else {"images": entries}


def _size(path: Path, kind: str) -> tuple[int, int]:
    """Return (width, height) in pixels for `%width%` and `%height%`; (0, 0) if unreadable."""
    if path.suffix == ".exr":
        return _exr_size(path)
    adapter = adapter_of_files(kind)
    try:
        return (0, 0) if adapter is None else adapter.size(path)
    except MediaError:
        return 0, 0


def _exr_size(path: Path) -> tuple[int, int]:
    """Return (width, height) by the header's dataWindow: inclusive min and max of x and y."""
    with path.open("rb") as file:
        _, _, window = file.read(_EXR_HEAD).partition(b"dataWindow\0box2i\0")
    if len(window) < 20:
        return 0, 0
    left, top, right, bottom = struct.unpack_from("<4i", window, 4)
    return right - left + 1, bottom - top + 1


def _copy_to(path: Path, target: Path, metadata: Mapping[str, Any], task_id: str) -> None:
    """Copy `path` to `target` durably and atomically, embedding `metadata`. Raises NotKept, with
    the path of the kept result."""
    # The suffix selects the muxer; savers' counters skip names that begin with a dot.
    part = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix}")
    try:
        embedded_texts.copy(path, part, metadata)
        sync_path(part)
        rename_over(part, target)
    except OSError as error:
        raise NotKept(task_id, error, target, path) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
