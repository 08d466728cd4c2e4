"""Uploads and downloads for orders: deduplicated by content hash, bounded, with retries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..errors import (
    BadInput,
    BadReply,
    DiskFull,
    Fate,
    FileTooLarge,
    RateLimited,
    Redirected,
    Refused,
    ResultUnavailable,
    RunningHubError,
    ServiceFault,
    UploadFailed,
)
from ..journal import FileStamp, SqliteJournal
from ..wire.filetypes import HEAD, FileType, Kind, by_suffix, sniff
from ..wire.uploads import (
    BAD_PARAMETERS,
    OLD_UPLOAD_LIMIT,
    OLD_UPLOAD_PATH,
    UPLOAD_PATH,
    VALID_SECONDS,
    Uploaded,
    lora_slot,
    read_upload,
)
from .file_contents import about_file, hash_bytes, hash_file
from .ports import Bulk, Fetched, Meter
from .progress import Progress, Stage, Watch
from .retry import Sender
from .singleflight import SingleFlight

T = TypeVar("T")
Moved = Callable[[int, "int | None"], None] | None

PARALLEL = 4  # concurrent transfers; more gain nothing at 100 ms latency
DOWNLOAD_TRIES = 5
ENOUGH = 32 * 1024  # progress (bytes, or 1/20 of the file if less) that resets the retry state
# A remote copy must still exist when the order leaves the service's queue.
_LASTS = VALID_SECONDS - 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Source:
    """Content to upload: bytes, or the path of a file."""

    kind: Kind
    body: bytes | Path = field(repr=False)
    suffix: str
    mime: str

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """Read a file's type from its magic bytes, not its name; but the name tells a sound in a
        video's container, such as `memo.m4a`. Raises BadInput if empty or unreadable."""
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise BadInput("error.file_unreadable", name=path.name) from error
        if not head:
            raise BadInput("error.file_empty", name=path.name)
        unknown = FileType(Kind.FILE, path.suffix, "application/octet-stream")
        proven, claimed = sniff(head) or unknown, by_suffix(path.suffix)
        is_sound = proven.kind is Kind.VIDEO and claimed and claimed.kind is Kind.AUDIO
        return cls(Kind.AUDIO if is_sound else proven.kind, path, proven.suffix, proven.mime)

    @property
    def size(self) -> int:
        """Size in bytes. Raises BadInput if the file is gone."""
        if isinstance(self.body, bytes):
            return len(self.body)
        try:
            return self.body.stat().st_size
        except OSError as error:
            raise BadInput("error.file_unreadable", name=self.body.name) from error


@dataclass(slots=True, eq=False)
class LazySource:
    """A Source that is created on first use, once for all orders that share it.

    So the first orders of a batch upload while the files of later ones are still being encoded.
    `kind` is known up front. `make` may raise any RunningHubError; nothing is paid then.
    """

    kind: Kind
    make: Callable[[], Awaitable[Source]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _source: Source | None = None

    async def source(self) -> Source:
        async with self._turn:
            if self._source is None:
                self._source = await self.make()
            return self._source


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A local LoRA file, for fields of the cloud's RHLoraLoader."""

    path: Path


@dataclass(slots=True)
class Transfers:
    """Uploads, LoRA files and downloads of one account."""

    bulk: Bulk
    sender: Sender
    journal: SqliteJournal
    _uploads: SingleFlight[Uploaded] = field(default_factory=SingleFlight[Uploaded])
    _loras: SingleFlight[str] = field(default_factory=SingleFlight[str])
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARALLEL))

    # Media

    async def upload(self, source: Source, sha256: str, watch: Watch) -> Uploaded:
        """Return the remote copy of `source`, uploading it unless a valid one is known.

        `sha256`: of its bytes, see `content_hash`. Raises the refusal; nothing is paid then.
        """
        uploaded = await self.copy_of(sha256)
        if uploaded is not None:
            return uploaded
        return await self._uploads.join(
            sha256, lambda show: self._upload(source, sha256, show), watch
        )

    async def copy_of(self, sha256: str, lasts: float = 0.0) -> Uploaded | None:
        """Return the known remote copy of a content that lasts for `lasts` seconds, or None."""
        journal = self.journal
        until = journal.now() + lasts
        row = await journal(journal.store.caches.upload, *journal.owner, sha256, until)
        return None if row is None else Uploaded(*row)

    async def _upload(self, source: Source, sha256: str, watch: Watch) -> Uploaded:
        name = sha256[:32] + source.suffix

        async def attempt(path: str, fields: dict[str, str]) -> Uploaded:
            meter = Meter(moved=_percent(watch, Stage.UPLOADING, source.size))
            send = self.sender.transport.upload
            async with self._places:
                await self._check_content(source.body, "sha256", sha256)
                reply = await send(path, source.body, name, source.mime, fields, meter)
                await self._check_content(source.body, "sha256", sha256)
            return read_upload(reply)

        retry = partial(self.sender.retry, repeatable=True, fate=Fate.NOT_STARTED, waits=True)
        try:
            uploaded = await retry(lambda: attempt(UPLOAD_PATH, {}))
        except (FileTooLarge, BadReply, ServiceFault, UploadFailed):
            # The old endpoint is said to be more lenient, up to its documented limit.
            if source.size > OLD_UPLOAD_LIMIT:
                raise
            fields = {"fileType": "input"}
            uploaded = await retry(lambda: attempt(OLD_UPLOAD_PATH, fields))
        except (Redirected, Refused) as error:
            raise _as_upload_error(error, source) from error.__cause__
        await self.journal.record_upload(sha256, uploaded.name, uploaded.url, _LASTS)
        return uploaded

    async def _check_content(self, body: bytes | Path, algorithm: str, hexdigest: str) -> None:
        """Raise BadInput if a file no longer has its hash. Called before and after an upload, which
        itself detects a change in between."""
        if isinstance(body, Path) and await self._file_hash(body, algorithm) != hexdigest:
            raise BadInput("error.file_changed", name=body.name)

    async def forget(self, hashes: Iterable[str]) -> None:
        """Invalidate the remote copies of these contents."""
        for sha256 in hashes:
            await self.journal.forget_upload(sha256)

    async def content_hash(self, source: Source) -> str:
        """Return the SHA-256 (hex) of the bytes; of a file cached by path, size, mtime, inode."""
        if isinstance(source.body, bytes):
            return await asyncio.to_thread(hash_bytes, source.body)
        return await self._file_hash(source.body, "sha256")

    async def fingerprints(
        self, values: Mapping[str, object]
    ) -> tuple[dict[str, object], dict[str, str]]:
        """Return the fields with `{"sha256" or "md5": …}` for files, and each hash by field."""
        sources = {name: value for name, value in values.items() if isinstance(value, Source)}
        digests = await asyncio.gather(*map(self.content_hash, sources.values()))
        hashes = dict(zip(sources, digests, strict=True))
        inputs = {**values, **{name: {"sha256": sha256} for name, sha256 in hashes.items()}}
        for name, value in values.items():
            if isinstance(value, LoraFile):
                hashes[name] = await self.lora_hash(value.path)
                inputs[name] = {"md5": hashes[name]}
        return inputs, hashes

    async def local_file(self, algorithm: str, hexdigest: str) -> Path | None:
        """Return a local file that was hashed before and still has this content, or None."""
        for path in await self.journal(self.journal.store.caches.paths_of, algorithm, hexdigest):
            with contextlib.suppress(BadInput, OSError):
                if await self._file_hash(path, algorithm) == hexdigest:
                    return path
        return None

    async def _file_hash(self, path: Path, algorithm: str) -> str:
        full, about = await asyncio.to_thread(about_file, path)
        stamp = FileStamp.of(about)
        hexdigest = await self.journal(self.journal.store.caches.known_hash, full, stamp, algorithm)
        if hexdigest is not None:
            return hexdigest
        hexdigest = await asyncio.to_thread(hash_file, path, algorithm)
        await self.journal.record_file_hash(full, stamp, algorithm, hexdigest)
        return hexdigest

    # LoRA

    async def lora_hash(self, path: Path) -> str:
        """Return the MD5 (hex) of a LoRA file, by which the service identifies it."""
        return await self._file_hash(path, "md5")

    async def upload_lora(self, path: Path, watch: Watch, md5: str = "") -> str:
        """Return RHLoraLoader's name for a local LoRA file; upload it unless the service has its
        MD5, which is computed if not given."""
        full, about = await asyncio.to_thread(about_file, path)
        return await self._loras.join(
            (full, md5), lambda show: self._upload_lora(full, about.st_size, show, md5), watch
        )

    async def _upload_lora(self, path: Path, size: int, watch: Watch, md5: str) -> str:
        watch(Progress(Stage.PREPARING, params={"name": path.name}))
        md5 = md5 or await self.lora_hash(path)
        call = lora_slot(path.stem, md5)

        async def attempt() -> str:
            slot = await self.sender.transport.send(call)
            if slot.put_url is not None:
                meter = Meter(moved=_percent(watch, Stage.UPLOADING, size))
                async with self._places:
                    await self._check_content(path, "md5", md5)
                    await self.bulk.put(slot.put_url, path, meter)
                    await self._check_content(path, "md5", md5)
            return slot.name

        retry = partial(self.sender.retry, repeatable=call.repeatable, fate=call.fate)
        return await retry(attempt, waits=True)

    # Results

    async def _download(self, url: str, into: Path, show: Moved) -> Fetched:
        """Download with retries, and waiting out outages; progress (ENOUGH) resets the retries."""
        before, farthest, enough = 0, 0, ENOUGH
        retry = partial(self.sender.retry, repeatable=True, tries=DOWNLOAD_TRIES)

        def moved(done: int, total: int | None) -> None:
            nonlocal farthest, enough
            farthest = max(farthest, done)
            enough = min(ENOUGH, (total or ENOUGH) // 20)
            if show is not None:
                show(done, total)

        def has_grown() -> bool:
            nonlocal before
            if farthest <= before + enough:
                return False
            before = farthest
            return True

        async def attempt() -> Fetched:
            async with self._places:
                return await self.bulk.download(url, into, Meter(moved))

        return await retry(attempt, waits=True, anew=has_grown)

    async def download(self, url: str, into: Path, task_id: str, show: Moved = None) -> Fetched:
        """Download a result; `show` gets (bytes, total). ResultUnavailable, DiskFull, BadInput."""
        try:
            return await self._download(url, into, show)
        except (ResultUnavailable, DiskFull, BadInput) as error:
            raise error.with_context(task_id=task_id) from error.__cause__
        except RateLimited as error:
            # Its own text says that no order was started, which is wrong here.
            reason = str(error.params.get("remote"))
            if pause := error.params.get("pause"):
                raise ResultUnavailable(
                    "error.result_later",
                    task_id=task_id,
                    is_transient=True,
                    reason=reason,
                    pause=pause,
                ) from error
            raise ResultUnavailable(task_id=task_id, is_transient=True, reason=reason) from error
        except RunningHubError as error:
            # The fate is the task's, which is over, not this request's.
            reason = error.with_context(fate=Fate.OVER)
            raise ResultUnavailable(task_id=task_id, is_transient=True, reason=reason) from error


async def load_sources(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values with each LazySource resolved to its Source, concurrently."""

    async def make(name: str, lazy_source: LazySource) -> tuple[str, Source]:
        return name, await lazy_source.source()

    sources = await gather_or_cancel(
        [make(name, value) for name, value in values.items() if isinstance(value, LazySource)]
    )
    return {**values, **dict(sources)}


async def gather_or_cancel(work: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Run coroutines concurrently; return their results. The first failure cancels the others."""
    jobs = [asyncio.ensure_future(item) for item in work]
    try:
        return await asyncio.gather(*jobs)
    finally:
        for job in jobs:
            job.cancel()


def _as_upload_error(error: RunningHubError, source: Source) -> RunningHubError:
    """Return the error with the text of a failed upload, in which nothing was started."""
    if isinstance(error, Redirected):
        return error.with_context("error.redirected_order")
    if error.code != BAD_PARAMETERS or not isinstance(source.body, Path):
        return error
    # The service's own text names the file by our content hash.
    return error.with_context("error.upload_refused", params={"name": source.body.name})


def _percent(watch: Watch, stage: Stage, size: int) -> Callable[[int, int | None], None]:
    """Return a Meter callback that reports each whole percent. `size`: if total is unknown."""
    shown = -1

    def moved(done: int, total: int | None) -> None:
        nonlocal shown
        percent = int(100 * done / max(1, total or size))
        if percent != shown:
            shown = percent
            watch(Progress(stage, percent / 100, {"percent": percent}))

    return moved
