"""RH Upload Audio: uploads audio, and returns remote names and URLs."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import schema
from .deferred import runs
from .upload_node import UploadNode


class RHUploadAudio(UploadNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.upload_schema(
            "RHUploadAudio",
            "RH Upload Audio",
            "Uploads sounds to RunningHub, unless they are there already.",
            [io.Audio.Input("audio", tooltip="Uploaded as WAV, lossless; above 30 MB as FLAC.")],
        )

    @classmethod
    async def execute(cls, audio: Any, profile: str = "") -> io.NodeOutput:
        return await runs().upload_run.execute("audio", audio, profile)
