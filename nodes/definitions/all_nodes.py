"""All nodes of the pack, in the order in which ComfyUI gets them."""

from __future__ import annotations

from comfy_api.latest import io

from .ai_app import RunningHubAIApp
from .local_saver import RunningHubSaved
from .lora_uploader import RHLoraUploader
from .models import MODEL_NODES
from .quick_create import RunningHubQuickCreate
from .refusal import RunningHubRefusal
from .remote_workflow import RunningHubRemoteWorkflow
from .segment import RunningHubSegment
from .task import RunningHubTask
from .upload_audio import RHUploadAudio
from .upload_image import RHUploadImage
from .upload_video import RHUploadVideo

NODES: tuple[type[io.ComfyNode], ...] = (
    RunningHubRemoteWorkflow,
    RunningHubAIApp,
    RunningHubQuickCreate,
    RunningHubTask,
    *MODEL_NODES,
    RHUploadImage,
    RHUploadVideo,
    RHUploadAudio,
    RHLoraUploader,
    RunningHubSegment,
    RunningHubSaved,
    RunningHubRefusal,
)
