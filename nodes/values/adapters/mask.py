"""MASK (n, height, width), uploaded as images each channel of which gives the mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....rh_api.client import Result, Source
from ....rh_api.wire.filetypes import Kind as FileKind
from ..codecs import mask
from ..codecs.codec import Kind
from ..codecs.fitting import Limit
from ..codecs.tensors import digest, from_array
from .adapter import Adapter, Encoding, Fitted, Media, one_file
from .image import array_of, fit_picture, is_mask, read_levels, tensor_shape

if TYPE_CHECKING:
    from ..result_files import TaskFiles


class MaskAdapter(Adapter):
    kind = Kind.MASK
    file_kind = FileKind.IMAGE
    in_zip = True

    def detect(self, value: object) -> bool:
        shape = tensor_shape(value)
        return shape is not None and is_mask(shape)

    def count(self, value: Any) -> int:
        # The batch axis may be missing.
        return value.shape[0] if len(value.shape) > 2 else 1

    def encode(self, media: Media, encoding: Encoding) -> Source:
        files = mask.encode(array_of(media), threads=encoding.threads)
        return one_file(files, self.file_kind)

    def fit(self, encoded: Source, limit: Limit | None) -> Fitted | None:
        return fit_picture(encoded, limit)

    def contents(self, media: Media) -> object:
        return digest(array_of(media))

    def pictures(self, media: Media) -> np.ndarray:
        """The masks as images of one channel."""
        return mask.stacked(array_of(media))[..., None]

    def decode(self, results: Sequence[Result], task_files: TaskFiles) -> Any:
        """The mask in the colour channels."""
        return from_array(read_levels(results, task_files)[..., 0].copy())
