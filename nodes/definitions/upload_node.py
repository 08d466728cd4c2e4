"""What the nodes share that upload something."""

from __future__ import annotations

import time
from typing import Any

from comfy_api.latest import io

from .deferred import runs

# RunningHub drops uploads after a day, ComfyUI keeps names as long as it runs: ask again in time.
NAME_SECONDS = 6 * 3600


class UploadNode(io.ComfyNode):
    """No node by itself: ComfyUI would keep the flags of a listed node for its subclasses."""

    @classmethod
    def validate_inputs(cls, profile: str | None = "") -> bool:
        runs().upload_run.validate(profile)
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:
        return int(time.time() // NAME_SECONDS)
