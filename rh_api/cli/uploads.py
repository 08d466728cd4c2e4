"""`upload` and `lora`: upload files without an order."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ..settings import Settings
from ..texts import english
from .files import existing, read_source
from .run import connected
from .terminal import Terminal


async def upload(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Upload files; all are checked before the first is sent."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    sources = [(name, read_source(name)) for name in arguments.files]
    files: list[dict[str, object]] = []
    async with connected(settings, terminal) as service:
        for name, source in sources:
            uploaded = await service.client.uploads.send(source, service.watch)
            params = {"file": name, "name": uploaded.name, "url": uploaded.url or "-"}
            terminal.say(english("cli.uploaded", params))
            files.append({"file": name, "name": uploaded.name, "url": uploaded.url})
    terminal.document({"files": files})


async def lora(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Upload a LoRA file."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    path = existing(arguments.file)
    async with connected(settings, terminal) as service:
        name = await service.client.uploads.send_lora(path, service.watch)
    terminal.say(english("cli.lora", {"file": arguments.file, "name": name}))
    terminal.document({"file": arguments.file, "lora_name": name})
