"""What every node does that uploads something: each item goes up once, names come back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from . import cloud, config
from .failures import told_plainly
from .host import NodeDisplay

if TYPE_CHECKING:
    from ..rh_api.client import Client
    from ..rh_api.wire.uploads import Uploaded
    from .sources import Media

# RunningHub drops uploads after a day, ComfyUI keeps names as long as it runs: ask again in time.
NAME_SECONDS = 6 * 3600


class UploadNode(io.ComfyNode):
    """No node by itself: ComfyUI would keep the flags of a listed node for its subclasses."""

    @classmethod
    def validate_inputs(cls, profile: str | None = "") -> bool:
        with told_plainly():
            if profile is not None:  # else a link brings it
                config.settings(profile)
        return True

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:
        return int(time.time() // NAME_SECONDS)

    @classmethod
    async def upload(cls, field: str, media: Sequence[Media], profile: str) -> io.NodeOutput:
        """Names and addresses of the items that came through the input `field`."""
        from .sources import Sources

        display = NodeDisplay.of_running_node()

        async def work(client: Client) -> list[Uploaded]:
            with Sources(config.scratch_folder(), cloud.in_worker) as sources:
                drafts = [sources.draft(one, field) for one in media]
                return await client.upload_all(drafts, display)

        uploaded = await cloud.run(work, display, profile)
        return io.NodeOutput([one.name for one in uploaded], [one.url for one in uploaded])
