"""Uploads a local LoRA, once per content, and returns its remote name for RHLoraLoader."""

from __future__ import annotations

from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ...rh_api.client import Client
from ...rh_api.errors import BadInput
from ...rh_api.journal import FileStamp
from .. import language
from ..values.failures import as_node_failures
from . import cloud, config, local_files, node_outcomes
from .node_display import NodeDisplay


def validate(lora: str | None, profile: str | None) -> None:
    """Check LoRA and profile, each None if a link provides it. Raises NodeFailure."""
    with as_node_failures():
        if profile is not None:
            config.settings(profile)
        if lora is not None:
            _path(lora)


def fingerprint(lora: str | None) -> list[int | str] | str:
    """Return the file's stamp; "" if there is no such file."""
    path = local_files.lora(lora) if lora else None
    if path is None:
        return ""
    return [*FileStamp.of(path.stat())]


async def execute(lora: str, profile: str) -> io.NodeOutput:
    """Upload the LoRA; the output is its remote name. Raises NodeFailure."""
    display = NodeDisplay.of_running_node()

    async def work(client: Client) -> str:
        name = await client.uploads.send_lora(_path(lora), display)
        line = language.in_languages([("node.lora_there", {"name": name})])
        display.end = node_outcomes.End("kept", line)
        return name

    name = await cloud.run(work, display, profile)
    display.finish(name)
    return io.NodeOutput(name, ui={"text": (name,)})


def _path(lora: str) -> Path:
    """Return the file of a listed name. Raises BadInput for any other: no path traversal."""
    path = local_files.lora(lora)
    if path is None:
        if not folder_paths.get_filename_list(local_files.LORAS):
            raise BadInput("node.no_loras")
        raise BadInput("node.lora_unknown", name=str(lora)[:200])
    return path
