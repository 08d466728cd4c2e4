"""Result pictures as tensors: of one size one batch, of several sizes single ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..rh_api.client import Result
from .media.codec import Kind
from .media.errors import MediaError
from .shelves import Shelf, Unreadable

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Pictures:
    """IMAGE batches (n, h, w, 3) and as many MASK batches (n, h, w), as arrays."""

    images: list[np.ndarray] = field(default_factory=list["np.ndarray"])
    masks: list[np.ndarray] = field(default_factory=list["np.ndarray"])

    def tensors(self, kind: Kind) -> list[Any]:
        from .media.tensors import from_array

        return [from_array(each) for each in (self.images if kind is Kind.IMAGE else self.masks)]


def read_pictures(results: Sequence[Result], shelf: Shelf) -> Pictures:
    """The pictures of some files, which are put where the node shows them.

    Raises Unreadable, when each file lies where a person finds it: it was paid.
    """
    from .media.kinds import CODECS

    for result in results:
        shelf.show("images", result)
    try:
        decoded = CODECS[Kind.IMAGE].decode([result.path for result in results if result.path])
    except MediaError as error:
        kept = [shelf.keep(result) for result in results]
        raise Unreadable(shelf.task_id, kept, error) from None
    return Pictures(decoded[Kind.IMAGE], decoded[Kind.MASK])


def joined(parts: Sequence[Pictures]) -> Pictures:
    """All pictures of all parts, in order, grouped anew."""
    parts = [part for part in parts if part.images]
    if len(parts) <= 1:
        return parts[0] if parts else Pictures()
    images = [each for part in parts for each in part.images]
    masks = [each for part in parts for each in part.masks]
    if len({each.shape[1:] for each in images}) == 1:
        import numpy as np

        return Pictures([np.concatenate(images)], [np.concatenate(masks)])
    return Pictures(_singles(images), _singles(masks))


def _singles(batches: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [batch[i : i + 1] for batch in batches for i in range(len(batch))]
