"""Warnings of what the cloud is not known to have of a segment; refusals with strict checks."""

from __future__ import annotations

from collections.abc import Iterator

from ...client import Client
from ...graph.extra_data import AUTO, NATIVE, STRICT
from ...graph.nearest import listed, nearest
from ...graph.prompt import read_nodes
from ...wire.native import MACHINES
from ...wire.object_info import Listed
from .. import CannotOffload, Note, Segment
from .cloud_models import MODEL_UNLISTED, Models, is_same_model
from .inputs import LocalFiles, title_of

PATIENCE = 2.0  # seconds that an order waits for the native list; the read goes on, for the next

_REFUSALS = {
    MODEL_UNLISTED: "segment.model_missing",
    "segment.file_unlisted": "segment.model_missing",
    "segment.class_unlisted": "segment.class_missing",
}
"""What a warning is with strict checks."""


async def warnings(
    client: Client,
    segment: Segment,
    *,
    models: Models,
    files: LocalFiles,
    patience: float = PATIENCE,
) -> list[Note]:
    """A note on each model that the service does not list, and on each class and file that the
    native route's ComfyUI lacks. With strict checks raises CannotOffload for the first instead."""
    notes = await models.unlisted(client, segment, files)
    named = [(note.node_id, note.params["name"]) for note in notes]
    more = await _of_native_route(client, segment, patience)
    notes += [note for note in more if (note.node_id, note.params["name"]) not in named]
    if notes and (segment.ordering.models or client.settings.models) == STRICT:
        first = notes[0]
        raise CannotOffload(_REFUSALS[first.key], local_id=first.node_id, **first.params)
    return notes


async def _of_native_route(client: Client, segment: Segment, patience: float) -> list[Note]:
    """By the cloud's list of today, if the segment may take the native route. Otherwise nothing is
    sent: the key is in that endpoint's URL."""
    route = segment.ordering.route or client.settings.route
    if route not in (NATIVE, AUTO) or segment.instance not in MACHINES:
        return []
    cloud = await client.cloud_nodes.listed(segment.instance, patience)
    return [] if cloud is None else [*_unlisted(segment, cloud)]


def _unlisted(segment: Segment, cloud: Listed) -> Iterator[Note]:
    for node in read_nodes(segment.graph).values():
        if node.class_type not in cloud.classes:
            params = {"node": title_of(segment, node.id), "name": node.class_type}
            yield Note(node.id, "segment.class_unlisted", params)
    goes_up = {(lora.node_id, lora.input) for lora in segment.loras}
    for model in segment.models:
        if (model.node_id, model.input) in goes_up:
            continue  # uploaded where it is local, else checked in the list of LoRAs
        class_type = segment.graph[model.node_id].get("class_type")
        files = cloud.files.get(f"{class_type}.{model.input}", (model.value,))
        if not any(is_same_model(file, model.value) for file in files):
            node, near = title_of(segment, model.node_id), listed(nearest(model.value, files))
            params = {"node": node, "name": model.value, "near": near}
            yield Note(model.node_id, "segment.file_unlisted", params)
