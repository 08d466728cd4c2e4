"""Where result files go on this machine: into temp/ to be shown, into output/ to be kept."""

from __future__ import annotations

import contextlib
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import InputImpl

from ..rh_api.client import Result
from ..rh_api.errors import Fate, RunningHubError
from ..rh_api.texts import english
from .media.errors import MediaError

SUBFOLDER = "runninghub"
TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a larger text is handed out as a file alone


class Unreadable(RunningHubError):
    """A result that is no picture after all; it is kept as a file, since it was paid."""

    default_key = "node.unreadable"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, kept: Sequence[str], error: MediaError) -> None:
        reason = english(error.key, error.params)
        super().__init__(task_id=task_id, files=", ".join(kept), reason=reason)


class NotKept(RunningHubError):
    """ComfyUI's folders do not take a result; it stays where the order book keeps its files."""

    default_key = "node.not_kept"
    default_fate = Fate.OVER


class Shelf:
    """The files of one task. Names are made of its id: a cloud's own names are not used."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self._shown: dict[str, list[dict[str, str]]] = {}
        self._taken: dict[str, int] = {}

    def show(self, kind: str, result: Result) -> Path:
        """Put a file where the browser may fetch it, and list it for the node."""
        path = self._place(Path(folder_paths.get_temp_directory()), result)
        entry = {"filename": path.name, "subfolder": SUBFOLDER, "type": "temp"}
        self._shown.setdefault(kind, []).append(entry)
        return path

    def keep(self, result: Result) -> str:
        """Put a file below the output folder; returns its name as loaders take it."""
        path = self._place(Path(folder_paths.get_output_directory()), result)
        return f"{SUBFOLDER}/{path.name} [output]"

    def video(self, result: Result) -> Any:
        """A VIDEO that reads its file when it is used."""
        return InputImpl.VideoFromFile(str(self.show("video", result)))

    def audio(self, result: Result) -> dict[str, Any]:
        """An AUDIO, decoded as ComfyUI's own LoadAudio does it."""
        from comfy_extras.nodes_audio import load

        path = self.show("audio", result)
        try:
            waveform, sample_rate = load(str(path))
        # PyAV has an error class for each of FFmpeg's codes.
        except Exception as error:  # noqa: BLE001
            reason = MediaError("node.no_sound", reason=str(error) or type(error).__name__)
            raise Unreadable(self.task_id, [self.keep(result)], reason) from None
        return {"waveform": waveform.unsqueeze(0), "sample_rate": sample_rate}

    def text(self, result: Result) -> str | None:
        """The contents of a text file; None when it is too large to travel as a value."""
        if result.path is None or result.size > TEXT_LIMIT:
            return None
        return result.path.read_text("utf-8-sig", errors="replace")

    def shown(self) -> dict[str, Any]:
        """What the node shows. ComfyUI draws pictures or videos, not both: pictures win."""
        shown: dict[str, Any] = {
            kind: files for kind, files in self._shown.items() if kind in ("images", "audio")
        }
        videos = self._shown.get("video")
        if videos and "images" not in shown:
            shown |= {"images": videos, "animated": (True,)}
        return shown

    def _place(self, root: Path, result: Result) -> Path:
        """A copy below `root`, whole or not at all. Equal results get equal names."""
        if result.path is None:
            raise ValueError("a text has no file")
        folder = root / SUBFOLDER
        target = folder / self._name(result)
        # Two nodes may be given the same order's files at the same moment.
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(result.path, part)
            part.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise NotKept(task_id=self.task_id, reason=error.strerror, file=result.path) from None
        return target

    def _name(self, result: Result) -> str:
        """Own id, remote node, number in the task; the ending by what the bytes are."""
        assert result.path is not None  # noqa: S101
        node = re.sub(r"[^0-9A-Za-z]", "-", result.node_id)[:40] or "x"
        task = re.sub(r"[^0-9A-Za-z]", "-", self.task_id)[:40]
        return f"{task}_{node}_{result.path.name}"
