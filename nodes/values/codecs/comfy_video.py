"""Converts ComfyUI's VIDEO to a file to upload, and a result file to a VIDEO."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from comfy_api.latest import Input, InputImpl, Types

from ..failures import as_node_failures
from . import mp4, video
from .audio import Sound
from .tensors import from_array, to_array

if TYPE_CHECKING:
    import numpy as np


class ResultVideo(InputImpl.VideoFromFile):
    """A file as VIDEO, like ComfyUI's own: saving or playing it uses the file itself.

    Decoding takes half the memory and time of core's, and rounds each level to nearest; with
    subsampled chroma, edges differ from core's, which interpolates. `get_components` raises
    NodeFailure if the file is too large or damaged.
    """

    def get_components(self) -> Types.VideoComponents:
        source = self.get_stream_source()
        if not isinstance(source, str) or _edited(self):
            return super().get_components()
        path = Path(source)
        with as_node_failures():
            clip = None if video.has_alpha(path) else video.read(path)
        if clip is None:
            return super().get_components()
        sound = clip.sound
        return Types.VideoComponents(
            images=from_array(clip.frames),
            frame_rate=clip.rate,
            audio=None
            if sound is None
            else {"waveform": from_array(sound.waveform), "sample_rate": sound.rate},
            metadata=dict(clip.tags),
        )


def has_file(value: Input.Video) -> bool:
    """Whether a VIDEO has a file of its own, instead of being made of images."""
    return type(value).get_stream_source is not Input.Video.get_stream_source


def file_of(value: Input.Video, folder: Path) -> Path | bytes:
    """The file to upload: the video's own; for an edited or made one an mp4 in `folder`.

    Raises what `mp4.write` raises.
    """
    if has_file(value):
        if not _edited(value):
            source = value.get_stream_source()
            return source.getvalue() if isinstance(source, io.BytesIO) else Path(source)
        target = folder / "edited.mp4"
        try:
            value.save_to(str(target))
        # ComfyUI cannot write odd sides, and PyAV has an error class for each of FFmpeg's codes.
        except Exception:  # noqa: BLE001
            target.unlink(missing_ok=True)
        else:
            return target
    target = folder / "made.mp4"
    parts = value.get_components()
    sound = None
    if parts.audio:
        sound = Sound(to_array(parts.audio["waveform"]), parts.audio["sample_rate"])
    mp4.write(target, _arrays(parts), parts.frame_rate, sound)
    return target


def _arrays(parts: Types.VideoComponents) -> Iterator[np.ndarray]:
    return (to_array(parts.images[index]) for index in range(len(parts.images)))


def _edited(value: Input.Video) -> bool:
    """Whether the video is another than its file, until ComfyUI saves or decodes it."""
    # Each came with a version of ComfyUI; without it there is nothing to tell.
    window = getattr(value, "get_active_trim_window", None)
    pending = getattr(value, "has_pending_frame_edits", None)
    is_told = (window is not None and any(window())) or (pending is not None and pending())
    return is_told or _cropped(value)


def _cropped(value: Input.Video) -> bool:
    """Whether its size differs from its file's; ComfyUI 0.35 tells a crop by that alone."""
    # The default decodes all of it.
    if type(value).get_dimensions is Input.Video.get_dimensions:
        return False
    with contextlib.suppress(FFmpegError, ValueError):  # a damaged file goes up as it is
        size = tuple(value.get_dimensions())
        with av.open(value.get_stream_source()) as container:
            streams = container.streams.video
            return bool(streams) and size != (streams[0].width, streams[0].height)
    return False
