"""IMAGE (n, height, width, channels), uploaded as PNG; result images are decoded to batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ....rh_api.client import Result, Source
from ....rh_api.wire.filetypes import Kind as FileKind
from ..codecs import fitting, frames, image, levels
from ..codecs.codec import Kind
from ..codecs.tensors import digest, from_array, to_array
from ..image_batches import read_pictures
from .adapter import Adapter, Encoding, Fitted, Media, Reader, one_file

if TYPE_CHECKING:
    from ..result_files import TaskFiles


class ImageAdapter(Adapter):
    kind = Kind.IMAGE
    file_kind = FileKind.IMAGE
    in_zip = True
    outputs = ("images", "masks")

    def detect(self, value: object) -> bool:
        shape = tensor_shape(value)
        return shape is not None and _is_image(shape)

    def count(self, value: Any) -> int:
        return value.shape[0]

    def channels(self, media: Media) -> int:
        """4 with alpha, else 3."""
        return 4 if media.value.shape[-1] in (2, 4) else 3

    def encode(self, media: Media, encoding: Encoding) -> Source:
        alpha = None if media.mask is None else array_of(media.mask)
        files = image.encode(array_of(media), alpha, threads=encoding.threads)
        return one_file(files, self.file_kind)

    def fit(self, encoded: Source, limit: fitting.Limit | None) -> Fitted | None:
        return fit_picture(encoded, limit)

    def contents(self, media: Media) -> object:
        return digest(array_of(media))

    def pictures(self, media: Media) -> np.ndarray:
        return array_of(media)

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        """One batch, with alpha if every file has it."""
        return from_array(read_levels(results, task_files))

    def reader(self, by_order: Sequence[tuple[TaskFiles, Sequence[Result]]]) -> Reader:
        pictures = read_pictures(by_order)
        typed = {"images": pictures.tensors(Kind.IMAGE), "masks": pictures.tensors(Kind.MASK)}
        return Reader(pictures.take, typed)

    def size(self, path: Path) -> tuple[int, int]:
        return frames.look(path).size


def tensor_shape(value: object) -> tuple[int, ...] | None:
    """The shape of a tensor; None for any other value."""
    if type(value).__name__ not in ("Tensor", "ndarray", "Parameter"):
        return None
    return value.shape  # pyright: ignore[reportAttributeAccessIssue]


def is_mask(shape: tuple[int, ...]) -> bool:
    """Whether a tensor is no IMAGE, such as (n, height, width) and (n, 1, height, width)."""
    return not _is_image(shape)


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and not (shape[1] == 1 and shape[3] > 4)


def fit_picture(encoded: Source, limit: fitting.Limit | None) -> Fitted | None:
    """Re-encode a PNG in another format, or smaller, if it exceeds `limit`; None if it fits."""
    if limit is None or limit.takes(encoded.size, encoded.suffix):
        return None
    file = fitting.fitted(cast("bytes", encoded.body), limit)
    return Fitted(file, "progress.picture_fitted", {"format": file.suffix[1:]})


def array_of(media: Media) -> np.ndarray:
    """The tensor of an item as an array, with its batch axis if it has one."""
    return to_array(media.part(media.value))


def read_levels(results: Sequence[Result], task_files: TaskFiles) -> np.ndarray:
    """Decode files to one batch with all their channels. Raises Unreadable."""
    with task_files.reading(results, "media.unreadable_picture"):
        return levels.read([result.path for result in results if result.path])
