"""RunningHub Quick Create: runs a module of the site in the cloud, and returns its results."""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.graph import node_options
from . import schema
from .program_node import ProgramNode


class RunningHubQuickCreate(ProgramNode):
    NAMED = "module"

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.program_schema(
            "RunningHubQuickCreate",
            "RunningHub Quick Create",
            "Runs a module of RunningHub's Quick Create in the cloud. Set its fields as "
            "<nodeId>.<fieldName>; pictures that you connect are uploaded.",
            ["quick create", "module", "style"],
            io.String.Input(
                cls.NAMED,
                placeholder="JSON or curl",
                tooltip="What the call API button of the module's page gives, JSON or a curl line. "
                "Its key is not kept.",
            ),
            node_options.QUICK,
        )
