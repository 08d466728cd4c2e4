"""Converts tensors to arrays and back, without a copy where possible; the only codec module that
imports torch."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from .errors import MediaError


def to_array(tensor: object) -> np.ndarray:
    """The tensor as an array, not to be written to: float32 for every floating dtype, else its own.

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
    """A key that is equal for equal arrays only: shape, dtype and SHA-256 of the contents."""
    return array.shape, array.dtype.str, hashlib.sha256(np.ascontiguousarray(array).data).digest()


def from_array(array: np.ndarray) -> torch.Tensor:
    """The array as a tensor that shares its memory."""
    return torch.from_numpy(array)
