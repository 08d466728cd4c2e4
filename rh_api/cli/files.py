"""User files: inputs to upload, and results saved under generated names."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..client import Result, Source
from ..errors import BadInput
from ..graph.check import JsonText
from ..graph.outputs import group
from ..system.disk import rename_over, sync_path
from ..wire.call_example import LONGEST, without_key
from ..wire.filetypes import Kind

TEXT_SHOWN = 64 * 1024  # longest text file that is printed, in bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved result. `text`: its content if it is text."""

    node_id: str
    path: Path
    kind: str
    size: int
    text: str | None


def read_fields(assignments: Sequence[str], *, repeated: bool = False) -> dict[str, object]:
    """Parse `6.text=a cat` to a string and `10.image=@photo.png` to a Source, by field name.

    `@@` escapes a leading @; a JsonText stays one. `repeated`: a repeated name appends to a list.
    Raises BadInput if malformed.
    """
    fields: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name:
            raise BadInput("cli.set_form", given=assignment)
        value = JsonText(text) if isinstance(assignment, JsonText) else _value(text)
        if name not in fields:
            fields[name] = value
        elif repeated:
            before = fields[name]
            items = cast("list[object]", before) if isinstance(before, list) else [before]
            fields[name] = [*items, value]
        else:
            raise BadInput("cli.set_twice", field=name)
    return fields


def read_example(text: str) -> str:
    """Read a call example, without its key, from a file, stdin or the argument itself."""
    if "{" in text:
        return without_key(text)
    try:
        if text == "-":
            return without_key(sys.stdin.read(LONGEST + 1))
        with Path(text).open(encoding="utf-8-sig") as file:
            return without_key(file.read(LONGEST + 1))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise BadInput(
            "cli.quick_file", file=without_key(text)[:200], reason=reason or str(error)
        ) from error


def _value(text: str) -> object:
    if text.startswith("@@"):
        return text[1:]
    return read_source(text[1:]) if text.startswith("@") else text


def read_source(name: str) -> Source:
    """Return a file as a Source to upload."""
    return Source.of_file(existing(name))


def existing(name: str) -> Path:
    """Return the path of an existing file, else BadInput; expands `~`, since in `=@~/x` a shell
    does not."""
    try:
        path = Path(name).expanduser()
        if path.is_dir():
            raise BadInput("cli.file_folder", path=name)
        if not path.is_file():
            raise BadInput("cli.file_pipe" if path.exists() else "cli.file_missing", path=name)
    except (OSError, RuntimeError, ValueError) as error:
        raise BadInput("cli.file_missing", path=name) from error
    return path


def out_folder(name: str) -> Path:
    """Return the results folder, creating it; BadInput, before any order, if not writable."""
    try:
        folder = Path(name).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise BadInput("error.folder_not_writable", folder=name) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput("error.folder_not_writable", folder=name)
    return folder


def save(
    results: Iterable[Result], selected: Sequence[str], folder: Path, prefix: str
) -> list[Saved]:
    """Copy the selected nodes' results, in their order, as `<prefix>_<node>_<k><suffix>`.

    Copies, because the journal keeps using the originals. Never overwrites: k skips existing files.
    Raises OSError.
    """
    saved: list[Saved] = []
    for node_id, of_node in group(results, selected, lambda result: result.name).items():
        stem = "_".join(filter(None, (prefix, _safe(node_id))))
        numbers = itertools.count(1)
        saved += [_save(result, folder, stem, numbers) for result in of_node]
    return saved


def _save(result: Result, folder: Path, stem: str, numbers: itertools.count[int]) -> Saved:
    suffix = result.path.suffix if result.path else ".txt"
    part = folder / f".{stem}.{secrets.token_hex(4)}.part"
    try:
        if result.path:
            shutil.copyfile(result.path, part)
        else:
            part.write_bytes((result.text or "").encode("utf-8", "replace"))
        sync_path(part)
        target = next(
            target
            for number in numbers
            if _publish(part, target := folder / f"{stem}_{number}{suffix}")
        )
    finally:
        with contextlib.suppress(OSError):  # fails on Windows while a scanner has it open
            part.unlink(missing_ok=True)
    kind = result.type.kind if result.type else Kind.FILE if result.path else Kind.TEXT
    return Saved(result.node_id, target, kind.value, target.stat().st_size, _text(result))


def _publish(part: Path, target: Path) -> bool:
    """Name a complete file; False if the name exists. Without hard links empty for a moment."""
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError:
        # No hard links (exFAT, some network drives).
        try:
            target.touch(exist_ok=False)
            rename_over(part, target)
        except FileExistsError:
            return False
        except OSError:
            target.unlink(missing_ok=True)  # the empty file that this call made
            raise
    return True


def _text(result: Result) -> str | None:
    if result.text is not None or result.path is None:
        return result.text
    if result.path.suffix == ".txt" and result.size <= TEXT_SHOWN:
        return result.path.read_text("utf-8-sig", errors="replace")
    return None


def _safe(node_id: str) -> str:
    """Return `12:3` as `12-3`: Windows forbids colons in names, and ids are untrusted."""
    return re.sub(r"[^0-9A-Za-z]+", "-", node_id)[:40]
