"""RH Upload Image: a picture goes up, its remote name and address come back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import cloud, config, schema
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client, Source
    from ..rh_api.wire.uploads import Uploaded

# RunningHub drops uploads after a day, ComfyUI keeps names as long as it runs: ask again in time.
NAME_SECONDS = 6 * 3600


class RHUploadImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RHUploadImage",
            display_name="RH Upload Image",
            category=schema.CATEGORY,
            description="Uploads a picture to RunningHub, unless it is there already.",
            search_aliases=["runninghub", "upload"],
            inputs=[
                io.Image.Input("image", tooltip="One picture; it goes up as PNG, without loss."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Becomes the picture's alpha, as LoadImage reads it: alpha = 1 - mask.",
                ),
            ],
            outputs=[
                io.String.Output("file_name", "file_name", "For fields that name a file."),
                io.String.Output("url", "url", "For fields that load from an address."),
            ],
        )

    @classmethod
    def validate_inputs(cls) -> bool:
        with told_plainly():
            config.settings()
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:
        return int(time.time() // NAME_SECONDS)

    @classmethod
    async def execute(cls, image: Any, mask: Any = None) -> io.NodeOutput:
        display = NodeDisplay.of_running_node()

        async def work(client: Client) -> Uploaded:
            source = await cloud.in_worker(_source, image, mask)
            return await client.upload(source, display)

        uploaded = await cloud.run(work, display)
        return io.NodeOutput(uploaded.name, uploaded.url)


def _source(images: Any, masks: Any) -> Source:
    from ..rh_api.client import Source
    from ..rh_api.errors import BadInput
    from ..rh_api.wire.filetypes import Kind
    from .media import image as codec
    from .media.tensors import to_array
    from .values import ENCODER_THREADS

    pictures = to_array(images)
    if pictures.ndim == 4 and len(pictures) > 1:
        raise BadInput("node.image_many", count=len(pictures))
    alpha = None if masks is None else to_array(masks)
    (file,) = codec.encode(pictures, alpha, threads=ENCODER_THREADS)
    return Source(Kind.IMAGE, file.data, file.suffix, file.mime)
