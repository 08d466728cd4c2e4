"""RunningHub Remote Workflow: runs a saved workflow in the cloud, and returns its results."""

from __future__ import annotations

from comfy_api.latest import io

from . import schema
from .program_node import ProgramNode


class RunningHubRemoteWorkflow(ProgramNode):
    NAMED = "workflow"

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.program_schema(
            "RunningHubRemoteWorkflow",
            "RunningHub Remote Workflow",
            "Runs a saved RunningHub workflow in the cloud. Pictures, masks, sounds "
            "and videos that you connect are uploaded.",
            ["workflow"],
            io.String.Input(
                cls.NAMED,
                placeholder="id or link",
                tooltip="Id of a saved workflow, or the link to its page.",
            ),
        )
