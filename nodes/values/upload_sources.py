"""Lazily encoded files to upload, each encoded once per run of a node."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from ...rh_api.client import LazySource, Notice, Source
from ...rh_api.errors import BadField
from ...rh_api.wire.filetypes import ZIP
from ...rh_api.wire.filetypes import Kind as FileKind
from .. import language
from .adapters.adapter import Encoding, Fitted, Media
from .codecs import archive
from .codecs.errors import MediaError
from .codecs.fitting import SMALLER_MEGABYTE, Limit

Worker = Callable[..., Awaitable[Any]]
"""Runs a blocking function with its arguments, in a worker thread."""

THREADS = 2  # encoder threads in total: more would starve a local sampler


@dataclass(frozen=True, slots=True)
class Pack:
    """Images and masks, or batches of them, that are uploaded as one zip."""

    media: tuple[Media, ...]
    file_kind = FileKind.FILE

    @property
    def key(self) -> object:
        return tuple(media.key for media in self.media)


class Sources:
    """Lazy sources of files for one run of a node; use it as a context manager.

    `folder`: where files too large for memory are written. They are deleted on exit.
    """

    def __init__(self, folder: Path, worker: Worker) -> None:
        self._folder = folder
        self.worker = worker
        self._scratch: Path | None = None
        self._lazy_sources: dict[object, LazySource] = {}
        self.fitted: dict[str, Notice] = {}
        """Notices of files re-encoded to fit a limit, by field: size before and after, in MB."""

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scratch is not None:
            # An upload that was just cancelled may hold a file open for a moment.
            shutil.rmtree(self._scratch, ignore_errors=True)

    def lazy_source(
        self, media: Media | Pack, field: str, limit: Limit | None = None
    ) -> LazySource:
        """The cached source of `media`; if encoding fails it raises BadField for `field`.

        `limit`: what an image is re-encoded to fit; audio only if above the documented one too.
        """
        key = media.key, limit
        if key not in self._lazy_sources:
            make = partial(self._make, media, field, limit)
            self._lazy_sources[key] = LazySource(media.file_kind, make)
        return self._lazy_sources[key]

    async def _make(self, media: Media | Pack, field: str, limit: Limit | None) -> Source:
        # A single image is encoded by all threads, several by one each.
        threads = max(1, THREADS // len(self._lazy_sources))
        try:
            return await self.worker(self._source, media, field, limit, threads)
        except MediaError as error:
            reason = language.say(error.key, error.params)
            raise BadField("node.field_media", field=field, reason=reason) from None

    def _source(self, media: Media | Pack, field: str, limit: Limit | None, threads: int) -> Source:
        if isinstance(media, Pack):
            return self._zip(media, threads)
        encoded = media.adapter.encode(media, Encoding(threads, self._new_folder))
        fitted = media.adapter.fit(encoded, limit)
        return encoded if fitted is None else self._replaced(encoded, fitted, field)

    def _replaced(self, encoded: Source, fitted: Fitted, field: str) -> Source:
        """The fitted file as a source; adds a notice for the user."""
        file = fitted.file
        sizes = {"before": encoded.size, "after": len(file.data)}
        megabytes = {name: f"{size / SMALLER_MEGABYTE:.1f}" for name, size in sizes.items()}
        self.fitted[field] = Notice(fitted.key, {"field": field, **megabytes, **fitted.params})
        return Source(encoded.kind, file.data, file.suffix, file.mime)

    def _zip(self, pack: Pack, threads: int) -> Source:
        path = self._new_folder() / "pictures.zip"
        pictures = (media.adapter.pictures(media) for media in pack.media)
        with path.open("wb") as file:
            archive.write(file, pictures, threads=threads)
        return Source(pack.file_kind, path, ZIP.suffix, ZIP.mime)

    def _new_folder(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="runninghub-", dir=self._folder))
        return Path(tempfile.mkdtemp(dir=self._scratch))
