"""What every type of ComfyUI answers that travels as files, and an item of such a value."""

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
    """One picture, mask, sound or video: `index` of a batch, or all of `value` (None).

    `mask`: what becomes a picture's alpha. Equal are parts of the same object, since comparing
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
        """This item of a tensor whose first axis counts items; the axis stays."""
        return tensor if self.index is None else tensor[self.index : self.index + 1]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an item is to be made a file: by so many threads, large ones in a folder of their own."""

    threads: int
    new_folder: Callable[[], Path]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A file in place of one that would not be taken; `key` and `params` of what is said of it."""

    file: Encoded
    key: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """Items that are handed out joined with others: numbers, and what makes values of them."""

    numbers: Sequence[int]
    join: Callable[[Sequence[int]], list[Any]]


Taken = Mapping[str, Any] | Part
"""What a result became: its value for each typed output, the first of which stands for it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes values of a run's results of one type.

    `take` gives those of one result, asked for in the results' order. Raises Unreadable. `typed`:
    what whole outputs begin with, since it was joined from all results.
    """

    take: Callable[[Result, TaskFiles], Taken]
    typed: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])


class Adapter:
    """One type of ComfyUI: told from others, counted, and made files and values."""

    kind: ClassVar[Kind]
    file_kind: ClassVar[FileKind]
    """What the cloud calls its files; results of this kind become values of this type."""
    outputs: ClassVar[tuple[str, ...]] = ()
    """The typed outputs that such results fill; () where another adapter reads them."""
    in_zip: ClassVar[bool] = False
    """Whether a field that takes a zip of pictures takes its values."""

    def detect(self, value: object) -> bool:
        """Whether a value is of this type."""
        raise NotImplementedError

    def count(self, value: Any) -> int:
        """How many items it has."""
        return 1

    def channels(self, media: Media) -> int:
        """Of the file that an item becomes, as nodes in the cloud will see them."""
        return 3

    def inlet_refusal(self, value: Any) -> str:
        """The key that says why a segment cannot take a value of this type; "" when it can."""
        return ""

    def encode(self, media: Media, encoding: Encoding) -> Source:
        """The file of an item. Raises MediaError."""
        raise NotImplementedError

    def fit(self, encoded: Source, limit: Limit | None) -> Fitted | None:
        """What goes up in place of an encoded file that `limit`, or the service, does not take;
        None where it goes as it is. Raises MediaError."""
        return None

    def contents(self, media: Media) -> object:
        """What is alike for items that make equal files, as far as that shows at once."""
        return media.key

    def pictures(self, media: Media) -> np.ndarray:
        """Pictures (n, h, w, channels), where `in_zip` says that there are some."""
        raise NotImplementedError

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        """The one value that a saver made these results of. Raises Unreadable."""
        raise NotImplementedError

    def reader(self, orders: Sequence[tuple[TaskFiles, Sequence[Result]]]) -> Reader:
        """What reads all results of `file_kind`, by order, of a node's run."""
        return Reader(self.read)

    def read(self, result: Result, task_files: TaskFiles) -> Taken:
        """What one result is for the typed outputs. Raises Unreadable."""
        raise NotImplementedError

    def size(self, path: Path) -> tuple[int, int]:
        """Width and height of a file's pictures, by its headers; 0 for none. Raises MediaError."""
        return 0, 0

    def split(self, value: Any) -> list[Media]:
        """The items of a value; an empty batch is one item, which is refused when encoded."""
        count = self.count(value)
        if count < 2:
            return [Media(self, value)]
        return [Media(self, value, index) for index in range(count)]


def one_file(files: Sequence[Any], kind: FileKind) -> Source:
    """The only file that a codec made, as what goes up."""
    (file,) = files
    return Source(kind, file.data, file.suffix, file.mime)
