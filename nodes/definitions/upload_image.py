"""RH Upload Image: pictures go up, their remote names and addresses come back."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import schema
from .failures import told_plainly
from .upload_node import UploadNode


class RHUploadImage(UploadNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.upload_schema(
            "RHUploadImage",
            "RH Upload Image",
            "Uploads pictures to RunningHub, unless they are there already.",
            [
                io.Image.Input("image", tooltip="They go up as PNG, without loss."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Becomes the picture's alpha, as LoadImage reads it: alpha = 1 - mask.",
                ),
            ],
        )

    @classmethod
    async def execute(cls, image: Any, mask: Any = None, profile: str = "") -> io.NodeOutput:
        from .values import media_of, with_masks

        pictures = media_of(image)
        if mask is not None:
            with told_plainly():
                pictures = with_masks(pictures, mask)
        return await cls.upload("image", pictures, profile)
