"""Moving bytes for orders: the same content once, several at a time, each with the retry rule."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..errors import (
    BadInput,
    BadReply,
    DiskFull,
    Fate,
    FileTooLarge,
    RateLimited,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
    StoreUnavailable,
    UploadFailed,
)
from ..store import Store
from ..wire.filetypes import HEAD, FileType, Kind, sniff
from ..wire.tasks import RemoteResult
from ..wire.uploads import (
    OLD_UPLOAD_LIMIT,
    OLD_UPLOAD_PATH,
    UPLOAD_PATH,
    VALID_SECONDS,
    Uploaded,
    lora_slot,
    read_upload,
)
from .caller import Caller
from .flights import Flights
from .orders import Result
from .ports import Book, Bulk, Meter, Progress, Stage, Watch

log = logging.getLogger("runninghub")

PARALLEL = 4  # transfers at once; more gain nothing on a line with 100 ms delay
DOWNLOAD_TRIES = 5
_BLOCK = 1024 * 1024
# A remote copy must still be there when the order leaves the service's queue.
_LASTS = VALID_SECONDS - 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Source:
    """Something to upload: its bytes, or the file that holds them."""

    kind: Kind
    body: bytes | Path = field(repr=False)
    suffix: str
    mime: str

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """A file; what it is, is told by its first bytes and not by its name. Raises BadInput."""
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise BadInput("error.file_unreadable", name=path.name) from error
        if not head:
            raise BadInput("error.file_empty", name=path.name)
        unknown = FileType(Kind.FILE, path.suffix, "application/octet-stream")
        kind = sniff(head) or unknown
        return cls(kind.kind, path, kind.suffix, kind.mime)

    @property
    def size(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.stat().st_size


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A LoRA file of this machine, for fields of the cloud's RHLoraLoader."""

    path: Path


@dataclass(slots=True)
class Transfers:
    """Uploads, LoRA files and downloads of one account."""

    bulk: Bulk
    caller: Caller
    book: Book
    origin: str
    account: str
    _uploads: Flights[Uploaded] = field(default_factory=Flights[Uploaded])
    _loras: Flights[str] = field(default_factory=Flights[str])
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL))

    # Media

    async def upload(self, source: Source, sha256: str, watch: Watch) -> Uploaded:
        """The remote copy of `source`, made unless a valid one is known.

        `sha256`: of its bytes, see `content_hash`. Raises the refusal, with nothing paid.
        """
        known = await self.known(sha256)
        if known is not None:
            return known
        return await self._uploads.join(
            sha256, lambda show: self._upload(source, sha256, show), watch
        )

    async def known(self, sha256: str) -> Uploaded | None:
        """The valid remote copy of a content, if the book knows one."""
        known = await self.book.do(
            lambda s: s.memory.upload(self.origin, self.account, sha256, s.now())
        )
        return None if known is None else Uploaded(*known)

    async def _upload(self, source: Source, sha256: str, watch: Watch) -> Uploaded:
        name = sha256[:32] + source.suffix

        async def attempt(path: str, fields: dict[str, str]) -> Uploaded:
            meter = Meter(moved=_percent(watch, Stage.UPLOADING, source.size))
            async with self._places:
                reply = await self.bulk.upload(path, source.body, name, source.mime, fields, meter)
            return read_upload(reply)

        asking = self.caller.asking
        try:
            uploaded = await asking(lambda: attempt(UPLOAD_PATH, {}))
        except (FileTooLarge, BadReply, ServiceFault, UploadFailed):
            # The old endpoint is said to be more lenient, up to its documented limit.
            if source.size > OLD_UPLOAD_LIMIT:
                raise
            fields = {"fileType": "input"}
            uploaded = await asking(lambda: attempt(OLD_UPLOAD_PATH, fields))
        await self._remember(
            lambda s: s.memory.remember_upload(
                self.origin, self.account, sha256, uploaded.name, uploaded.url, s.now() + _LASTS
            )
        )
        return uploaded

    async def forget(self, hashes: Iterable[str]) -> None:
        """Trust no remote copy of these contents any more."""
        for sha256 in hashes:
            await self.book.do(partial(self._forget, sha256))

    def _forget(self, sha256: str, store: Store) -> None:
        store.memory.forget_upload(self.origin, self.account, sha256)

    async def content_hash(self, source: Source) -> str:
        """SHA-256 of the bytes; of a file it is computed once per path, size, mtime and inode."""
        if isinstance(source.body, bytes):
            return await asyncio.to_thread(_hash_bytes, source.body)
        return await self._file_hash(source.body, "sha256")

    async def _file_hash(self, path: Path, algorithm: str) -> str:
        full, about = await asyncio.to_thread(_about_file, path)
        stamp = (full, about.st_size, about.st_mtime_ns, about.st_ino)
        known = await self.book.do(lambda s: s.memory.known_hash(*stamp, algorithm))
        if known is not None:
            return known
        made = await asyncio.to_thread(_hash_file, path, algorithm)
        await self._remember(lambda s: s.memory.remember_hash(*stamp, algorithm, made))
        return made

    async def _remember(self, work: Callable[[Store], None]) -> None:
        """What saves work another time: a full disk must not fail what has gone well."""
        try:
            await self.book.do(work)
        except StoreUnavailable as error:
            log.warning("%s", error)

    # LoRA

    async def lora_hash(self, path: Path) -> str:
        """MD5 of a LoRA file, which is how the service knows one."""
        return await self._file_hash(path, "md5")

    async def upload_lora(self, path: Path, watch: Watch) -> str:
        """The name that RHLoraLoader takes for a local LoRA file, uploaded unless known by md5."""
        full, about = await asyncio.to_thread(_about_file, path)
        return await self._loras.join(
            full, lambda show: self._upload_lora(full, about.st_size, show), watch
        )

    async def _upload_lora(self, path: Path, size: int, watch: Watch) -> str:
        watch(Progress(Stage.PREPARING, params={"name": path.name}))
        md5 = await self._file_hash(path, "md5")

        async def attempt() -> str:
            transport = self.caller.transport
            slot = await transport.send(lora_slot(path.stem, md5))
            if slot.put_url is not None:
                meter = Meter(moved=_percent(watch, Stage.UPLOADING, size))
                async with self._places:
                    await self.bulk.put(slot.put_url, path, meter)
            return slot.name

        return await self.caller.asking(attempt)

    # Results

    async def fetch(
        self, results: Sequence[RemoteResult], folder: Path, task_id: str, watch: Watch
    ) -> tuple[Result, ...]:
        """All results, in their order; whole or not at all. The first failure is raised when
        the others have arrived, since those need not be fetched again."""
        await asyncio.to_thread(_make_folder, folder)
        arrived = 0

        async def one(index: int, remote: RemoteResult) -> Result:
            nonlocal arrived
            made = await self._fetch(remote, folder / f"{index:04d}", task_id)
            arrived += 1
            share: dict[str, object] = {"done": arrived, "total": len(results)}
            watch(Progress(Stage.DOWNLOADING, arrived / len(results), share))
            return made

        watch(Progress(Stage.DOWNLOADING, 0.0, {"done": 0, "total": len(results)}))
        jobs = [asyncio.ensure_future(one(i, remote)) for i, remote in enumerate(results)]
        try:
            done = await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            for job in jobs:
                job.cancel()
        for item in done:
            if isinstance(item, BaseException):
                raise item
        return tuple(item for item in done if isinstance(item, Result))

    async def _fetch(self, remote: RemoteResult, into: Path, task_id: str) -> Result:
        name = PurePosixPath(unquote(urlsplit(remote.url).path)).name
        if not remote.url:
            return Result(remote.node_id, name, None, None, text=remote.text)

        async def attempt() -> Result:
            async with self._places:
                fetched = await self.bulk.download(remote.url, into, Meter())
            return Result(
                remote.node_id,
                name,
                fetched.path,
                fetched.type,
                fetched.size,
                remote.text,
                remote.url,
            )

        try:
            return await self.caller.retrying(attempt, tries=DOWNLOAD_TRIES)
        except (ResultUnavailable, DiskFull, BadInput) as error:
            error.task_id = task_id
            raise
        except RateLimited as error:
            # Its own sentence is that of an order which was not started.
            reason = str(error.params.get("remote"))
            raise ResultUnavailable(task_id=task_id, reason=reason) from error
        except RunningHubError as error:
            error.fate = Fate.OVER  # the task's, whatever became of this request
            raise ResultUnavailable(task_id=task_id, reason=error) from error


def _percent(watch: Watch, stage: Stage, size: int) -> Callable[[int, int | None], None]:
    """A meter's callback: news for each whole percent."""
    shown = -1

    def moved(done: int, total: int | None) -> None:
        nonlocal shown
        percent = int(100 * done / max(1, total or size))
        if percent != shown:
            shown = percent
            watch(Progress(stage, percent / 100, {"percent": percent}))

    return moved


def _about_file(path: Path) -> tuple[Path, os.stat_result]:
    """A regular file that is not empty, by its real path; BadInput for anything else."""
    try:
        full = path.resolve(strict=True)
        about = full.stat()
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error
    if not full.is_file() or about.st_size == 0:
        raise BadInput("error.file_empty", name=path.name)
    return full, about


def _hash_bytes(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _hash_file(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(folder=folder.name) from error
        raise BadInput("error.folder_not_writable", folder=str(folder)) from error
