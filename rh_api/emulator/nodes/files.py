"""Nodes for whole files: audio and video pass through unchanged, a zip is unpacked."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any

from .pictures import Batch, decoded, from_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import NodeContext

File = tuple[bytes, str]
"""(bytes, extension without the dot)."""


def load_file(context: NodeContext, **inputs: str) -> tuple[File]:
    (file_name,) = inputs.values()
    return ((context.read_input(file_name), file_name.rpartition(".")[2]),)


def load_zip(context: NodeContext, upload: str) -> tuple[Batch]:
    with zipfile.ZipFile(io.BytesIO(context.read_input(upload))) as archive:
        names = sorted(archive.namelist())
        return ([from_levels(decoded(archive.read(name)).convert("RGB")) for name in names],)


def save_video(
    context: NodeContext, video: File, filename_prefix: str, **_ways: str
) -> tuple[File]:
    context.save_file(filename_prefix, *video)
    return (video,)


def save_audio(context: NodeContext, audio: File, filename_prefix: str) -> tuple[File]:
    context.save_file(filename_prefix, *audio)
    return (audio,)


def unchanged(context: NodeContext, **inputs: Any) -> tuple[File]:
    """Pass audio or video through; NotImplementedError for settings that would change it."""
    file: File = inputs.get("audio") or inputs["video"]
    if any(value for value in inputs.values() if value is not file):
        raise NotImplementedError("the emulator changes no sound or video")
    return (file,)


def save_any(context: NodeContext, content: str, extension: str, filename_prefix: str) -> tuple[()]:
    context.save_file(filename_prefix, base64.b64decode(content), extension)
    return ()


FUNCTIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "LoadVideo": load_file,
    "LoadAudio": load_file,
    "LoadImages(zip)": load_zip,
    "AudioAdjustVolume": unchanged,
    "Video Slice": unchanged,
    "SaveVideo": save_video,
    "SaveAudio": save_audio,
    "EmulatorFile": save_any,
}
