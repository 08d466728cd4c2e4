"""Result pictures as tensors: of one size one batch, of several sizes single ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..rh_api.client import Result
from .media.codec import Kind
from .media.errors import MediaError
from .shelves import Shelf, Unreadable

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Pictures:
    """IMAGE batches (n, h, w, 3) and as many MASK batches (n, h, w), as arrays.

    Either one batch, or a batch of one for each picture. `counts`: pictures in each file.
    """

    images: list[np.ndarray] = field(default_factory=list["np.ndarray"])
    masks: list[np.ndarray] = field(default_factory=list["np.ndarray"])
    counts: Sequence[int] = ()

    def tensors(self, kind: Kind) -> list[Any]:
        from .media.tensors import from_array

        return [from_array(each) for each in (self.images if kind is Kind.IMAGE else self.masks)]

    def some(self, wanted: Sequence[int]) -> list[Any]:
        """IMAGE tensors of the pictures with these numbers, grouped anew; copied only if need be."""
        from .media.tensors import from_array

        return [from_array(each) for each in _some(self.images, wanted)]


def read_pictures(orders: Sequence[tuple[Shelf, Sequence[Result]]]) -> Pictures:
    """The pictures of some orders' files, which are put where the node shows them.

    Raises Unreadable, when each file lies where a person finds it: it was paid.
    """
    from .media import image

    for shelf, results in orders:
        for result in results:
            shelf.show("images", result)
    groups = [_paths(results) for _, results in orders]
    try:
        decoded, counts = image.read(groups)
    except MediaError as error:
        kept = [[shelf.keep(result) for result in results] for shelf, results in orders]
        bad = next((n for n, paths in enumerate(groups) if not _is_readable(paths)), 0)
        raise Unreadable(orders[bad][0].task_id, kept[bad], error) from None
    return Pictures(decoded[Kind.IMAGE], decoded[Kind.MASK], counts)


def _is_readable(paths: Sequence[Path]) -> bool:
    from .media import image

    try:
        image.read([paths])
    except MediaError:
        return False
    return True


def _paths(results: Sequence[Result]) -> list[Path]:
    return [result.path for result in results if result.path]


def _some(batches: list[np.ndarray], wanted: Sequence[int]) -> list[np.ndarray]:
    import numpy as np

    if not wanted:
        return []
    if len(batches) == 1:
        first, last = wanted[0], wanted[-1] + 1
        if list(wanted) == list(range(first, last)):
            return [batches[0][first:last]]
        return [batches[0][list(wanted)]]
    chosen = [batches[number] for number in wanted]
    if len({each.shape for each in chosen}) == 1 and len(chosen) > 1:
        return [np.concatenate(chosen)]
    return chosen
