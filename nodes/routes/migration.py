"""Migrates other packs' nodes and removes API keys, in the page's graph or in saved workflows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from ...rh_api.errors import BadInput
from ...rh_api.migration import migrate as migrated
from ...rh_api.migration.documents import clean_file, keys_in_file
from ...rh_api.migration.keys import FoundKey, clean, find_keys
from ...rh_api.migration.report import document_of, key_document
from ...rh_api.models.catalogue import Catalogue
from ...rh_api.models.live_catalogue import ModelCatalogue
from .. import language
from ..runtime import config, saved_workflows
from . import account
from .body import Body, text_of


async def look(body: Body) -> Mapping[str, Any]:
    """Count nodes of other packs and keys in a graph, for the notice when it is loaded."""
    graph = _graph(body)
    migration = await asyncio.to_thread(lambda: migrated(graph, _catalogue()))
    replaced = sum(len(chain.nodes) for chain in migration.replaced)
    return {"old": replaced + len(migration.left), "keys": len(find_keys(graph))}


async def migrate(body: Body) -> Mapping[str, Any]:
    """Return the migrated `graph` and a report. `skip`: ids of nodes to leave alone."""
    graph = _graph(body)
    skip = frozenset(map(str, _list(body, "skip")))
    migration = await asyncio.to_thread(lambda: migrated(graph, _catalogue(), skip))
    return {"graph": migration.document, **document_of(migration, language.say)}


async def keys(body: Body) -> Mapping[str, Any]:
    """List the keys in a graph, masked, each with an id (truncated SHA-256)."""
    return {"keys": _keys_json(find_keys(_graph(body)))}


async def clean_graph(body: Body) -> Mapping[str, Any]:
    """Return `graph` without the keys whose ids are in `keys`."""
    graph = _graph(body)
    return {"graph": clean(graph, _chosen_keys(find_keys(graph), body))}


async def keep(body: Body) -> Mapping[str, Any]:
    """Store one key of `graph` as a profile, without a request to the site."""
    (key,) = _chosen_keys(find_keys(_graph(body)), {"keys": [text_of(body, "key")]}) or ("",)
    named = {"name": text_of(body, "name"), "origin": text_of(body, "origin")}
    return await account.save({**named, "key": key})


async def saved(_: Body) -> Mapping[str, Any]:
    """List the keys in all workflow files that this ComfyUI has saved."""
    files = await asyncio.to_thread(lambda: list(map(_file_json, saved_workflows.files())))
    return {"files": files}


async def clean_saved(body: Body) -> Mapping[str, Any]:
    """Remove `keys` from one saved workflow; return the name of the backup."""
    file = saved_workflows.find(text_of(body, "file"))
    data = file.path.read_bytes()
    chosen = _chosen_keys(keys_in_file(data), body)
    backup = await asyncio.to_thread(saved_workflows.replace, file, clean_file(data, chosen))
    return {"backup": backup}


def _graph(body: Body) -> dict[str, Any]:
    graph = body.get("graph")
    if not isinstance(graph, dict):
        raise BadInput("migrate.no_graph")
    return cast("dict[str, Any]", graph)


def _list(body: Body, name: str) -> list[Any]:
    value = body.get(name)
    return cast("list[Any]", value) if isinstance(value, list) else []


def _catalogue() -> Catalogue:
    return ModelCatalogue(config.without_key()).catalogue


def _keys_json(keys: Iterable[FoundKey]) -> list[dict[str, object]]:
    return [{"id": _id(key), **key_document(key)} for key in keys]


def _id(key: FoundKey) -> str:
    return hashlib.sha256(key.key.encode()).hexdigest()[:16]


def _chosen_keys(keys: Iterable[FoundKey], body: Mapping[str, Any]) -> list[str]:
    ids = set(map(str, _list(body, "keys")))
    return [key.key for key in keys if _id(key) in ids]


def _file_json(file: saved_workflows.Saved) -> dict[str, object]:
    try:
        keys = keys_in_file(file.path.read_bytes())
    except (BadInput, OSError):
        keys = ()
    return {"id": file.id, "name": file.name, "keys": _keys_json(keys)}
