"""Result images as tensors: one batch if all have one size, else batches of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...rh_api.client import Result
from ...rh_api.errors import RunningHubError
from .adapters.adapter import Part
from .codecs import image
from .codecs.codec import Decoded, Kind
from .codecs.errors import MediaError
from .codecs.tensors import from_array

if TYPE_CHECKING:
    from .result_files import TaskFiles


class Pictures:
    """float32 IMAGE batches (n, h, w, 3) and as many MASK batches (n, h, w): either one batch, or a
    batch of one for each image.

    `files`: the number of images in each file, or the error for which it is delivered undecoded.
    """

    def __init__(self, decoded: Decoded, files: Sequence[int | RunningHubError]) -> None:
        self._decoded = decoded
        self._files = iter(files)
        self._taken = 0

    def tensors(self, kind: Kind) -> list[Any]:
        return [from_array(batch) for batch in self._decoded[kind]]

    def take(self, result: Result, task_files: TaskFiles) -> Part:
        """The indices of the next file's images: call it in file order. Raises Unreadable."""
        count = next(self._files)
        if isinstance(count, RunningHubError):
            raise count
        self._taken += count
        return Part(range(self._taken - count, self._taken), self.joined)

    def joined(self, numbers: Sequence[int]) -> list[Any]:
        """IMAGE tensors of the images with these indices, regrouped; a view of the batch if they
        are contiguous."""
        return [from_array(batch) for batch in _joined(self._decoded[Kind.IMAGE], numbers)]


def read_pictures(by_order: Sequence[tuple[TaskFiles, Sequence[Result]]]) -> Pictures:
    """Decode the image files of some orders, and list each in its node's preview."""
    decoded, counts = image.read([_paths(results) for _, results in by_order])
    files: list[int | RunningHubError] = []
    every = [(task_files, result) for task_files, results in by_order for result in results]
    for (task_files, result), count in zip(every, counts, strict=True):
        if isinstance(count, MediaError):
            files.append(task_files.unreadable(count, [result]))
        else:
            task_files.show("images", result)
            files.append(count)
    return Pictures(decoded, files)


def _paths(results: Sequence[Result]) -> list[Path]:
    return [result.path for result in results if result.path]


def _joined(batches: list[np.ndarray], numbers: Sequence[int]) -> list[np.ndarray]:
    if not numbers:
        return []
    if len(batches) == 1:
        first, last = numbers[0], numbers[-1] + 1
        if list(numbers) == list(range(first, last)):
            return [batches[0][first:last]]
        return [batches[0][list(numbers)]]
    chosen = [batches[number] for number in numbers]
    if len({batch.shape for batch in chosen}) == 1 and len(chosen) > 1:
        return [np.concatenate(chosen)]
    return chosen
