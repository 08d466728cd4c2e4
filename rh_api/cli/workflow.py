"""Commands that order nothing: fields of a workflow or an app, uploads, the account."""

from __future__ import annotations

import asyncio
import html
import json
import re
from argparse import Namespace
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import TypeVar

from ..client import Client
from ..errors import RunningHubError
from ..graph.app_fields import app_choices, app_fields
from ..graph.fields import Field, fields
from ..graph.outputs import select
from ..graph.prompt import read_nodes
from ..settings import Settings
from ..texts import english
from ..wire.accounts import Account, QueueStatus
from ..wire.apps import AppForm
from .files import existing, read_source
from .run import connected
from .terminal import Terminal, shortened

T = TypeVar("T")


async def workflow(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """The settable fields as `--set` takes them, and the outputs in their order."""
    async with Client(Settings.from_mapping(environ)) as client:
        found = await client.programs.workflow(arguments.workflow)
    nodes = read_nodes(found.graph)
    settable = fields(found.graph)
    outputs = [nodes[node_id] for node_id in select((), (), found.graph)]
    terminal.say(english("cli.workflow_fields", {"workflow": found.workflow_id}))
    terminal.table([field_row(field) for field in settable])
    terminal.say(english("cli.workflow_outputs", {}))
    terminal.table([(node.id, node.label) for node in outputs])
    terminal.document(
        {
            "workflow_id": found.workflow_id,
            "fields": [field_document(field) for field in settable],
            "outputs": [
                {"node_id": node.id, "title": node.title, "class": node.class_type}
                for node in outputs
            ],
        }
    )


async def app_form(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """The form of an AI app as `--set` takes it, with the choices that bind."""
    async with Client(Settings.from_mapping(environ)) as client:
        found = await client.programs.app(arguments.app)
    description = _plain(found.form.description)
    for line in filter(None, (found.form.name, description)):
        terminal.say(line)
    terminal.say(english("cli.app_fields", {"app": found.app_id}))
    fields = form_table(terminal, found.form)
    if found.form.encrypted:
        terminal.say(english("cli.app_protected", {}))
    terminal.document(
        {
            "app_id": found.app_id,
            "name": found.form.name,
            "description": description,
            "encrypted": found.form.encrypted,
            "fields": fields,
        }
    )


def form_table(terminal: Terminal, form: AppForm) -> list[dict[str, object]]:
    """Print the fields of a form with the choices that bind; gives them as `--json` does."""
    settable, choices = app_fields(form), app_choices(form)
    terminal.table(
        [
            (*field_row(field), shortened(" | ".join(choices.get(field.full_name, ()))))
            for field in settable
        ],
    )
    return [
        {**field_document(field), "choices": choices.get(field.full_name)} for field in settable
    ]


def _plain(markup: str) -> str:
    """The words of a description, which the site's editor writes as HTML."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())


def field_document(field: Field) -> dict[str, object]:
    """A field as `--json` prints it."""
    return {
        "name": field.full_name,
        "type": field.kind.value,
        "value": field.stored,
        "title": field.node.title,
        "class": field.node.class_type,
    }


def field_row(field: Field) -> tuple[str, ...]:
    value = shortened(json.dumps(field.stored, ensure_ascii=False))
    return field.full_name, field.kind.value, value, field.node.label


async def upload(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Upload files; all are looked at before the first one leaves."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    sources = [(name, read_source(name)) for name in arguments.files]
    made: list[dict[str, object]] = []
    async with connected(settings, terminal) as service:
        for name, source in sources:
            uploaded = await service.client.uploads.send(source, service.watch)
            params = {"file": name, "name": uploaded.name, "url": uploaded.url or "-"}
            terminal.say(english("cli.uploaded", params))
            made.append({"file": name, "name": uploaded.name, "url": uploaded.url})
    terminal.document({"files": made})


async def lora(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Upload a LoRA file."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    path = existing(arguments.file)
    async with connected(settings, terminal) as service:
        name = await service.client.uploads.send_lora(path, service.watch)
    terminal.say(english("cli.lora", {"file": arguments.file, "name": name}))
    terminal.document({"file": arguments.file, "lora_name": name})


async def account(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Balance and load. What one of two calls could not say is unknown, not zero."""
    if arguments.keys:
        await _keys(terminal, environ)
        return
    async with Client(Settings.from_mapping(environ)) as client:
        status, queue = await asyncio.gather(
            _told(client.account.status()), _told(client.account.queue())
        )
    if isinstance(status, RunningHubError) and isinstance(queue, RunningHubError):
        raise status
    for failed in (status, queue):
        if isinstance(failed, RunningHubError):
            terminal.note(str(failed))
    known = _known(
        None if isinstance(status, RunningHubError) else status,
        None if isinstance(queue, RunningHubError) else queue,
    )
    unknown = english("cli.unknown", {})
    terminal.table(
        [
            (english(f"cli.account_{name}", {}), unknown if value is None else str(value))
            for name, value in known.items()
        ],
    )
    terminal.document(known)


async def _keys(terminal: Terminal, environ: Mapping[str, str]) -> None:
    async with Client(Settings.from_mapping(environ)) as client:
        keys = await client.account.api_keys()
    if keys:
        names = ("masked", "name", "status", "quota_used", "quota_limit", "expires", "created")
        heads = tuple(english(f"cli.key_{name}", {}) for name in names)
        rows = [tuple(str(getattr(key, name) or "-") for name in names) for key in keys]
        terminal.table([heads, *rows])
    terminal.document({"keys": [asdict(key) for key in keys]})


async def _told(asked: Awaitable[T]) -> T | RunningHubError:
    try:
        return await asked
    except RunningHubError as error:
        return error


def _known(status: Account | None, queue: QueueStatus | None) -> dict[str, object]:
    running = queue.running if queue else status.running if status else None
    return {
        "kind": (status.kind if status else "") or (queue.kind if queue else "") or None,
        "coins": status.coins if status else None,
        "money": status.money if status else None,
        "currency": status.currency if status else None,
        "limit": queue.limit if queue else None,
        "running": running,
        "queued": queue.queued if queue else None,
        **({"instances": queue.instances} if queue and queue.instances is not None else {}),
    }
