"""Base class of the nodes that upload something."""

from __future__ import annotations

import time
from typing import Any

from comfy_api.latest import io

from ...rh_api.graph.constants import NAME_SECONDS
from .deferred import runs


class UploadNode(io.ComfyNode):
    """Not listed as a node itself: ComfyUI would keep the flags of a listed one for subclasses."""

    @classmethod
    def validate_inputs(cls, profile: str | None = "") -> bool:
        runs().upload_run.validate(profile)
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:
        return int(time.time() // NAME_SECONDS)
