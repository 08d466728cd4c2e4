"""Uploads each item of a value, once per content, and returns remote names and URLs."""

from __future__ import annotations

from comfy_api.latest import io

from ...rh_api.client import Client
from ...rh_api.graph.constants import NAME_SECONDS
from ...rh_api.wire.uploads import Uploaded
from .. import language
from ..values.adapters.table import media_of
from ..values.failures import as_node_failures
from ..values.field_values import with_masks
from ..values.upload_sources import Sources
from . import cloud, config, node_outcomes
from .media_threads import in_media_thread
from .node_display import NodeDisplay


def validate(profile: str | None) -> None:
    """Check the profile, None if a link provides it. Raises NodeFailure."""
    with as_node_failures():
        if profile is not None:
            config.settings(profile)


async def execute(field: str, value: object, profile: str, *, mask: object = None) -> io.NodeOutput:
    """Upload the items of `value`, which came through the input `field`; the outputs are their
    remote names and URLs. `mask`: becomes the images' alpha. Raises NodeFailure."""
    display = NodeDisplay.of_running_node()
    with as_node_failures():
        media = media_of(value)
        if mask is not None:
            media = with_masks(media, mask)

    async def work(client: Client) -> list[Uploaded]:
        with Sources(config.scratch_folder(), in_media_thread) as sources:
            lazy_sources = [sources.lazy_source(item, field) for item in media]
            uploaded = await client.uploads.send_all(lazy_sources, display, lasts=NAME_SECONDS)
        notices = [(notice.key, notice.params) for notice in sources.fitted.values()]
        line = language.in_languages([("node.uploaded", {"count": len(uploaded)}), *notices])
        display.end = node_outcomes.End("kept", line)
        return uploaded

    uploaded = await cloud.run(work, display, profile)
    return io.NodeOutput([file.name for file in uploaded], [file.url for file in uploaded])
