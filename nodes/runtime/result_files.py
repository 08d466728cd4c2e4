"""Where result files go on this machine: into temp/ to be shown, into output/ to be kept."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import folder_paths

from ..rh_api.client import Result
from ..rh_api.disk import sync_path
from ..rh_api.errors import Fate, RunningHubError
from . import language
from .media.errors import MediaError

SUBFOLDER = "runninghub"
TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a larger text is handed out as a file alone


class Unreadable(RunningHubError):
    """A result that is no picture after all; it is kept as a file, since it was paid."""

    default_key = "node.unreadable"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, kept: Sequence[str], error: MediaError) -> None:
        reason = language.say(error.key, error.params)
        super().__init__(task_id=task_id, files=", ".join(kept), reason=reason)


class NotKept(RunningHubError):
    """ComfyUI's folders do not take a result; it stays where the order book keeps its files."""

    default_key = "node.not_kept"
    default_fate = Fate.OVER


class Shelf:
    """The files of one task. Names are made of its id: a cloud's own names are not used."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.on_show: dict[str, list[dict[str, str]]] = {}

    def show(self, kind: str, result: Result) -> Path:
        """Put a file where the browser may fetch it, and list it for the node."""
        path = self._place(Path(folder_paths.get_temp_directory()), result, _linked)
        entry = {"filename": path.name, "subfolder": SUBFOLDER, "type": "temp"}
        self.on_show.setdefault(kind, []).append(entry)
        return path

    def lay(self, result: Result) -> Path:
        """Put a file where it lies as long as ComfyUI runs, without showing it."""
        return self._place(Path(folder_paths.get_temp_directory()), result, _linked)

    def keep(self, result: Result) -> str:
        """Put a file below the output folder; returns its name as loaders take it."""
        path = self._place(Path(folder_paths.get_output_directory()), result, _copied)
        return f"{SUBFOLDER}/{path.name} [output]"

    def video(self, result: Result) -> Any:
        """A VIDEO that reads its file when it is used."""
        from .media.comfy_video import ResultVideo

        return ResultVideo(str(self.show("video", result)))

    def audio(self, result: Result) -> dict[str, Any]:
        """An AUDIO, equal to what ComfyUI's own LoadAudio makes of the file."""
        from .media import audio
        from .media.tensors import from_array

        path = self.show("audio", result)
        try:
            sound = audio.read(path)
        except MediaError as error:
            raise Unreadable(self.task_id, [self.keep(result)], error) from None
        return {"waveform": from_array(sound.waveform), "sample_rate": sound.rate}

    def text(self, result: Result) -> str | None:
        """The contents of a text file; None when it is too large to travel as a value."""
        if result.path is None or result.size > TEXT_LIMIT:
            return None
        return result.path.read_text("utf-8-sig", errors="replace")

    def _place(self, root: Path, result: Result, give: Callable[[Path, Path], object]) -> Path:
        """The file below `root`, whole or not at all. Equal results get equal names."""
        if result.path is None:
            raise ValueError("a text has no file")
        folder = root / SUBFOLDER
        target = folder / self._name(result)
        # Two nodes may be given the same order's files at the same moment.
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            give(result.path, part)
            part.replace(target)
        except OSError as error:
            raise NotKept(task_id=self.task_id, reason=error.strerror, file=result.path) from None
        finally:
            # Still there after a success, too, when both were names of the same bytes.
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return target

    def _name(self, result: Result) -> str:
        """Own id, remote node, number in the task; the ending by what the bytes are."""
        assert result.path is not None  # noqa: S101
        node = re.sub(r"[^0-9A-Za-z]", "-", result.node_id)[:40] or "x"
        task = re.sub(r"[^0-9A-Za-z]", "-", self.task_id)[:40]
        return f"{task}_{node}_{result.path.name}"


def shown(every: Sequence[Shelf]) -> dict[str, Any]:
    """What the node shows. ComfyUI draws pictures or videos, not both: pictures win."""
    files = {
        kind: [entry for shelf in every for entry in shelf.on_show.get(kind, ())]
        for kind in ("images", "audio", "video")
    }
    videos = files.pop("video")
    if videos and not files["images"]:
        files["images"] = videos
    shown: dict[str, Any] = {kind: entries for kind, entries in files.items() if entries}
    if videos and shown["images"] is videos:
        shown["animated"] = (True,)
    return shown


def _linked(source: Path, target: Path) -> None:
    """A second name for the same bytes: a video of gigabytes is there at once. What ComfyUI keeps
    in temp/ is looked at and deleted, never written to."""
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or one that knows no links.
        shutil.copyfile(source, target)


def _copied(source: Path, target: Path) -> None:
    """Bytes of its own, which a power cut does not take: people may write to output/."""
    shutil.copyfile(source, target)
    sync_path(target)
