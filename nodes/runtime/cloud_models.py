"""The cache of the cloud's models that all segments and routes share."""

from __future__ import annotations

import time
from functools import cache

from ...rh_api.offload.driver import Models


@cache
def shared_models() -> Models:
    """Return the process-wide cache."""
    return Models(time.monotonic)
