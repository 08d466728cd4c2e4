"""Pictures in one zip, as they go up."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from nodes.values.codecs import archive


def zipped(batches: Iterable[np.ndarray[Any, Any]]) -> bytes:
    """The zip of some IMAGE batches."""
    file = io.BytesIO()
    archive.write(file, batches)
    return file.getvalue()
