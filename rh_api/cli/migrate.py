"""`migrate`: convert graphs of other packs in files to ours, and remove keys from files."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, RunningHubError
from ..migration import Migration
from ..migration.documents import SUFFIXES, clean_file, keys_in_file, migrate_file
from ..migration.keys import FoundKey, Surety
from ..migration.report import document_of, key_line, lines_of
from ..models.catalogue import Catalogue
from ..models.live_catalogue import ModelCatalogue
from ..settings import Settings
from ..system.disk import mode_of, replace_bytes
from ..texts import english
from .files import existing, out_folder
from .terminal import Terminal

_BACKUP = re.compile(r"( \d+)?\.bak$", re.IGNORECASE)


async def migrate(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show each file's replacements; writes only with --out, --yes or the user's consent."""
    catalogue = _catalogue(environ)
    folder = out_folder(arguments.out) if arguments.out else None
    work = _Work(arguments, terminal, catalogue, folder)
    files = list(_files(arguments.files, terminal, copies=arguments.scrub))
    documents = [work.file(path) for path in files]
    if any("keys" in document and document["keys"] for document in documents):
        terminal.note(english("keys.revoke", {}))
    terminal.done = {"files": documents}
    if work.failed:
        raise BadInput("cli.migrate_failed", count=work.failed, all=len(documents))
    if work.left:
        raise BadInput("cli.scrub_unasked", count=work.left)
    terminal.document(terminal.done)


def _catalogue(environ: Mapping[str, str]) -> Catalogue:
    """Return the refreshed catalogue if the settings are valid; migration needs no account."""
    try:
        settings = Settings.from_mapping(environ)
    except BadInput:
        settings = Settings.from_mapping({}, Path("nowhere"))  # the shipped one
    return ModelCatalogue(settings).catalogue


@dataclass
class _Work:
    arguments: Namespace
    terminal: Terminal
    catalogue: Catalogue
    folder: Path | None
    failed: int = 0
    """Files that could not be read or written, not counting files without a graph."""
    left: int = 0
    """Keys that are sure, and stay because nobody can be asked."""

    def file(self, path: Path) -> dict[str, object]:
        """Process one file; records errors, raises them if it is the sole argument or in --out."""
        if self.folder is not None and self.folder.resolve() == path.parent.resolve():
            raise BadInput("cli.migrate_same", path=path)
        try:
            try:
                data = path.read_bytes()
                return (self._scrub if self.arguments.scrub else self._migrate)(path, data)
            except OSError as error:
                reason = error.strerror or str(error)
                raise BadInput("cli.migrate_closed", reason=reason) from error
        except RunningHubError as error:
            if len(self.arguments.files) == 1 and Path(self.arguments.files[0]) == path:
                raise
            self.failed += error.key != "migrate.no_graph"
            self.terminal.note(f"{path}: {error}")
            return {"file": str(path), "error": str(error)}

    def _migrate(self, path: Path, data: bytes) -> dict[str, object]:
        file = migrate_file(data, self.catalogue)
        for name, migration in file.graphs:
            self._tell(path, name, migration)
        written: dict[str, object] = {}
        if file.replaces:
            written = self._written(path, file.data, english("cli.migrate_ask", {"file": path}))
            if written:
                for name, text in file.beside.items():
                    kind = re.sub(r"\W+", "_", name) or "graph"
                    target = _unused(Path(str(written["written"])).with_suffix(f".{kind}.json"))
                    replace_bytes(target, text.encode())
                    params = {"file": path, "graph": name, "beside": target}
                    self.terminal.note(english("cli.migrate_beside", params))
        graphs = [{"name": name, **document_of(graph, english)} for name, graph in file.graphs]
        return {"file": str(path), "graphs": graphs, **written}

    def _tell(self, path: Path, name: str, migration: Migration) -> None:
        if not migration.replaced and not migration.left:
            self.terminal.say(english("cli.migrate_nothing", {"file": path}))
            return
        self.terminal.say(f"{path} · {name}" if name else str(path))
        for line in lines_of(migration, english):
            self.terminal.say(f"  {line}")

    def _scrub(self, path: Path, data: bytes) -> dict[str, object]:
        found_keys = keys_in_file(data)
        self.terminal.say(str(path) if found_keys else english("cli.scrub_none", {"file": path}))
        chosen = [key.key for key in found_keys if self._chosen(path, key)]
        written: dict[str, object] = {}
        if chosen:
            written = self._written(path, clean_file(data, chosen), "")
            self.terminal.note(english("cli.scrub_keys", {"count": len(chosen)}))
        keys = [
            {
                "key": key.veiled,
                "surety": key.surety.name.lower(),
                "places": list(key.places),
                "removed": key.key in chosen and bool(written),
            }
            for key in found_keys
        ]
        return {"file": str(path), "keys": keys, **written}

    def _chosen(self, path: Path, key: FoundKey) -> bool:
        """Whether to remove a key; decided per key: by --key, by --yes or --out unless in doubt, or
        by asking."""
        self.terminal.say(f"  {key_line(key, english)}")
        if any(start and key.key.startswith(start) for start in self.arguments.key or ()):
            return True
        sure = key.surety is not Surety.MAYBE
        if sure and (self.arguments.yes or self.folder is not None):
            return True
        if self.terminal.can_ask:
            return self.terminal.agreed(english("cli.scrub_ask", {"file": path}))
        self.left += sure
        params = {"file": path, "veiled": key.veiled, "start": key.key[:4]}
        self.terminal.note(english("cli.scrub_left", params))
        return False

    def _written(self, path: Path, data: bytes, question: str) -> dict[str, object]:
        # No backup of a backup that is cleaned: it would contain the key again.
        is_copy = not question and _BACKUP.search(path.name)
        mode = mode_of(path)
        if self.folder is not None or is_copy:
            target = path if self.folder is None else _unused(self.folder / path.name)
            replace_bytes(target.resolve(), data, mode)
            self.terminal.note(english("cli.migrate_written", {"file": target}))
            return {"written": str(target)}
        if (
            question
            and not self.arguments.yes
            and not (self.terminal.can_ask and self.terminal.agreed(question))
        ):
            self.terminal.note(english("cli.migrate_look", {}))
            return {}
        backup, before = _unused(path.with_name(f"{path.name}.bak")), path.read_bytes()
        replace_bytes(backup, before, mode)
        replace_bytes(path.resolve(), data, mode)  # of a link its file, which holds the key
        params = {"file": path, "backup": backup}
        self.terminal.note(english("cli.migrate_backup", params))
        if not question or any(key.surety is not Surety.MAYBE for key in keys_in_file(before)):
            self.terminal.note(english("cli.migrate_backup_key", params))
        return {"written": str(path), "backup": str(backup)}


def _files(named: Sequence[str], terminal: Terminal, *, copies: bool) -> Iterator[Path]:
    """Yield the files named or in named folders. `copies`: including backups. Unreadable folders
    are yielded as well, so that they are reported like files."""
    closed: list[Path] = []
    for name in named:
        path = Path(name).expanduser()
        if not path.is_dir():
            yield existing(name)
            continue
        walked = os.walk(path, onerror=lambda error: closed.append(Path(str(error.filename))))
        files = (Path(folder, name) for folder, _, names in walked for name in names)
        every = sorted(file for file in files if file.is_file())
        inside = [
            file
            for file in every
            if Path(_BACKUP.sub("", file.name) if copies else file.name).suffix.lower() in SUFFIXES
        ]
        if not inside:
            terminal.note(english("cli.migrate_no_files", {"path": path}))
        elif others := len(every) - len(inside):
            terminal.note(english("cli.migrate_others", {"path": path, "count": others}))
        yield from inside
    yield from closed


def _unused(path: Path) -> Path:
    """Return an unused name, so that nothing is overwritten."""
    place = 1
    free = path
    while free.exists():
        place += 1
        free = path.with_name(f"{path.stem} {place}{path.suffix}")
    return free
