"""Refuses what the service refuses: keys in the wrong place, blank fields, wrong node info."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from .accounts import Account
from .codes import Json, Refused
from .graphs import Graph, Verdict, as_link, convert, inputs_of, validate
from .node_classes import NODE_CLASSES, SEED_FIELDS
from .tasks import Order, Route

if TYPE_CHECKING:
    from .catalog import App, Workflow
    from .world import Emulator

MACHINES = ("default", "plus", "ultra")


async def read_json(request: web.Request) -> Json:
    """The request's body as a JSON object; 301 when it is none."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refused(301) from None
    if not isinstance(body, dict):
        raise Refused(301)
    return cast("Json", body)


def account_of_body(
    emulator: Emulator, body: Json, *, field: str = "apiKey"
) -> tuple[str, Account]:
    """Key and account of an older request: the key counts in the body only."""
    key = body.get(field)
    if not isinstance(key, str) or not key.strip():
        if field == "apikey":
            raise Refused(1601)
        raise Refused(301, "must not be blank")
    return key, account_of_key(emulator, key, 802)


def account_of_key(emulator: Emulator, key: str, unknown: int) -> Account:
    account = emulator.accounts.get(key)
    if account is None:
        raise Refused(unknown)
    if code := account.refusal_of_key():
        raise Refused(code)
    return account


def bearer(request: web.Request) -> str:
    """The key in a V2 request's header; 412 without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        raise Refused(412)
    return key.strip()


def text_field(body: Json, name: str) -> str:
    """A field that must not be blank; numbers are taken as text, as ids come both ways."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise Refused(301, f"{name} must not be blank")
    return str(value).strip()


def positive_id(body: Json, name: str, message: str) -> str:
    value = text_field(body, name)
    if not value.isdigit():
        raise Refused(301)
    if int(value) <= 0:
        raise Refused(301, message)
    return value


def check_start(account: Account, body: Json) -> None:
    """What is refused before the graph is looked at: balance, machine, options."""
    if code := account.refusal_of_balance():
        raise Refused(code)
    machine = body.get("instanceType") or "default"
    if machine not in MACHINES:
        raise Refused(301, "instanceType must be default, plus or ultra")
    if account.kind == "EXCLUSIVE" and account.machine != machine:
        raise Refused(435)
    seconds = body.get("retainSeconds")
    if seconds is not None:
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 10 <= seconds <= 180:
            raise Refused(301, "retainSeconds must be between 10 and 180")
        if account.kind != "SHARED":
            raise Refused(301, "retainSeconds is for enterprise shared keys only")


def check_slots(emulator: Emulator, key: str, account: Account, *, personal: bool) -> None:
    """The limit of tasks that exist at once, running or queued."""
    if not emulator.is_full(key) or emulator.queue_when_full:
        return
    if account.kind == "EXCLUSIVE":
        if not personal:
            raise Refused(emulator.limit_code or 415)
        waiting = [task for task in emulator.open_tasks(key) if task.status != "RUNNING"]
        if len(waiting) >= account.personal_queue:
            raise Refused(814)
        return
    raise Refused(emulator.limit_code or 421)


def flag(body: Json, name: str, *, default: bool) -> bool:
    """A boolean that the documentation's own example sends as text."""
    value = body.get(name, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refused(301)
    return value


def node_info_list(body: Json) -> list[dict[str, Any]]:
    given = body.get("nodeInfoList")
    if given is None:
        return []
    if not isinstance(given, list):
        raise Refused(301)
    items = cast("list[Any]", given)
    for item in items:
        if not isinstance(item, dict):
            raise Refused(301)
        for name in ("nodeId", "fieldName"):
            if not str(cast("Json", item).get(name) or "").strip():
                raise Refused(301, f"{name} must not be blank")
        if "fieldValue" not in item:
            raise Refused(301, "fieldValue must not be blank")
    return cast("list[dict[str, Any]]", items)


def apply_node_info(graph: Graph, items: list[dict[str, Any]], *, app: App | None = None) -> Graph:
    """A copy of ``graph`` with the listed values; 803 when an item does not fit it."""
    changed = copy.deepcopy(graph)
    exposed = {(one["nodeId"], one["fieldName"]) for one in app.fields} if app else None
    for item in items:
        node_id, name = str(item["nodeId"]), str(item["fieldName"])
        if exposed is not None and (node_id, name) not in exposed:
            raise Refused(803)
        if node_id not in changed:
            raise Refused(803)
        inputs = inputs_of(changed[node_id])
        if name not in inputs:
            raise Refused(803)
        stored = inputs[name]
        if as_link(stored):
            raise Refused(803)
        kind = _kind(changed[node_id]["class_type"], name, stored)
        try:
            inputs[name] = convert(item["fieldValue"], kind)
        except (TypeError, ValueError):
            raise Refused(803) from None
    return changed


def _kind(class_type: str, name: str, stored: object) -> str:
    known = NODE_CLASSES.get(class_type)
    if known and name in known.inputs:
        return known.inputs[name].kind
    names: dict[type, str] = {bool: "BOOLEAN", int: "INT", float: "FLOAT"}
    return names.get(type(stored), "STRING")


def reroll(emulator: Emulator, graph: Graph, items: list[dict[str, Any]]) -> None:
    """Draw the seeds that nobody set anew, from a counter: a run differs, a rerun of it does not.

    RunningHub docs, "About nodeInfoList".
    """
    named = {(str(item["nodeId"]), str(item["fieldName"])) for item in items}
    for node_id, node in graph.items():
        for name, value in inputs_of(node).items():
            if name in SEED_FIELDS and isinstance(value, int) and (node_id, name) not in named:
                emulator.rerolls += 1
                digest = hashlib.sha256(f"{emulator.rerolls}/{node_id}".encode()).digest()
                inputs_of(node)[name] = int.from_bytes(digest[:6], "big")


def inline_graph(body: Json) -> Graph | None:
    """The graph in ``workflow``, a JSON text; 433 when it is none."""
    text = body.get("workflow")
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise Refused(301)
    try:
        graph = json.loads(text)
    except ValueError:
        raise Refused(433, "VALIDATE_PROMPT_FAILED: workflow is not JSON") from None
    nodes = cast("dict[str, Any]", graph).values() if isinstance(graph, dict) else ()
    if not nodes or not all(isinstance(node, dict) for node in nodes):
        raise Refused(433, "VALIDATE_PROMPT_FAILED: workflow is no graph in API format")
    return cast("Graph", graph)


def stored_workflow(emulator: Emulator, workflow_id: str, body: Json) -> Workflow:
    """The workflow under an id, when it may be run: 380, 810, or a wrong password."""
    workflow = emulator.workflows.get(workflow_id)
    if workflow is None:
        raise Refused(380)
    check_password(workflow.password, body)
    if workflow.never_run:
        raise Refused(810)
    return workflow


def check_password(password: str | None, body: Json) -> None:
    """No source tells the code of a wrong password; a wrong parameter is the nearest."""
    if password is not None and body.get("accessPassword") != password:
        raise Refused(301, "accessPassword is wrong")


def build_order(
    emulator: Emulator, key: str, account: Account, body: Json, *, route: Route, workflow_id: str
) -> Order:
    """A create request as an order, or the refusal that the service would give."""
    check_start(account, body)
    items = node_info_list(body)
    inline = inline_graph(body)
    if inline is None:
        stored = stored_workflow(emulator, workflow_id, body)
        graph = apply_node_info(stored.graph, items)
    else:
        graph = _inline(emulator, workflow_id, inline, items, body)
    if emulator.reroll_seeds and (inline is None or emulator.reroll_inline_seeds):
        reroll(emulator, graph, items)
    return _order(
        emulator, key, account, body, route, workflow_id, graph, items, inline is not None
    )


def _inline(
    emulator: Emulator, workflow_id: str, graph: Graph, items: list[dict[str, Any]], body: Json
) -> Graph:
    known = emulator.workflows.get(workflow_id)
    if known is None and not emulator.accepts_placeholder_workflow:
        raise Refused(380)
    if known:
        check_password(known.password, body)
    if items:
        try:
            if known is None or not emulator.accepts_list_with_inline:
                raise Refused(803)
            apply_node_info(known.graph, items)
        except Refused:
            text = "APIKEY_INVALID_NODE_INFO: node_not_found_in_workflow"
            raise Refused(803, text) from None
    return graph


def build_app_order(
    emulator: Emulator, key: str, account: Account, body: Json, *, route: Route, app_id: str
) -> Order:
    """The same for an AI app: only its exposed fields may be set."""
    app = emulator.apps.get(app_id)
    if app is None:
        raise Refused(901)
    check_start(account, body)
    check_password(app.password, body)
    items = node_info_list(body)
    defaults = [
        {name: one[name] for name in ("nodeId", "fieldName", "fieldValue")} for one in app.fields
    ]
    graph = apply_node_info(emulator.workflows[app.workflow_id].graph, [*defaults, *items], app=app)
    if emulator.reroll_seeds:
        reroll(emulator, graph, items)
    body = {**body, "addMetadata": False}
    return _order(emulator, key, account, body, route, app.workflow_id, graph, items, False)


def _order(
    emulator: Emulator,
    key: str,
    account: Account,
    body: Json,
    route: Route,
    workflow_id: str,
    graph: Graph,
    items: list[dict[str, Any]],
    inline: bool,
) -> Order:
    verdict = Verdict()
    if emulator.comfyui is None:
        verdict = validate(graph, emulator.exists)
        check_verdict(emulator, verdict)
    personal = flag(body, "usePersonalQueue", default=False)
    check_slots(emulator, key, account, personal=personal)
    return Order(
        key=key,
        workflow_id=workflow_id,
        graph=graph,
        verdict=verdict,
        route=route,
        node_info=items,
        inline=inline,
        add_metadata=flag(body, "addMetadata", default=True),
        machine=str(body.get("instanceType") or "default"),
        webhook_url=body.get("webhookUrl") or None,
        use_personal_queue=personal,
        retain_seconds=body.get("retainSeconds"),
    )


def check_verdict(emulator: Emulator, verdict: Verdict) -> None:
    """433 for a graph of which nothing can run, unless the order shall be taken and say so."""
    if not verdict.ok and emulator.invalid_graph == "433":
        report = {"error": verdict.error, "node_errors": verdict.node_errors}
        text = json.dumps(report, separators=(",", ":"))
        raise Refused(433, f"VALIDATE_PROMPT_FAILED: {text}")
