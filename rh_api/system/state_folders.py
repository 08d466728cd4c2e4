"""Folders of journals: the platform's, those of each ComfyUI of this user, and the chosen one."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import BadInput
from .disk import replace_bytes

JOURNAL = "orders.sqlite3"
REGISTERED = "comfyui"
"""Subfolder of the platform's folder: a file for each ComfyUI of this user, with the path of its
journal's folder."""


CHOSEN = "journal"
"""Beside it: the file with the path of the journal's folder that the user chose of several."""


def register_state_folder(folder: Path, values: Mapping[str, str]) -> None:
    """Register the folder of a host's journal, so that the command line uses the same one.

    Idempotent; does nothing if `RUNNINGHUB_STATE` is set, which is for both. Raises OSError.
    """
    if values.get("RUNNINGHUB_STATE", "").strip():
        return
    content = str(folder.resolve()).encode("utf-8", "surrogateescape")
    name = hashlib.sha256(content).hexdigest()[:16]
    file = default_state_folder(values) / REGISTERED / name
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_bytes(file, content)


def find_state_folder(values: Mapping[str, str]) -> Path:
    """The folder of the only journal (a ComfyUI's or the platform's own), or of the one that the
    user chose; the platform's if there is none.

    Raises BadInput, listing all, if there are several and none is chosen: cost limits and paid
    orders belong to one journal.
    """
    own, there = default_state_folder(values), state_folders(values)
    with contextlib.suppress(OSError):
        if (chosen := _read_folder(own / CHOSEN)) in there:
            return chosen
    if len(there) > 1:
        raise BadInput("error.several_journals", folders=", ".join(map(str, there)))
    return there[0] if there else own


def state_folders(values: Mapping[str, str]) -> list[Path]:
    """All registered folders that contain a journal, or may, the platform's first."""
    own = default_state_folder(values)
    files: list[Path] = []
    with contextlib.suppress(PermissionError):  # for `own` as well, which then is listed
        files = sorted((own / REGISTERED).glob("*"))
    noted = map(_read_folder, files)
    # Deduplicated: a kill during `register_state_folder` leaves a second file that names it.
    return [folder for folder in dict.fromkeys((own, *noted)) if _may_hold_journal(folder)]


def _may_hold_journal(folder: Path) -> bool:
    try:
        (folder / JOURNAL).stat()
    except PermissionError:
        return True  # opening it tells why not: its limits and orders are not to be passed over
    except (OSError, ValueError):
        return False
    return True


def choose_state_folder(folder: Path, values: Mapping[str, str]) -> Path:
    """Make `folder` the chosen one of several; return the file that stores the choice."""
    file = default_state_folder(values) / CHOSEN
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_bytes(file, str(folder).encode("utf-8", "surrogateescape"))
    return file


def _read_folder(file: Path) -> Path:
    return Path(file.read_bytes().decode("utf-8", "surrogateescape"))


def default_state_folder(values: Mapping[str, str]) -> Path:
    """The platform's default folder for application state."""
    try:
        home = Path(values.get("HOME") or values.get("USERPROFILE") or "~").expanduser()
    except RuntimeError:  # a user whom the system does not know, as in a container
        home = Path("/")  # as container runtimes set HOME then
    if sys.platform == "win32":
        return Path(values.get("LOCALAPPDATA") or home / "AppData" / "Local") / "runninghub"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "runninghub"
    return Path(values.get("XDG_STATE_HOME") or home / ".local" / "state") / "runninghub"


def read_state(text: str) -> Path:
    """Parse a folder, expanding "~", which service and container files pass as it is. BadInput for
    a relative path: the journal would depend on the working directory."""
    try:
        folder = Path(text).expanduser()
    except RuntimeError:
        folder = Path(text)
    if not folder.is_absolute():
        raise BadInput("error.state_relative", value=text[:200])
    return folder
