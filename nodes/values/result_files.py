"""Where result files go on this machine: into temp/ to be shown, into output/ to be kept."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths

from ...rh_api.client import Result
from ...rh_api.disk import put, sync_path
from ...rh_api.errors import Fate, RunningHubError
from .. import language
from .codecs.errors import MediaError

SUBFOLDER = "runninghub"


class Unreadable(RunningHubError):
    """Results that nothing here can decode; they are kept as files, since they were paid.

    `files`: their names, as loaders take them.
    """

    default_key = "node.unreadable"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, files: Sequence[str], error: MediaError) -> None:
        reason = language.say(error.key, error.params)
        super().__init__(task_id=task_id, files=", ".join(files), reason=reason)
        self.files = tuple(files)


class NotKept(RunningHubError):
    """ComfyUI's folder does not take a result as `target`; it stays at `file`."""

    default_key = "node.not_kept"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, error: OSError, target: Path, file: Path) -> None:
        reason = error.strerror or str(error)
        super().__init__(task_id=task_id, folder=target.parent, reason=reason, file=file)


@dataclass(frozen=True, eq=False)  # without slots: cached_files refers to it weakly
class SaverItem:
    """What a saver made in the cloud, for RunningHubSaved: a file that lies as long as ComfyUI's
    temp folder is not emptied, or a text. A prompt's JSON cannot hold one, so whoever writes a
    prompt names no file of this machine by it. `kind`: of `wire.filetypes.Kind`, or "file".
    """

    task_id: str
    path: Path | None = None
    kind: str = "file"
    text: str = ""


class TaskFiles:
    """The files of one task. Names are made of its id: a cloud's own names are not used."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.on_show: dict[str, list[dict[str, str]]] = {}
        self.doubtful: list[Result] = []
        """Results whose files could not be decoded."""

    def show(self, kind: str, result: Result) -> Path:
        """Put a file where the browser may fetch it, and list it for the node."""
        path = self._place(Path(folder_paths.get_temp_directory()), result, _linked)
        entry = {"filename": path.name, "subfolder": SUBFOLDER, "type": "temp"}
        self.on_show.setdefault(kind, []).append(entry)
        return path

    def put_in_temp(self, result: Result) -> Path:
        """Put a file where it lies as long as ComfyUI runs, without showing it."""
        return self._place(Path(folder_paths.get_temp_directory()), result, _linked)

    def put_in_output(self, result: Result) -> str:
        """Put a file below the output folder; returns its name as loaders take it."""
        path = self._place(Path(folder_paths.get_output_directory()), result, _copied)
        return f"{SUBFOLDER}/{path.name} [output]"

    @contextlib.contextmanager
    def reading(self, results: Sequence[Result], key: str) -> Iterator[None]:
        """While a value is made of results that are paid: whatever that stumbles over, be it a
        library's change, leaves them as files. Raises Unreadable, which says `key`; the disk's own
        errors are no word about a file."""
        try:
            yield
        except (OSError, RunningHubError):
            raise
        except Exception as error:
            file = ", ".join(result.path.name for result in results if result.path)
            raise self.unreadable(MediaError.of(error, key, file), results) from error

    def unreadable(self, error: MediaError, results: Sequence[Result]) -> Unreadable:
        """What to say of results that `error` keeps from being values; their files are kept."""
        self.doubtful += results
        return Unreadable(
            self.task_id, [self.put_in_output(result) for result in results if result.path], error
        )

    def _place(self, root: Path, result: Result, give: Callable[[Path, Path], object]) -> Path:
        """The file below `root`, whole or not at all. Equal results get equal names."""
        if result.path is None:
            raise ValueError("a text has no file")
        folder = root / SUBFOLDER
        target = folder / self._name(result)
        # Two nodes may be given the same order's files at the same moment.
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            if _is_one_file(result.path, target):
                return target
            folder.mkdir(parents=True, exist_ok=True)
            give(result.path, part)
            try:
                put(part, target)
            except PermissionError:
                # Windows, while a page plays what lies there from before.
                if not filecmp.cmp(part, target, shallow=False):
                    raise
        except OSError as error:
            raise NotKept(self.task_id, error, target, result.path) from None
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


def shown(every: Sequence[TaskFiles]) -> dict[str, Any]:
    """What the node shows. ComfyUI draws pictures or videos, not both: pictures win."""
    files = {
        kind: [entry for task_files in every for entry in task_files.on_show.get(kind, ())]
        for kind in ("images", "audio", "video")
    }
    videos = files.pop("video")
    if videos and not files["images"]:
        files["images"] = videos
    shown: dict[str, Any] = {kind: entries for kind, entries in files.items() if entries}
    if videos and shown["images"] is videos:
        shown["animated"] = (True,)
    return shown


def _is_one_file(path: Path, target: Path) -> bool:
    try:
        return target.samefile(path)
    except OSError:
        return False


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
