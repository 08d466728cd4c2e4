"""The one place of the codecs that knows torch: tensors to arrays and back,
copying only if need be."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from .errors import MediaError


def to_array(tensor: object) -> np.ndarray:
    """The tensor as an array to read from: float32 for every floating type, else its own type.

    Any device, memory layout and gradient state. A float32 tensor on the CPU is not copied.

    Raises `media.not_a_tensor`.
    """
    if not isinstance(tensor, torch.Tensor):
        raise MediaError("media.not_a_tensor", type=type(tensor).__name__)
    values = tensor.detach().cpu().to_dense()
    if values.is_floating_point():
        values = values.to(torch.float32)
    return values.numpy()


def digest(array: np.ndarray) -> object:
    """What equal arrays, and no others, have in common."""
    return array.shape, array.dtype.str, hashlib.sha256(np.ascontiguousarray(array).data).digest()


def from_array(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor over the same memory."""
    return torch.from_numpy(array)
