"""Open orders, what a person can do about each, and the results that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...rh_api.errors import BadInput
from .. import cloud, config, profiles, sandbox
from . import Body, Route, switch_of, text_of

if TYPE_CHECKING:
    from ...rh_api.client import Client, OpenOrder
    from ...rh_api.settings import Settings


async def left_tasks(_: Body) -> dict[str, object]:
    """What nobody waits for, of every account that has a key here, oldest first."""
    return await _listed(followed=False)


async def all_tasks(_: Body) -> dict[str, object]:
    """The same, with what somebody here waits for."""
    return await _listed(followed=True)


async def _listed(*, followed: bool) -> dict[str, object]:
    found = [
        (one, name, settings)
        for name, settings in _accounts()
        for one in await cloud.client(settings).open_orders(followed=followed)
    ]
    found.sort(key=lambda each: each[0].order)
    return {"tasks": [_shown(*each) for each in found]}


def _accounts() -> Iterator[tuple[str, Settings]]:
    """Each account once, by the first name that it has."""
    names = [profiles.ENVIRONMENT] if config.has_environment_key() else []
    names += profiles.load(config.state_folder()).by_name
    names += [profiles.SANDBOX] if sandbox.is_running() else []
    seen: set[Settings] = set()
    for name in names:
        try:
            settings = config.settings(name)
        except BadInput:
            continue  # the settings say what is wrong with it
        if settings not in seen:
            seen.add(settings)
            yield name, settings


def _shown(one: OpenOrder, profile: str, settings: Settings) -> dict[str, object]:
    link = f"{settings.origin}/call-api/call-record-detail/{one.task_id}" if one.task_id else ""
    return {
        "order": one.order,
        "task_id": one.task_id,
        "profile": profile,
        "origin": settings.origin,
        "link": link,
        "state": one.state.value,
        "kind": one.kind,
        "program": "" if one.kind == "graph" else one.program,
        "name": sandbox.name_of(one.kind, one.program) if profile == profiles.SANDBOX else "",
        "placed": one.placed_at,
        "started": one.started_at,
        "uncertain": one.is_uncertain,
        "cancelling": one.cancelling,
        "from_before": one.from_before,
        "followed": one.followed,
        "before": one.before,
    }


async def cancel(body: Body) -> dict[str, object]:
    """`confirmed`: it was seen that the task does not run any more."""
    return {"confirmed": await _client(body).cancel(_task_id(body))}


async def fetch(body: Body) -> dict[str, object]:
    """Bring a finished task's results here, where equal inputs and a Task node find them."""
    outcome = await _client(body).fetch(_task_id(body))
    return {
        "task_id": outcome.task_id,
        "kept": outcome.kept,
        "results": [
            {
                "node_id": one.node_id,
                "name": one.name,
                "kind": one.type.kind.value if one.type else "",
                "size": one.size,
                "text": one.text,
            }
            for one in outcome.results
        ],
    }


async def detach(body: Body) -> dict[str, object]:
    """Whoever waits for the task goes on without it, and it goes on in the cloud."""
    return {"detached": _client(body).detach(_task_id(body))}


async def look(body: Body) -> dict[str, object]:
    """What can be seen of an uncertain order: tasks of the account before and now."""
    sight = await _client(body).look_again(_order(body))
    return {"before": sight.before, "now": sight.now, "ours": sight.ours}


async def settle(body: Body) -> dict[str, object]:
    """A person's answer about an uncertain order: it is `task_id`, or it was `not_started`."""
    task_id, not_started = text_of(body, "task_id").strip(), switch_of(body, "not_started")
    if not_started == bool(task_id):
        raise BadInput("node.one_answer")
    await _client(body).settle_uncertain(_order(body), task_id=task_id, not_started=not_started)
    return {"task_id": task_id}


async def kept(_: Body) -> dict[str, object]:
    """How much room the kept results take."""
    return {"bytes": await cloud.client(config.settings()).kept_bytes()}


async def empty(_: Body) -> dict[str, object]:
    """Make room; `bytes` is what is left, since it is still on its way to somebody."""
    await cloud.client(config.settings()).empty_kept()
    return await kept({})


def _client(body: Body) -> Client:
    return cloud.client(config.settings(text_of(body, "profile")))


def _task_id(body: Body) -> str:
    # Imported here: ComfyUI starts faster without.
    from ...rh_api.client import as_task_id

    return as_task_id(text_of(body, "task_id"))


def _order(body: Body) -> int:
    value = body.get("order")
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput("node.bad_type", name="order", value=str(value)[:80])
    return value


ROUTES = (
    Route("GET", "/runninghub/tasks", left_tasks),
    Route("GET", "/runninghub/tasks/all", all_tasks),
    Route("POST", "/runninghub/tasks/cancel", cancel),
    Route("POST", "/runninghub/tasks/fetch", fetch),
    Route("POST", "/runninghub/tasks/detach", detach),
    Route("POST", "/runninghub/tasks/look", look),
    Route("POST", "/runninghub/tasks/settle", settle),
    Route("GET", "/runninghub/kept", kept),
    Route("POST", "/runninghub/kept/empty", empty),
)
