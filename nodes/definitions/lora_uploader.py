"""RH Lora Uploader: uploads a local LoRA, once, and returns its name for RHLoraLoader."""

from __future__ import annotations

import folder_paths
from comfy_api.latest import io

from ...rh_api.graph import node_options
from . import schema
from .deferred import runs


class RHLoraUploader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RHLoraUploader",
            display_name="RH Lora Uploader",
            category=schema.CATEGORY,
            description="Uploads one of your LoRA files to RunningHub, unless it is there "
            "already. Connect lora_name to the field of a remote RHLoraLoader.",
            search_aliases=["runninghub", "upload", "lora"],
            inputs=[
                io.Combo.Input(
                    "lora",
                    options=folder_paths.get_filename_list("loras"),
                    tooltip="A file in models/loras.",
                ),
                schema.option_input(node_options.PROFILE),
            ],
            outputs=[
                io.String.Output("lora_name", "lora_name", "For RHLoraLoader's field in the cloud.")
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, lora: str | None = None, profile: str | None = "") -> bool:
        runs().lora_run.validate(lora, profile)
        return True

    @classmethod
    def fingerprint_inputs(
        cls, lora: str | None, profile: str | None = ""
    ) -> list[int | str] | str:
        return runs().lora_run.fingerprint(lora)

    @classmethod
    async def execute(cls, lora: str, profile: str = "") -> io.NodeOutput:
        return await runs().lora_run.execute(lora, profile)
