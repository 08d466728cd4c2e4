"""RunningHub Saved: saves locally what a marked saver made in the cloud, as the saver would have.

Internal: the prompt handler puts these nodes in the savers' places.
"""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.graph.constants import SAVED_CLASS
from . import schema
from .deferred import runs


class RunningHubSaved(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema.internal(
            io.Schema(
                node_id=SAVED_CLASS,
                display_name="RunningHub Saved",
                category=schema.CATEGORY,
                description="Internal: saves here what a saver made in the cloud.",
                inputs=[
                    io.String.Input("saver", socketless=True),
                    io.AnyType.Input("files"),
                    io.String.Input("filename_prefix", optional=True),
                ],
                hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
                is_output_node=True,
            )
        )

    @classmethod
    def execute(
        cls, saver: str, files: object, filename_prefix: str | None = None
    ) -> io.NodeOutput:
        prompt = {} if cls.hidden.prompt is None else {"prompt": cls.hidden.prompt}
        metadata = {**prompt, **(cls.hidden.extra_pnginfo or {})}
        return runs().local_saver_run.execute(saver, files, filename_prefix, metadata)
