"""Past orders as the page uses them: result files, inputs, and running one again."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

import folder_paths
import numpy as np
from PIL import Image

from ...rh_api.client import Client, History, Job, LoraFile, PastOrder, Progress, ResultRow, Source
from ...rh_api.errors import BadInput, Fate, RunningHubError
from ...rh_api.graph.extra_data import NATIVE
from ...rh_api.graph.fields import split_name
from ...rh_api.groups.history import values_of
from ...rh_api.journal.history import file_hash
from ...rh_api.journal.retention import RESULTS
from ...rh_api.offload import crossing_of
from ...rh_api.offload.special_classes import CLOUD_LORA_LOADER
from ...rh_api.system.disk import rename_over
from ...rh_api.wire.filetypes import by_suffix
from ...rh_api.wire.orders import TaskOptions
from ..values.codecs.png import encode_png
from . import local_files
from .media_threads import in_media_thread

ANSWER_SECONDS = 60.0  # timeout of `run_again` for the task id

_MODEL_SUFFIXES = (".glb", ".gltf", ".obj", ".fbx", ".stl")
_LOADER_3D = ("Load3D", "model_file", "3d/")
_PREFIX = "runninghub-"

_running: set[asyncio.Task[object]] = set()
_requests: dict[str, asyncio.Task[str]] = {}  # by their id, but those that started nothing
_MAX_REQUESTS = 1000  # the latest


def file_of(history: History, row: ResultRow) -> Path | None:
    """Return a result's file; None if it does not exist or is not below the results folder."""
    if not row.path:
        return None
    root = (history.settings.state / RESULTS).resolve()
    path = (history.settings.state / row.path).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


async def find_file(history: History, order: int, index: int) -> tuple[Path, ResultRow]:
    """Return the file and row of the result `index` of an order. BadInput if it is not here."""
    for row in await history.past_results(order):
        path = file_of(history, row) if row.index == index else None
        if path is not None:
            return path, row
    raise BadInput("node.no_result", order=order)


def loader_of(path: Path) -> str | None:
    """Return the class of the core node that loads a file; None if there is none."""
    loader = _loader(path)
    return loader[0] if loader else None


def _loader(path: Path) -> tuple[str, str, str] | None:
    """Return (class, widget, how its value begins) of the core node that loads a file, or None.

    Loaders list the files of one folder. What lies deeper, ComfyUI calls missing after a reload.
    """
    if path.suffix.lower() in _MODEL_SUFFIXES:
        return _LOADER_3D
    file_type = by_suffix(path.suffix)
    crossing = crossing_of(file_type.kind.name) if file_type else None
    return (crossing.loader, crossing.field, _PREFIX) if crossing else None


def make_input(path: Path, name: str) -> dict[str, object]:
    """Copy a file atomically to ComfyUI's input folder; return loader, widget, value. BadInput."""
    loader = _loader(path)
    if loader is None:
        raise BadInput("node.no_loader", name=path.name)
    node, widget, prefix = loader
    value = prefix + re.sub(r"[^0-9A-Za-z._-]", "-", name)
    target = Path(folder_paths.get_input_directory()) / value
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.stat().st_size != path.stat().st_size:
            shutil.copyfile(path, part)
            rename_over(part, target)
    except OSError as error:
        raise BadInput("node.input_folder", reason=error.strerror or str(error)) from None
    finally:
        part.unlink(missing_ok=True)
    return {"node": node, "widget": widget, "value": value}


async def values(client: Client, order: PastOrder) -> tuple[dict[str, object], list[str]]:
    """Return the order's field values, files as remote names (URLs for models) while the service
    has them, and the names of the fields whose files it has not any more."""
    fields: dict[str, object] = {}
    gone: list[str] = []
    for name, value in order.inputs.items():
        file = file_hash(value)
        if file is None:
            fields[name] = value
            continue
        algorithm, digest = file
        uploaded = await client.uploads.remote_copy(digest) if algorithm == "sha256" else None
        if uploaded is None:
            gone.append(name)
        else:
            fields[name] = uploaded.url if order.kind == "model" else uploaded.name
    return fields, gone


async def loaders(client: Client, order: PastOrder) -> dict[str, dict[str, object]]:
    """Return loaders (as `make_input` does) of the pictures that the service still has, by field.

    Only of pictures that a loader's output is sent as, byte for byte: with other bytes the same
    inputs would be another order, and be paid again. A part of a graph has its own loaders.
    """
    by_field: dict[str, dict[str, object]] = {}
    for name, value in order.inputs.items() if order.kind != "graph" else ():
        algorithm, digest = file_hash(value) or ("", "")
        uploaded = await client.uploads.remote_copy(digest) if algorithm == "sha256" else None
        if uploaded is None or not uploaded.name.lower().endswith(".png"):
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(RunningHubError):
            path = await client.uploads.fetch(uploaded, Path(folder) / digest)
            if await in_media_thread(_is_sent_alike, path):
                by_field[name] = await asyncio.to_thread(make_input, path, path.name)
    return by_field


def _is_sent_alike(path: Path) -> bool:
    """Return whether a picture that is loaded and sent again is the same file."""
    try:
        with Image.open(path) as picture:
            is_opaque = picture.format == "PNG" and picture.mode == "RGB"
            return is_opaque and encode_png(np.asarray(picture)) == path.read_bytes()
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def node_options(order: PastOrder) -> dict[str, object]:
    """Return the order's run options as values of a node's inputs, without the instance."""
    options, time_limit, rerolls = _run_options(order)
    return {
        "add_metadata": options.add_metadata,
        "use_personal_queue": options.personal_queue,
        "retain_seconds": options.retain_seconds or 0,
        "timeout": int(time_limit),
        "reroll_seeds": rerolls,
    }


def _run_options(order: PastOrder) -> tuple[TaskOptions, float, bool]:
    """Return the order's options, its limit of running time (seconds, 0 for none), and whether its
    seeds were drawn anew."""
    stored = order.options
    options = TaskOptions(
        instance=order.instance,
        add_metadata=not stored.get("no_metadata"),
        personal_queue=bool(stored.get("personal_queue")),
        retain_seconds=cast("int | None", stored.get("retain_seconds")),
    )
    time_limit = float(cast("float", stored.get("time_limit") or 0.0))
    return options, time_limit, bool(stored.get("reroll_seeds"))


async def _local_file(client: Client, value: object) -> Source | LoraFile | None:
    """Return the local file that a field was given; None if it is gone or has changed."""
    file = file_hash(value)
    path = await client.uploads.local_file(*file) if file else None
    if file is None or path is None:
        return None
    return LoraFile(path) if file[0] == "md5" else Source.of_file(path)


async def part(client: Client, order: PastOrder) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the part of a graph that an order ran, in API format, with local loaders, and the
    names of fields whose files the user has to supply. The part is None if the journal does not
    have it."""
    if order.kind != "graph" or order.graph is None:
        return None, []
    whole = copy.deepcopy(dict(order.graph))
    lacking: list[str] = []
    for name, value in order.inputs.items():
        node_id, field = split_name(name)
        node = whole.get(node_id)
        if node is None:
            continue
        file = file_hash(value)
        if file is None:
            node["inputs"][field] = value
        elif order.graph[node_id]["class_type"] != CLOUD_LORA_LOADER:
            lacking.append(name)
        elif field == "lora_name":
            # RHLoraLoader has LoraLoader's inputs, and `file_name`.
            node["class_type"] = "LoraLoader"
            node["inputs"].pop("file_name", None)
            path = await client.uploads.local_file(*file)
            name_here = path and await asyncio.to_thread(local_files.lora_name, path)
            node["inputs"][field] = name_here or ""
            if name_here is None:
                lacking.append(name)
    return whole, lacking


async def run_again(client: Client, order: PastOrder, request: str = "") -> str:
    """Order the same again as a background task; return the task id, "" after ANSWER_SECONDS.

    A `request` id that was sent before gets that order, or its error unless that started nothing.
    The page, or the browser by itself, repeats a request whose answer was lost. Raises the error of
    a run that fails before that, and BadInput if it cannot be repeated here.
    """
    placing = _requests.get(request)
    if placing is None:
        placing = asyncio.ensure_future(_run_again(client, order))
        if request:
            _requests[request] = placing
            placing.add_done_callback(lambda task: _forget_unstarted(request, task))
            if len(_requests) > _MAX_REQUESTS:
                del _requests[next(iter(_requests))]
    return await asyncio.shield(placing)


def _forget_unstarted(request: str, placing: asyncio.Task[str]) -> None:
    """Let a request be tried again if it ordered nothing for certain."""
    error = None if placing.cancelled() else placing.exception()
    if isinstance(error, RunningHubError) and error.fate is Fate.NOT_STARTED:
        _requests.pop(request, None)


async def _run_again(client: Client, order: PastOrder) -> str:
    if order.kind == "graph" and order.graph is None:
        raise BadInput("node.graph_not_kept")
    if order.kind == "quick" and not order.example:
        raise BadInput("node.example_not_kept")
    fields, lost = await values(client, order)
    gone: list[str] = []
    for name in lost:
        file = await _local_file(client, order.inputs[name])
        if file is None:
            gone.append(name)
        else:
            fields[name] = file
    if gone:
        raise BadInput("node.inputs_gone", fields=", ".join(gone))
    own = values_of(order.graph or {})
    fields = {name: new for name, new in fields.items() if name not in own or own[name] != new}
    options, time_limit, rerolls = _run_options(order)
    job = Job(
        workflow=order.program if order.kind == "workflow" else order.sent_as,
        graph=order.graph,
        route=NATIVE if order.is_native else "",
        app=order.program if order.kind == "app" else "",
        model=order.program if order.kind == "model" else "",
        quick=order.example,
        fields=fields,
        options=options,
        reroll_seeds=rerolls,
        time_limit=time_limit,
        title=order.name,
        again=True,
    )
    placed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def watch(news: Progress) -> None:
        task_id = news.params.get("task_id")
        if isinstance(task_id, str) and task_id and not placed.done():
            placed.set_result(task_id)

    running = cast("asyncio.Task[object]", asyncio.ensure_future(client.run(job, watch)))
    _running.add(running)
    running.add_done_callback(_ended)
    await asyncio.wait(
        (running, placed), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    if placed.done():
        return placed.result()
    if running.done():
        running.result()
    return ""


def _ended(task: asyncio.Task[object]) -> None:
    _running.discard(task)
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()  # retrieved to silence asyncio: the page reads it from the journal
