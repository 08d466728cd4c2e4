"""The interface of adapters: ComfyUI types that are transferred as files, and single items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ....rh_api.client import Result, Source
from ....rh_api.wire.filetypes import Kind as FileKind
from ..codecs.codec import Encoded, Kind
from ..codecs.fitting import Limit

if TYPE_CHECKING:
    from ..result_files import TaskFiles


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """One image, mask, audio clip or video: item `index` of a batch, or all of `value` (None).

    `mask`: becomes the alpha of an image. Equality is by identity of `value`, since comparing
    tensors gives another tensor.
    """

    adapter: Adapter
    value: Any
    index: int | None = None
    mask: Media | None = None

    @property
    def kind(self) -> Kind:
        return self.adapter.kind

    @property
    def file_kind(self) -> FileKind:
        return self.adapter.file_kind

    @property
    def key(self) -> object:
        return self.kind, id(self.value), self.index, self.mask and self.mask.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Media) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def contents(self) -> object:
        return self.kind, self.adapter.contents(self), self.mask and self.mask.contents

    def part(self, tensor: Any) -> Any:
        """This item of a batched tensor, which keeps its batch axis."""
        return tensor if self.index is None else tensor[self.index : self.index + 1]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to encode: number of threads, and a factory of scratch folders for large files."""

    threads: int
    new_folder: Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A re-encoded file that fits a limit; `key` and `params` of the notice about it."""

    file: Encoded
    key: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """Items that are joined with others before they are handed out: indices, and how to join."""

    numbers: Sequence[int]
    join: Callable[[Sequence[int]], list[Any]]


Taken = Mapping[str, Any] | Part
"""A decoded result: its value for each typed output, the first being its main one; or a Part."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Decodes a run's results of one type.

    `take` decodes one result; it is called in the results' order. Raises Unreadable. `typed`:
    initial values of the outputs that were joined from all results.
    """

    take: Callable[[Result, TaskFiles], Taken]
    typed: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])


class Adapter:
    """One ComfyUI type: detection, number of items, encoding and decoding."""

    kind: ClassVar[Kind]
    file_kind: ClassVar[FileKind]
    """The service's kind of its files; results of this kind are decoded to this type."""
    outputs: ClassVar[tuple[str, ...]] = ()
    """The typed outputs that such results fill; () if another adapter decodes them."""
    in_zip: ClassVar[bool] = False
    """Whether a field that takes a zip of pictures takes its values."""

    def detect(self, value: object) -> bool:
        """Whether a value is of this type."""
        raise NotImplementedError

    def count(self, value: Any) -> int:
        """The number of items."""
        return 1

    def channels(self, media: Media) -> int:
        """Channels of an item's file, as loaders in the cloud see them."""
        return 3

    def inlet_refusal(self, value: Any) -> str:
        """Text key why a segment cannot take the value; "" if it can."""
        return ""

    def encode(self, media: Media, encoding: Encoding) -> Source:
        """Encode an item as a file. Raises MediaError."""
        raise NotImplementedError

    def fit(self, encoded: Source, limit: Limit | None) -> Fitted | None:
        """Re-encode a file whose size or format `limit`, or the service, does not accept; None if
        they do. Raises MediaError."""
        return None

    def contents(self, media: Media) -> object:
        """A key that is equal for items with equal files, as far as that is cheap to tell."""
        return media.key

    def pictures(self, media: Media) -> np.ndarray:
        """Images (n, h, w, channels) for a zip; implemented where `in_zip`."""
        raise NotImplementedError

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        """Decode one saver's results to one value. Raises Unreadable."""
        raise NotImplementedError

    def reader(self, by_order: Sequence[tuple[TaskFiles, Sequence[Result]]]) -> Reader:
        """A Reader of all results of `file_kind`, by order, in a run of a node."""
        return Reader(self.read)

    def read(self, result: Result, task_files: TaskFiles) -> Taken:
        """Decode one result for the typed outputs. Raises Unreadable."""
        raise NotImplementedError

    def size(self, path: Path) -> tuple[int, int]:
        """Width and height in pixels, by a file's headers; (0, 0) for none. Raises MediaError."""
        return 0, 0

    def split(self, value: Any) -> list[Media]:
        """The items of a value; an empty batch is one item, which is refused when encoded."""
        count = self.count(value)
        if count < 2:
            return [Media(self, value)]
        return [Media(self, value, index) for index in range(count)]


def one_file(files: Sequence[Any], kind: FileKind) -> Source:
    """The only file that a codec returned, as a source to upload."""
    (file,) = files
    return Source(kind, file.data, file.suffix, file.mime)
