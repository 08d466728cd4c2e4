"""RH Upload Video: uploads a video, and returns its remote name and URL."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import schema
from .deferred import runs
from .upload_node import UploadNode


class RHUploadVideo(UploadNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.upload_schema(
            "RHUploadVideo",
            "RH Upload Video",
            "Uploads a video to RunningHub, unless it is there already.",
            [
                io.Video.Input(
                    "video",
                    tooltip="Its file is uploaded unchanged; a video that was trimmed or made of "
                    "pictures, as mp4.",
                )
            ],
        )

    @classmethod
    async def execute(cls, video: Any, profile: str = "") -> io.NodeOutput:
        return await runs().upload_run.execute("video", video, profile)
