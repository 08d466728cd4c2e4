"""Converts a create request to an order, or raises the service's refusal."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from ..accounts import Account
from ..codes import Json, Refused
from ..graphs import Graph, Verdict, as_link, inputs_of
from ..nodes.classes import NODE_CLASSES, SEED_FIELDS
from ..tasks.task import Order, Route
from .prompts import convert, validate_prompt
from .requests import flag

if TYPE_CHECKING:
    from ..catalog import App, Workflow
    from ..state import State

MACHINES = ("default", "plus", "ultra")
"""Values of ``instanceType``."""


def check_start(account: Account, body: Json) -> None:
    """Refuse by balance, machine or options, before the graph is checked."""
    if code := account.refusal_of_balance():
        raise Refused(code)
    machine = body.get("instanceType") or "default"
    if machine not in MACHINES:
        raise Refused(301, f"instanceType must be one of {', '.join(MACHINES)}")
    if account.kind == "EXCLUSIVE" and account.machine != machine:
        raise Refused(435)
    seconds = body.get("retainSeconds")
    if seconds is not None:
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 10 <= seconds <= 180:
            raise Refused(301, "retainSeconds must be between 10 and 180")
        if account.kind != "SHARED":
            raise Refused(301, "retainSeconds is for enterprise shared keys only")


def check_slots(state: State, key: str, account: Account, *, personal: bool) -> None:
    """Refuse over the concurrency limit, which counts running and queued tasks."""
    if not state.is_full(key) or state.queue_when_full:
        return
    if account.kind == "EXCLUSIVE":
        if not personal:
            raise Refused(415)
        waiting = [task for task in state.open_tasks(key) if task.status != "RUNNING"]
        if len(waiting) >= account.personal_queue:
            raise Refused(814)
        return
    raise Refused(421)


def node_info_list(body: Json) -> list[dict[str, Any]]:
    node_info = body.get("nodeInfoList")
    if node_info is None:
        return []
    if not isinstance(node_info, list):
        raise Refused(301)
    items = cast("list[Any]", node_info)
    for item in items:
        if not isinstance(item, dict):
            raise Refused(301)
        for name in ("nodeId", "fieldName"):
            if not str(cast("Json", item).get(name) or "").strip():
                raise Refused(301, f"{name} must not be blank")
        if "fieldValue" not in item:
            raise Refused(301, "fieldValue must not be blank")
    listed = cast("list[dict[str, Any]]", items)
    # The effect of a field that is listed twice is undocumented.
    if len({(str(item["nodeId"]), str(item["fieldName"])) for item in listed}) < len(listed):
        raise Refused(803)
    return listed


def apply_node_info(graph: Graph, items: list[dict[str, Any]], *, app: App | None = None) -> Graph:
    """Return a copy of ``graph`` with the listed values; 803 if an item does not fit it."""
    changed = copy.deepcopy(graph)
    exposed = {(field["nodeId"], field["fieldName"]) for field in app.fields} if app else None
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
    node_class = NODE_CLASSES.get(class_type)
    if node_class and name in node_class.inputs:
        return node_class.inputs[name].kind
    names: dict[type, str] = {bool: "BOOLEAN", int: "INT", float: "FLOAT"}
    return names.get(type(stored), "STRING")


def reroll(state: State, graph: Graph, items: list[dict[str, Any]]) -> None:
    """Redraw the seeds that nobody set, from a counter: each run differs, yet is reproducible.

    RunningHub docs, "About nodeInfoList".
    """
    named = {(str(item["nodeId"]), str(item["fieldName"])) for item in items}
    for node_id, node in graph.items():
        for name, value in inputs_of(node).items():
            if name in SEED_FIELDS and isinstance(value, int) and (node_id, name) not in named:
                state.rerolls += 1
                digest = hashlib.sha256(f"{state.rerolls}/{node_id}".encode()).digest()
                inputs_of(node)[name] = int.from_bytes(digest[:6], "big")


def inline_graph(body: Json) -> Graph | None:
    """Return the graph in ``workflow`` (JSON text), None if absent; 433 if it is none."""
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


def stored_workflow(state: State, workflow_id: str, body: Json) -> Workflow:
    """Return the stored workflow if it may be run; else 380, 810, or 301 for a wrong password."""
    workflow = state.workflows.get(workflow_id)
    if workflow is None:
        raise Refused(380)
    check_password(workflow.password, body)
    if workflow.never_run:
        raise Refused(810)
    return workflow


def check_password(password: str | None, body: Json) -> None:
    """The code of a wrong password is undocumented; that of a wrong parameter is the closest."""
    if password is not None and body.get("accessPassword") != password:
        raise Refused(301, "accessPassword is wrong")


def build_order(
    state: State, key: str, account: Account, body: Json, *, route: Route, workflow_id: str
) -> Order:
    """Convert a create request to an order, or raise the service's refusal."""
    check_start(account, body)
    items = node_info_list(body)
    inline = inline_graph(body)
    if inline is None:
        stored = stored_workflow(state, workflow_id, body)
        graph = apply_node_info(stored.graph, items)
    else:
        graph = _inline(state, workflow_id, inline, items, body)
    if inline is None or state.reroll_inline_seeds:
        reroll(state, graph, items)
    return _order(state, key, account, body, route, workflow_id, graph, items, inline is not None)


def _inline(
    state: State, workflow_id: str, graph: Graph, items: list[dict[str, Any]], body: Json
) -> Graph:
    workflow = state.workflows.get(workflow_id)
    if workflow is None and not state.accepts_placeholder_workflow:
        raise Refused(380)
    if workflow:
        check_password(workflow.password, body)
    if items:
        raise Refused(803, "APIKEY_INVALID_NODE_INFO: node_not_found_in_workflow")
    return graph


def build_app_order(
    state: State, key: str, account: Account, body: Json, *, route: Route, app_id: str
) -> Order:
    """Like `build_order` for an AI app: only its exposed fields may be set."""
    app = state.apps.get(app_id)
    if app is None:
        raise Refused(901)
    check_start(account, body)
    check_password(app.password, body)
    items = node_info_list(body)
    names = ("nodeId", "fieldName", "fieldValue")
    defaults = [{name: field[name] for name in names} for field in app.fields]
    graph = apply_node_info(state.workflows[app.workflow_id].graph, [*defaults, *items], app=app)
    reroll(state, graph, items)
    body = {**body, "addMetadata": False}
    return _order(state, key, account, body, route, app.workflow_id, graph, items, False)


_ENTRY = ("nodeId", "nodeName", "fieldName", "fieldType", "fieldValue", "description")
_TYPES = ("IMAGE", "SWITCH", "INT", "STRING", "LORA", "LIST")


def build_quick_order(state: State, key: str, account: Account, body: Json) -> Order:
    """Like `build_order` for a Quick Create module: exactly its entries, each complete and text.

    The codes of a wrong ``quickCreateCode`` and of a missing entry are undocumented.
    """
    for name in ("webappId", "quickCreateCode"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise Refused(301, f"{name} must not be blank")
    if not body.get("nodeInfoList"):
        raise Refused(301, "nodeInfoList must not be empty")
    module = state.modules.get(body["webappId"])
    if module is None:
        raise Refused(901)
    if body["quickCreateCode"] != module.code:
        raise Refused(301, "quickCreateCode is wrong")
    check_start(account, {})
    items = _whole_entries(body)
    expected = sorted((field["nodeId"], field["fieldName"]) for field in module.fields)
    if sorted((item["nodeId"], item["fieldName"]) for item in items) != expected:
        raise Refused(803)
    graph = apply_node_info(state.workflows[module.workflow_id].graph, items)
    plain: Json = {"addMetadata": False}
    return _order(state, key, account, plain, "quick", module.workflow_id, graph, items, False)


def _whole_entries(body: Json) -> list[dict[str, Any]]:
    items = node_info_list(body)
    for item in items:
        for name in _ENTRY:
            if not isinstance(item.get(name), str):
                raise Refused(301, f"{name} must be a string")
        if item["fieldType"] not in _TYPES:
            raise Refused(301, "fieldType is unknown")
    return items


def _order(
    state: State,
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
    if state.comfyui is None:
        verdict = validate_prompt(graph, state.exists)
        check_verdict(state, verdict)
    personal = flag(body, "usePersonalQueue", default=False)
    check_slots(state, key, account, personal=personal)
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


def build_native_order(
    state: State,
    key: str,
    machine: str,
    graph: Graph,
    *,
    prompt_id: str | None,
    client_id: str | None,
) -> Order:
    """Like `build_order` for a prompt of the native route, which has no options; the caller checks
    the verdict."""
    account = state.accounts[key]
    check_start(account, {"instanceType": machine})
    verdict = Verdict() if state.comfyui else validate_prompt(graph, state.exists)
    if verdict.ok or state.comfyui:
        check_slots(state, key, account, personal=False)
    return Order(
        key=key,
        workflow_id="",
        graph=graph,
        verdict=verdict,
        route="native",
        inline=True,
        machine=machine,
        prompt_id=prompt_id,
        client_id=client_id,
    )


def check_verdict(state: State, verdict: Verdict) -> None:
    """Raise 433 for a graph that cannot run, unless the knob accepts such orders."""
    if not verdict.ok and state.invalid_graph == "433":
        report = {"error": verdict.error, "node_errors": verdict.node_errors}
        text = json.dumps(report, separators=(",", ":"))
        raise Refused(433, f"VALIDATE_PROMPT_FAILED: {text}")
