"""RH Lora Uploader: a LoRA of this machine goes up, once; RHLoraLoader's name for it comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy_api.latest import io

from ..rh_api.errors import BadInput
from . import cloud, config, schema
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client

FOLDER = "loras"


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
                    options=folder_paths.get_filename_list(FOLDER),
                    tooltip="A file in models/loras.",
                ),
                schema.profile_input(),
            ],
            outputs=[
                io.String.Output("lora_name", "lora_name", "For RHLoraLoader's field in the cloud.")
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, lora: str | None, profile: str | None = "") -> bool:
        with told_plainly():
            if profile is not None:  # else a link brings it
                config.settings(profile)
            if lora is not None:
                _path(lora)
        return True

    @classmethod
    def fingerprint_inputs(cls, lora: str | None, profile: str | None = "") -> list[int] | str:
        """What changes when the file does."""
        path = folder_paths.get_full_path(FOLDER, lora) if lora else None
        if path is None:
            return ""
        about = Path(path).stat()
        return [about.st_size, about.st_mtime_ns, about.st_ino]

    @classmethod
    async def execute(cls, lora: str, profile: str = "") -> io.NodeOutput:
        display = NodeDisplay.of_running_node()

        async def work(client: Client) -> str:
            return await client.upload_lora(_path(lora), display)

        name = await cloud.run(work, display, profile)
        display.finish(name)
        return io.NodeOutput(name, ui={"text": (name,)})


def _path(lora: str) -> Path:
    """The file of a listed name; names with `..` in them are none."""
    listed = folder_paths.get_filename_list(FOLDER)
    if not listed:
        raise BadInput("node.no_loras")
    path = folder_paths.get_full_path(FOLDER, lora) if lora in listed else None
    if path is None:
        raise BadInput("node.lora_unknown", name=str(lora)[:200])
    return Path(path)
