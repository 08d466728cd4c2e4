"""What travels as a file becomes one when its order needs it, each thing once for a node's run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from ..rh_api.client import Draft, Source
from ..rh_api.errors import BadField, BadInput
from ..rh_api.wire.filetypes import HEAD, MP4, ZIP, by_suffix, sniff
from ..rh_api.wire.filetypes import Kind as FileKind
from . import language
from .media.codec import Encoded, Kind
from .media.errors import MediaError

Worker = Callable[..., Awaitable[Any]]
"""Runs a function with its arguments where it may take its time."""

THREADS = 2  # that encode, in all: more leave nothing for a local sampler

_KINDS = {
    Kind.IMAGE: FileKind.IMAGE,
    Kind.MASK: FileKind.IMAGE,
    Kind.AUDIO: FileKind.AUDIO,
    Kind.VIDEO: FileKind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Media:
    """One picture, mask, sound or video: `index` of a batch, or all of `value` (None).

    `mask`: what becomes a picture's alpha.
    """

    kind: Kind
    value: Any
    index: int | None = None
    mask: Media | None = None

    @property
    def file_kind(self) -> FileKind:
        return _KINDS[self.kind]

    @property
    def key(self) -> object:
        return self.kind, id(self.value), self.index, self.mask and self.mask.key


@dataclass(frozen=True, slots=True)
class Pack:
    """Pictures and masks, batches of them, that go up as one zip."""

    media: tuple[Media, ...]
    file_kind = FileKind.FILE

    @property
    def key(self) -> object:
        return tuple(one.key for one in self.media)


class Sources:
    """Drafts of files for one run of a node; use it as a context manager.

    `folder`: where files go that are too large for memory. They are gone when the block ends.
    """

    def __init__(self, folder: Path, worker: Worker) -> None:
        self._folder = folder
        self._worker = worker
        self._scratch: Path | None = None
        self._drafts: dict[object, Draft] = {}

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scratch is not None:
            # An upload that was just stopped may hold a file for another moment.
            shutil.rmtree(self._scratch, ignore_errors=True)

    def draft(self, media: Media | Pack, field: str) -> Draft:
        """The file of `media`, the same one whoever asks; BadField names `field` when it fails."""
        if media.key not in self._drafts:
            make = partial(self._make, media, field)
            self._drafts[media.key] = Draft(media.file_kind, make)
        return self._drafts[media.key]

    async def _make(self, media: Media | Pack, field: str) -> Source:
        # One picture is packed by all threads, of several each by one.
        threads = max(1, THREADS // len(self._drafts))
        try:
            return await self._worker(self._source, media, threads)
        except MediaError as error:
            reason = language.say(error.key, error.params)
            raise BadField("node.field_media", field=field, reason=reason) from None

    def _source(self, media: Media | Pack, threads: int) -> Source:
        if isinstance(media, Pack):
            return self._zip(media, threads)
        if media.kind is Kind.VIDEO:
            return self._video(media.value)
        (file,) = _encoded(media, threads)
        return Source(media.file_kind, file.data, file.suffix, file.mime)

    def _zip(self, pack: Pack, threads: int) -> Source:
        from .media import archive

        path = self._new_folder() / "pictures.zip"
        with path.open("wb") as file:
            archive.write(file, map(_colours, pack.media), threads=threads)
        return Source(pack.file_kind, path, ZIP.suffix, ZIP.mime)

    def _video(self, value: Any) -> Source:
        from .media.comfy_video import file_of

        made = file_of(value, self._new_folder())
        if isinstance(made, Path):
            # By its name first: the first bytes of .mkv and .webm are the same.
            found = by_suffix(made.suffix) or sniff(_head(made))
        else:
            found = sniff(made[:HEAD])
        found = found or MP4
        return Source(FileKind.VIDEO, made, found.suffix, found.mime)

    def _new_folder(self) -> Path:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="runninghub-", dir=self._folder))
        return Path(tempfile.mkdtemp(dir=self._scratch))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise BadInput("error.file_unreadable", name=path.name) from error


def _encoded(media: Media, threads: int) -> list[Encoded]:
    from .media import audio, image, mask

    array = _array(media)
    if media.kind is Kind.AUDIO:
        return audio.encode(array, media.value["sample_rate"])
    if media.kind is Kind.MASK:
        return mask.encode(array, threads=threads)
    alpha = None if media.mask is None else _array(media.mask)
    return image.encode(array, alpha, threads=threads)


def _array(media: Media) -> Any:
    """The tensor of one item as an array, with its batch axis if it has one."""
    from .media.tensors import to_array

    tensor = media.value["waveform"] if media.kind is Kind.AUDIO else media.value
    return to_array(tensor if media.index is None else tensor[media.index : media.index + 1])


def _colours(media: Media) -> Any:
    """A batch of pictures; of masks one of grey pictures."""
    from .media.mask import stacked

    array = _array(media)
    return array if media.kind is Kind.IMAGE else stacked(array)[..., None]
