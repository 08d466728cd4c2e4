"""What ComfyUI gets from us: the nodes, and the passes that every prompt goes through."""

from __future__ import annotations

import inspect
import logging

from comfy_api.latest import ComfyExtension, io
from server import PromptServer

from ..rh_api.texts import english
from .prompt import handle_prompt

log = logging.getLogger("runninghub")


class RunningHubExtension(ComfyExtension):
    async def on_load(self) -> None:
        from . import cloud, config, routes

        PromptServer.instance.add_on_prompt_handler(handle_prompt)
        routes.install(PromptServer.instance.routes, config.host_names())
        PromptServer.instance.app.on_shutdown.append(cloud.leave)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        from .ai_app import RunningHubAIApp
        from .lora_uploader import RHLoraUploader
        from .refusal import RunningHubRefusal
        from .remote_workflow import RunningHubRemoteWorkflow
        from .saved import RunningHubSaved
        from .segment import RunningHubSegment
        from .task import RunningHubTask
        from .upload_audio import RHUploadAudio
        from .upload_image import RHUploadImage
        from .upload_video import RHUploadVideo

        return [
            RunningHubRemoteWorkflow,
            RunningHubAIApp,
            RunningHubTask,
            RHUploadImage,
            RHUploadVideo,
            RHUploadAudio,
            RHLoraUploader,
            RunningHubSegment,
            RunningHubSaved,
            RunningHubRefusal,
        ]


class Nothing(ComfyExtension):
    """For a ComfyUI that our nodes cannot live in."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return []


def extension() -> ComfyExtension:
    """Our nodes, or none where ComfyUI does not know free inputs (before 0.11)."""
    if "accept_all_inputs" not in inspect.signature(io.Schema).parameters:
        log.warning(english("node.comfyui_too_old", {}))
        return Nothing()
    return RunningHubExtension()
