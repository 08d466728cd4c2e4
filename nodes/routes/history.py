"""The journal's orders: search, details, result files, reuse, deletion and retention."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from typing import cast

from ...rh_api.client import History, PastOrder, Query, ResultRow, Retention, State
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.groups.history import failure_text, read_since, search_query
from ...rh_api.journal.retention import is_valid_bound
from ...rh_api.models.labels import label_of
from ...rh_api.models.names import ESCAPE
from ...rh_api.money.amounts import say_unit
from ...rh_api.wire.filetypes import Kind, by_suffix
from .. import language
from ..runtime import accounts, cloud, config, demo_server, past_orders, thumbnails
from ..runtime.media_threads import in_media_thread
from .body import Body, FileAnswer, number_of, switch_of, text_of

PAGE = 60  # orders
TEXT_SHOWN = 200_000  # characters of a result that is text
SHOWN_TEXT = 160  # of an order's own texts in the list
_FILE_OR_URL = re.compile(r"\S+://\S+|\S+\.[A-Za-z][A-Za-z0-9]+")


async def page(body: Body) -> dict[str, object]:
    """Return orders that match `words`, `states` and `since`, newest first, numbers < `before`."""
    past = await accounts.history()
    since = text_of(body, "since")
    query = search_query(
        text_of(body, "words")[:500],
        since=read_since(since, time.time()) if since else None,
        states=_states(body),
    )
    before = number_of(body, "before") if body.get("before") is not None else None
    matches = await past.history(query, before=before, limit=PAGE, everyone=True)
    if not query.words and not _indexing:  # ahead of the first search by words
        _indexing.add(indexing := asyncio.ensure_future(_prepare_search(past)))
        indexing.add_done_callback(_indexing.discard)
    return {"orders": await _rows(matches.orders), "before": matches.before}


_indexing: set[asyncio.Future[None]] = set()


async def _prepare_search(past: History) -> None:
    with contextlib.suppress(RunningHubError):  # the search itself reports it
        await past.prepare_search()


def _states(body: Body) -> list[State]:
    names = body.get("states") or []
    try:
        return [State(name) for name in cast("list[object]", names)]
    except (TypeError, ValueError):
        raise BadInput("node.bad_type", name="states", value=str(names)[:80]) from None


async def _rows(orders: Sequence[PastOrder]) -> list[dict[str, object]]:
    """Return orders as list rows."""
    names = accounts.names()
    profiles = [accounts.profile_of(past, names) for past in orders]
    costs = {
        profile: cloud.client(config.settings(profile)).costs
        for past, profile in zip(orders, profiles, strict=True)
        if profile and _needs_currency(past)
    }
    if costs:
        await asyncio.gather(*(account.known_currency() for account in costs.values()))
    return [
        _row(past, profile, past.currency or (costs[profile].currency if profile in costs else ""))
        for past, profile in zip(orders, profiles, strict=True)
    ]


def _needs_currency(past: PastOrder) -> bool:
    """Whether it cost money in a currency that only its account's status may tell."""
    return not past.currency and bool(past.usage.money or past.usage.third_party_money)


def _row(past: PastOrder, profile: str, currency: str) -> dict[str, object]:
    texts = [
        value
        for name, value in past.inputs.items()
        if isinstance(value, str) and not name.endswith(".filename_prefix")
    ]
    written = [text for text in texts if text.strip() and not _FILE_OR_URL.fullmatch(text.strip())]
    # By bytes: a Chinese character says as much as some letters.
    longest = max(written, key=lambda text: len(text.encode(errors="replace")), default="")
    name = past.name
    is_emulated = demo_server.is_emulated(past.origin, past.account)
    if is_emulated:
        name = name or demo_server.name_of(past.kind, past.program)
    return {
        "order": past.order,
        "kind": past.kind,
        "program": "" if past.kind == "graph" else past.program,
        "name": name[:200],
        "state": past.state.value,
        "task_id": past.task_id,
        "profile": profile,
        "placed": past.created_at,
        "seconds": past.usage.seconds,
        "coins": past.usage.coins,
        "money": past.usage.money,
        "third_party": past.usage.third_party_money,
        "currency": say_unit(currency, language.say),
        "emulated": is_emulated,
        "text": longest[:SHOWN_TEXT],
        "results": past.results,
        "first": _first_kind(past),
        "uncertain": past.state in (State.UNCERTAIN, State.INTENDED),
    }


def _first_kind(past: PastOrder) -> str:
    """Return the kind of the first result; "owed" if it is not here, "" if there is none."""
    if past.first is None:
        return ""
    if past.first.path is None:
        return "text" if past.first.text is not None else "owed"
    return past.first.kind or "file"


async def order(body: Body) -> dict[str, object]:
    """Return one order with its fields and results."""
    history, past = await _named_order(body)
    rows = await history.past_results(past.order)
    results = await asyncio.to_thread(_results, history, rows)
    (row,) = await _rows([past])
    is_on_site = past.task_id and not row["emulated"]
    link = f"{past.origin}/call-api/call-record-detail/{past.task_id}" if is_on_site else ""
    return {
        **row,
        "link": link,
        "instance": past.instance,
        "failure": failure_text(past, language.say),
        "inputs": [
            {
                "name": name,
                "label": _label(name, past.kind),
                "value": value if not isinstance(value, dict) else None,
            }
            for name, value in past.inputs.items()
        ],
        "results": results,
        "owed": past.state is State.DONE and any(not result["here"] for result in results),
        "missing": list(past.missing),
    }


def _label(name: str, kind: str) -> str:
    """Return what a field is called on its node; of a program's, whose nodes are not kept, its
    name."""
    if kind != "model":
        return name
    return label_of(name.removeprefix(ESCAPE), chinese=language.is_chinese())


def _results(history: History, rows: Sequence[ResultRow]) -> list[dict[str, object]]:
    return [_result(history, row) for row in sorted(rows, key=lambda row: row.index)]


def _result(history: History, row: ResultRow) -> dict[str, object]:
    path = past_orders.file_of(history, row)
    kind = row.kind or ("text" if row.text is not None else "file")
    text = row.text
    if text is None and path is not None and kind == Kind.TEXT.value:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            text = file.read(TEXT_SHOWN)
    return {
        "node_id": row.node_id,
        "index": row.index,
        "kind": kind,
        "name": path.name if path else "",
        "size": row.size,
        "text": None if text is None else text[:TEXT_SHOWN],
        "here": path is not None or row.text is not None,
        "loader": past_orders.loader_of(path) if path else None,
    }


async def thumbnail(body: Body) -> dict[str, object]:
    """Return a thumbnail of an order's first image or video as a data URL; "" for none."""
    history, past = await _named_order(body)
    rows = await history.past_results(past.order)
    pictures = (row for row in rows if row.kind in ("image", "video"))
    for row in sorted(pictures, key=lambda row: row.index):
        path = past_orders.file_of(history, row)
        if path is not None:
            return {"picture": await in_media_thread(thumbnails.of_file, path)}
    return {"picture": ""}


async def result(query: Body) -> FileAnswer:
    """Serve a result's file, by order number and result index."""
    history, past = await _named_order(query)
    path, _ = await past_orders.find_file(history, past.order, number_of(query, "index"))
    file_type = by_suffix(path.suffix)
    is_shown = file_type is not None and file_type.kind in (Kind.IMAGE, Kind.VIDEO, Kind.AUDIO)
    name = f"{past.task_id or past.order}_{path.name}"
    return FileAnswer(path, name, file_type.mime if file_type is not None and is_shown else "")


async def loader(body: Body) -> dict[str, object]:
    """Copy a result to ComfyUI's input folder; return its loader node, widget and value."""
    history, past = await _named_order(body)
    path, _ = await past_orders.find_file(history, past.order, number_of(body, "index"))
    name = f"{past.task_id or past.order}_{path.name}"
    return await asyncio.to_thread(past_orders.make_input, path, name)


async def inputs(body: Body) -> dict[str, object]:
    """Return what a node needs to order the same. `values`: by field. `gone`: fields whose files
    the service no longer has. `loaders`: nodes that load the same pictures, by field. `instance`
    and `options`: by the node's inputs. For a part of a graph `graph`: that part in API format,
    null if the journal does not have it; `lacking`: fields whose files the user has to supply.
    """
    _, past = await _named_order(body)
    profile, client = accounts.of_order(past)
    values, gone = await past_orders.values(client, past)
    part, lacking = await past_orders.part(client, past)
    return {
        "kind": past.kind,
        "program": past.program,
        "example": past.example,
        "name": past.name,
        "profile": profile,
        "instance": past.instance,
        "options": past_orders.node_options(past),
        "classes": dict(past.classes),
        "values": values,
        "gone": gone,
        "loaders": await past_orders.loaders(client, past),
        "graph": part,
        "lacking": lacking,
    }


async def again(body: Body) -> dict[str, object]:
    """Order the same again (costs); `task_id` "" while unknown. Raises what refuses the order.
    Requests with the same `request` id place one order."""
    _, past = await _named_order(body)
    _, client = accounts.of_order(past)
    return {"task_id": await past_orders.run_again(client, past, text_of(body, "request"))}


async def delete(body: Body) -> dict[str, object]:
    """Delete finished orders and their files; return the numbers of those deleted."""
    numbers = body.get("orders")
    if not isinstance(numbers, list) or not numbers:
        raise BadInput("node.bad_type", name="orders", value=str(numbers)[:80])
    orders = [number_of({"order": number}, "order") for number in cast("list[object]", numbers)]
    client = accounts.any_client()
    return {"deleted": await client.delete_orders(orders) if client is not None else []}


async def retention(body: Body) -> dict[str, object]:
    """Return the retention limits and what the given `days`, `orders` and `bytes` would free.

    `keep` true stores them, for the next cleanup.
    """
    folder = config.settings_folder()
    now = Retention.read(folder)
    bounds = {name: body.get(name, getattr(now, name)) for name in ("days", "orders", "bytes")}
    for name, value in bounds.items():
        if not is_valid_bound(name, value):
            raise BadInput("node.bad_type", name=name, value=str(value)[:80])
    chosen = Retention(**bounds)
    if switch_of(body, "keep"):
        await asyncio.to_thread(chosen.write, folder)
    client = accounts.any_client()
    orders, size, kept_size = (0, 0, 0) if client is None else await client.would_free(chosen)
    frees = {"orders": orders, "bytes": size}
    return {**bounds, "kept": kept_size, "frees": frees}


async def _named_order(body: Body) -> tuple[History, PastOrder]:
    """Return the journal's history and the request's `order`. Raises BadInput if unknown."""
    number, past = number_of(body, "order"), await accounts.history()
    matches = await past.history(Query(order=number), limit=1, everyone=True)
    if matches.orders:
        return past, matches.orders[0]
    raise BadInput("node.no_order", order=number)
