"""RunningHub AI App: runs an AI app of the site in the cloud, and returns its results."""

from __future__ import annotations

from comfy_api.latest import io

from . import schema
from .program_node import ProgramNode


class RunningHubAIApp(ProgramNode):
    NAMED = "app"

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.program_schema(
            "RunningHubAIApp",
            "RunningHub AI App",
            "Runs a RunningHub AI app in the cloud. Pictures, masks, sounds and "
            "videos that you connect are uploaded.",
            ["app"],
            io.String.Input(
                cls.NAMED,
                placeholder="id or link",
                tooltip="Id of an AI app, or the link to its page.",
            ),
        )
