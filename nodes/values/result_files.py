"""Puts result files into ComfyUI's folders: temp/ to be displayed, output/ to be kept."""

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
from ...rh_api.errors import Fate, RunningHubError
from ...rh_api.system.disk import rename_over, sync_path
from .. import language
from .codecs.errors import MediaError

SUBFOLDER = "runninghub"


class Unreadable(RunningHubError):
    """Results that cannot be decoded; they are kept as files, since they were paid.

    `files`: their names, as loaders take them.
    """

    default_key = "node.unreadable"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, files: Sequence[str], error: MediaError) -> None:
        reason = language.say(error.key, error.params)
        super().__init__(task_id=task_id, files=", ".join(files), reason=reason)
        self.files = tuple(files)


class NotKept(RunningHubError):
    """A result could not be written to `target`, by an OSError; it stays at `file`."""

    default_key = "node.not_kept"
    default_fate = Fate.OVER

    def __init__(self, task_id: str, error: OSError, target: Path, file: Path) -> None:
        reason = error.strerror or str(error)
        super().__init__(task_id=task_id, folder=target.parent, reason=reason, file=file)


@dataclass(frozen=True, eq=False)  # without slots: cached_files refers to it weakly
class SaverItem:
    """A remote saver's result, for RunningHubSaved: a file, which is there until ComfyUI's temp
    folder is emptied, or a text. Not expressible in a prompt's JSON, so that no caller can name a
    local file by it. `kind`: of `wire.filetypes.Kind`, or "file"."""

    task_id: str
    path: Path | None = None
    kind: str = "file"
    text: str = ""


class TaskFiles:
    """The files of one task. Named by its id: the service's file names are not used."""

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.on_show: dict[str, list[dict[str, str]]] = {}
        self.undecodable: list[Result] = []
        """Results whose files could not be decoded."""

    def show(self, kind: str, result: Result) -> Path:
        """Put a file into temp/, where the browser can fetch it, and list it in the node's UI."""
        path = self._place(Path(folder_paths.get_temp_directory()), result, _link_or_copy)
        entry = {"filename": path.name, "subfolder": SUBFOLDER, "type": "temp"}
        self.on_show.setdefault(kind, []).append(entry)
        return path

    def put_in_temp(self, result: Result) -> Path:
        """Put a file into temp/, where it stays while ComfyUI runs, without displaying it."""
        return self._place(Path(folder_paths.get_temp_directory()), result, _link_or_copy)

    def put_in_output(self, result: Result) -> str:
        """Put a file below the output folder; returns its name as loaders take it."""
        path = self._place(Path(folder_paths.get_output_directory()), result, _copy_synced)
        return f"{SUBFOLDER}/{path.name} [output]"

    @contextlib.contextmanager
    def reading(self, results: Sequence[Result], key: str) -> Iterator[None]:
        """Context in which paid results are decoded: on any exception, even of a changed library,
        they are kept as files. Raises Unreadable with text key `key`; an OSError passes, since it
        says nothing about the file."""
        try:
            yield
        except (OSError, RunningHubError):
            raise
        except Exception as error:
            file = ", ".join(result.path.name for result in results if result.path)
            raise self.unreadable(MediaError.of(error, key, file), results) from error

    def unreadable(self, error: MediaError, results: Sequence[Result]) -> Unreadable:
        """Keep the files of results that `error` makes undecodable; returns what to raise."""
        self.undecodable += results
        return Unreadable(
            self.task_id, [self.put_in_output(result) for result in results if result.path], error
        )

    def _place(self, root: Path, result: Result, transfer: Callable[[Path, Path], object]) -> Path:
        """Put a file below `root`, by atomic rename. Idempotent: equal results get equal names."""
        if result.path is None:
            raise ValueError("a text has no file")
        folder = root / SUBFOLDER
        target = folder / self._name(result)
        # Two nodes may place the same order's files concurrently.
        part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            if _is_one_file(result.path, target):
                return target
            folder.mkdir(parents=True, exist_ok=True)
            transfer(result.path, part)
            try:
                rename_over(part, target)
            except PermissionError:
                # Windows, while a page plays the file of an earlier call.
                if not filecmp.cmp(part, target, shallow=False):
                    raise
        except OSError as error:
            raise NotKept(self.task_id, error, target, result.path) from None
        finally:
            # It remains even after a success, if both are hard links to one file.
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return target

    def _name(self, result: Result) -> str:
        """Task id, remote node, and the local result's name: its number, suffix by content."""
        assert result.path is not None  # noqa: S101
        node = re.sub(r"[^0-9A-Za-z]", "-", result.node_id)[:40] or "x"
        task = re.sub(r"[^0-9A-Za-z]", "-", self.task_id)[:40]
        return f"{task}_{node}_{result.path.name}"


def shown(every: Sequence[TaskFiles]) -> dict[str, Any]:
    """The node's `ui` values. ComfyUI displays images or videos, not both: images win."""
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


def _link_or_copy(source: Path, target: Path) -> None:
    """Hard-link the file, so that a video of gigabytes takes no time, else copy it. ComfyUI reads
    and deletes files in temp/, and never writes to them."""
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without hard links.
        shutil.copyfile(source, target)


def _copy_synced(source: Path, target: Path) -> None:
    """Copy and fsync. Not a hard link: users may write to files in output/."""
    shutil.copyfile(source, target)
    sync_path(target)
