"""RH Upload Image: uploads images, and returns remote names and URLs."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import schema
from .deferred import runs
from .upload_node import UploadNode


class RHUploadImage(UploadNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.upload_schema(
            "RHUploadImage",
            "RH Upload Image",
            "Uploads pictures to RunningHub, unless they are there already.",
            [
                io.Image.Input("image", tooltip="Uploaded as PNG, without loss."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Becomes the picture's alpha, as LoadImage reads it: alpha = 1 - mask.",
                ),
            ],
        )

    @classmethod
    async def execute(cls, image: Any, mask: Any = None, profile: str = "") -> io.NodeOutput:
        return await runs().upload_run.execute("image", image, profile, mask=mask)
