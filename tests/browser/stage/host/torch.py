"""As much of torch as the pack's codecs touch: a tensor is an array by another name."""

from __future__ import annotations

import numpy as np

float32 = np.float32


class OutOfMemoryError(RuntimeError):
    """Of the graphics card."""


class Tensor(np.ndarray):
    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def to_dense(self) -> Tensor:
        return self

    def is_floating_point(self) -> bool:
        return np.issubdtype(self.dtype, np.floating)

    def to(self, kind: type) -> Tensor:
        return self.astype(kind, copy=False)

    def numpy(self) -> np.ndarray:
        return self.view(np.ndarray)


def from_numpy(array: np.ndarray) -> Tensor:
    return array.view(Tensor)
