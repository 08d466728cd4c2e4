"""`workflow`: show a saved workflow's fields and outputs."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping

from ..client import Client, RemoteWorkflow
from ..graph.fields import Field, fields
from ..graph.outputs import select
from ..graph.prompt import read_nodes
from ..settings import Settings
from ..texts import english
from .terminal import Terminal, shortened


async def workflow(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show the settable fields as `--set` takes them, and the outputs in order."""
    async with Client(Settings.from_mapping(environ)) as client:
        saved = await client.programs.workflow(arguments.workflow)
    nodes = read_nodes(saved.graph)
    settable = fields(saved.graph)
    outputs = [nodes[node_id] for node_id in select((), (), saved.graph)]
    terminal.say(english("cli.workflow_fields", {"workflow": saved.workflow_id}))
    terminal.table([field_row(field) for field in settable])
    terminal.say(english("cli.workflow_outputs", {}))
    terminal.table([(node.id, node.label) for node in outputs])
    terminal.document(form_document(saved))


def form_document(saved: RemoteWorkflow) -> dict[str, object]:
    """Return a workflow's fields and outputs as `--json` prints them."""
    nodes = read_nodes(saved.graph)
    outputs = [nodes[node_id] for node_id in select((), (), saved.graph)]
    return {
        "workflow_id": saved.workflow_id,
        "fields": [field_document(field) for field in fields(saved.graph)],
        "outputs": [
            {"node_id": node.id, "title": node.title, "class": node.class_type} for node in outputs
        ],
    }


def field_document(field: Field) -> dict[str, object]:
    """Return a field as `--json` prints it."""
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
