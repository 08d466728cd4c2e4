"""RunningHub Saved: what a marked saver made in the cloud is saved here, as the saver would have.

The prompt handler puts these nodes in the savers' places; nobody puts one on a canvas.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import folder_paths
from comfy_api.latest import InputImpl, io

from ..rh_api.errors import BadInput
from ..rh_api.graph.stand_ins import SAVED_CLASS
from . import schema
from .failures import told_plainly

# Previews lie where ComfyUI empties at its start and end, under names of their own.
_PREVIEWS = frozenset({"PreviewImage", "MaskPreview", "PreviewAudio"})
_ANIMATED = frozenset({"SaveVideo", "SaveWEBM", "SaveAnimatedPNG", "SaveAnimatedWEBP"})
_TEXTS = frozenset({"PreviewAny", "SaveText"})
_SUFFIXES = {"SaveAudioOpus": ".opus"}
_NAMED_PLAINLY = frozenset({"audio", "text"})
"""Kinds whose savers write `name_00001.flac`; all others write `name_00001_.png`."""
_SHOWN_AS = {"audio": "audio", "text": "files"}
_PREFIX = {"SaveAudio": "audio/ComfyUI", "SaveVideo": "video/ComfyUI"}


class RunningHubSaved(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        made = io.Schema(
            node_id=SAVED_CLASS,
            display_name="RunningHub Saved",
            category=schema.CATEGORY,
            description="Internal: saves here what a saver made in the cloud.",
            inputs=[
                io.String.Input("saver", socketless=True),
                io.AnyType.Input("files"),
                io.String.Input("filename_prefix", optional=True),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )
        made.is_dev_only = True  # no argument: ComfyUI before 0.12 does not know it
        return made

    @classmethod
    def execute(
        cls, saver: str, files: Sequence[Mapping[str, Any]], filename_prefix: str | None = None
    ) -> io.NodeOutput:
        with told_plainly():
            class_type, inputs = _read(saver)
        texts = [one["text"] for one in files if "text" in one]
        paths = [(Path(one["path"]), str(one["kind"])) for one in files if "path" in one]
        if class_type in _TEXTS:
            texts += [path.read_text("utf-8-sig", "replace") for path, _ in paths]
            paths = [] if class_type == "PreviewAny" else [(path, "text") for path, _ in paths]
        shown: dict[str, Any] = {"text": tuple(texts)} if texts else {}
        if paths:
            prefix = filename_prefix or inputs.get("filename_prefix")
            if not isinstance(prefix, str):
                prefix = _PREFIX.get(class_type, "ComfyUI")
            shown |= _saved(class_type, prefix, paths, cls._metadata())
        return io.NodeOutput(ui=shown)

    @classmethod
    def _metadata(cls) -> dict[str, Any]:
        from comfy.cli_args import args

        if getattr(args, "disable_metadata", False):
            return {}
        said = {} if cls.hidden.prompt is None else {"prompt": cls.hidden.prompt}
        return {**said, **(cls.hidden.extra_pnginfo or {})}


def _read(saver: str) -> tuple[str, Mapping[str, Any]]:
    try:
        about: Any = json.loads(saver)
        class_type, inputs = about["class_type"], about.get("inputs") or {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadInput("segment.bad_text", type="JSON", value=saver[:80]) from None
    return str(class_type), cast("Mapping[str, Any]", inputs if isinstance(inputs, dict) else {})


def _saved(
    class_type: str, prefix: str, files: Sequence[tuple[Path, str]], metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """Put the files where the saver would, under the names that it would give; what it shows."""
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
        joint = "" if kind in _NAMED_PLAINLY else "_"
        suffix = _SUFFIXES.get(class_type, path.suffix)
        target = Path(folder) / f"{begin}{joint}{suffix}"
        _write(path, target, kind, metadata)
        entries.append({"filename": target.name, "subfolder": subfolder, "type": place})
    return _shown(class_type, files[0][1], entries)


def _shown(class_type: str, kind: str, entries: list[dict[str, str]]) -> dict[str, Any]:
    if kind in _SHOWN_AS:
        return {_SHOWN_AS[kind]: entries}
    if kind in ("image", "video"):
        animated = class_type in _ANIMATED or kind == "video"
        return {"images": entries, **({"animated": (True,)} if animated else {})}
    return {"3d": entries} if class_type == "SaveGLB" else {"images": entries}


def _size(path: Path, kind: str) -> tuple[int, int]:
    """Width and height for `%width%` and `%height%`; 0 where there are none."""
    if kind == "video":
        return cast("Any", InputImpl.VideoFromFile(str(path))).get_dimensions()
    if kind != "image":
        return 0, 0
    from .media.frames import survey

    return survey([path])[0].size


def _write(path: Path, target: Path, kind: str, metadata: Mapping[str, Any]) -> None:
    """The file with what a local one would carry: the prompt, and the person's own workflow."""
    from .media import png_text

    if path.suffix == ".png" and metadata:
        with path.open("rb") as source, target.open("wb") as made:
            png_text.copy(source, made, {name: json.dumps(one) for name, one in metadata.items()})
    elif kind == "video" and path.suffix == ".mp4" and metadata:
        # The packets stay as they are.
        video = cast("Any", InputImpl.VideoFromFile(str(path)))
        video.save_to(str(target), metadata=dict(metadata))
    else:
        shutil.copyfile(path, target)
