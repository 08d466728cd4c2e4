"""Open orders and the actions on them, and the size of kept results."""

from __future__ import annotations

import asyncio

from ...rh_api.client import Client, OpenOrder, as_task_id
from ...rh_api.errors import BadInput
from ...rh_api.settings import Settings
from ..runtime import (
    accounts,
    cache_invalidation,
    cloud,
    config,
    demo_server,
    key_store,
    open_order_view,
)
from .body import Body, number_of, switch_of, text_of
from .request_client import client_of

CONSOLE = "/enterprise-api/consumerApi"
"""The site's page of API keys: the URL of its list of calls is not documented anywhere."""


async def left_tasks(_: Body) -> dict[str, object]:
    """List the open orders that nothing here waits for, of all accounts here, oldest first."""
    return await _open_orders(followed=False)


async def all_tasks(_: Body) -> dict[str, object]:
    """List all open orders of these accounts, including those that are waited for here."""
    return await _open_orders(followed=True)


async def _open_orders(*, followed: bool) -> dict[str, object]:
    rows = [
        (order, name, settings)
        for name, settings in accounts.listed()
        for order in await cloud.client(settings).open_orders(followed=followed)
    ]
    rows.sort(key=lambda row: row[0].order)
    ends = await asyncio.gather(*(_end(order, cloud.client(account)) for order, _, account in rows))
    shown = [
        {**_as_json(*row), "over": bool(end), "end": end}
        for row, end in zip(rows, ends, strict=True)
    ]
    return {"tasks": shown}


async def _end(order: OpenOrder, client: Client) -> str:
    if order.followed or order.is_uncertain:
        return ""
    return await open_order_view.end_of(client, order.task_id)


def _as_json(order: OpenOrder, profile: str, settings: Settings) -> dict[str, object]:
    name = order.name
    if profile == key_store.SANDBOX:
        name = name or demo_server.name_of(order.kind, order.program)
    page = f"/call-api/call-record-detail/{order.task_id}" if order.task_id else CONSOLE
    return {
        "order": order.order,
        "task_id": order.task_id,
        "profile": profile,
        "origin": settings.origin,
        "link": config.site_page(settings, page),
        "state": order.state.value,
        "kind": order.kind,
        "program": "" if order.kind == "graph" else order.program,
        "name": name[:200],
        "placed": order.placed_at,
        "started": order.started_at,
        "uncertain": order.is_uncertain,
        "cancelling": order.cancelling and not order.is_uncertain,
        "from_before": order.from_before,
        "followed": order.followed,
        "before": order.before,
    }


async def now(_: Body) -> dict[str, object]:
    """List all open orders with their progress, oldest first."""
    rows: list[tuple[int, dict[str, object]]] = []
    for name, settings in accounts.listed():
        client = cloud.client(settings)
        for order in await client.open_orders(followed=True):
            doing = await open_order_view.progress_of(client, order)
            rows.append((order.order, {**_as_json(order, name, settings), **doing}))
    return {"tasks": [task for _, task in sorted(rows, key=lambda row: row[0])]}


async def cancel(body: Body) -> dict[str, object]:
    """Cancel a task; `confirmed`: it was seen not to run any more."""
    return {"confirmed": await client_of(body).task(_task_id(body)).cancel()}


async def fetch(body: Body) -> dict[str, object]:
    """Download a finished task's results, which equal inputs and a Task node then reuse. `gaps`:
    missing results, by language."""
    outcome = await client_of(body).task(_task_id(body)).fetch()
    return {
        "task_id": outcome.task_id,
        "kept": outcome.kept,
        "gaps": cache_invalidation.fetched(outcome),
        "results": [
            {
                "node_id": result.node_id,
                "name": result.name,
                "kind": result.type.kind.value if result.type else "",
                "size": result.size,
                "text": result.text,
            }
            for result in outcome.results
        ],
    }


async def detach(body: Body) -> dict[str, object]:
    """End all waits for a task here, with Detached, without cancelling it in the cloud."""
    return {"detached": client_of(body).task(_task_id(body)).detach()}


async def look(body: Body) -> dict[str, object]:
    """Return task counts for an uncertain order: the account's before and now, and known ones."""
    inspection = await client_of(body).inspect_uncertain(_order(body))
    return {"before": inspection.before, "now": inspection.now, "ours": inspection.ours}


async def settle(body: Body) -> dict[str, object]:
    """Settle an uncertain order by the user's answer: it is `task_id`, or was `not_started`."""
    task_id, not_started = text_of(body, "task_id").strip(), switch_of(body, "not_started")
    if not_started == bool(task_id):
        raise BadInput("node.one_answer")
    await client_of(body).settle_uncertain(_order(body), task_id=task_id, not_started=not_started)
    return {"task_id": task_id}


async def kept(_: Body) -> dict[str, object]:
    """Return the size of the kept results in bytes."""
    return {"bytes": await _any_client().kept_bytes()}


async def empty(_: Body) -> dict[str, object]:
    """Delete kept results; `bytes`: what remains, of unfinished or undelivered orders."""
    await _any_client().empty_kept()
    return await kept({})


def _any_client() -> Client:
    """Return any account's client: kept results are shared. Raises NoKey if there is none."""
    return accounts.any_client() or cloud.client(config.settings())


def _task_id(body: Body) -> str:
    return as_task_id(text_of(body, "task_id"))


def _order(body: Body) -> int:
    return number_of(body, "order")
