"""The lifecycle of a task: queued, running, over; timed by the event loop's clock."""

from __future__ import annotations

import asyncio
import json
import string
import threading
import time
import uuid
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp

from .. import replies
from ..knobs import POLL_SECONDS
from ..models import chains, results
from ..nodes.context import NodeContext, Outcome, Product
from ..nodes.interpreter import Stopped, interpret
from . import webhooks
from .progress import Progress
from .task import Result, Task

if TYPE_CHECKING:
    from ..comfyui import Hosted
    from ..state import State
    from .task import ModelRun, Order


def new_task(state: State, order: Order) -> Task:
    """Create and start a task for ``order``, in the state that the create reply shows."""
    hosted = order.hosted
    client_id = order.client_id or (hosted.client_id if hosted else uuid.uuid4().hex)
    prompt_id = order.prompt_id or (hosted.prompt_id if hosted else str(uuid.uuid4()))
    task = Task(
        id=state.next_id(),
        order=order,
        status="RUNNING",
        created=asyncio.get_running_loop().time(),
        client_id=client_id,
        progress=Progress(order.graph, order.verdict.outputs, client_id, prompt_id),
    )
    if not order.verdict.ok:
        task.status = "FAILED"
        task.error_code, task.error_message = "433", "VALIDATE_PROMPT_FAILED"
        task.ended = task.created
        task.progress.close()
    elif state.create_seconds > 0:
        task.status = "CREATE"
    elif state.queue_seconds > 0 or state.is_full(order.key):
        task.status = "QUEUED"
    state.tasks[task.id] = task
    state.forget_old()
    state.counters.orders += 1
    if not task.is_over:
        if task.status == "RUNNING":
            task.started = task.created
        task.runner = asyncio.create_task(live(state, task))
    return task


async def live(state: State, task: Task) -> None:
    """Run a task from its current state to its end."""
    clock = asyncio.get_running_loop().time
    stop = threading.Event()
    try:
        if task.started is None:
            await _wait_for_machine(state, task)
            task.started = clock()
        task.status = "RUNNING"
        await _run(state, task, stop)
    except asyncio.CancelledError:
        stop.set()
        if task.ending:
            raise
        task.status = "CANCEL"
        _explain(state, task)
        task.progress.interrupted()
    finally:
        if task.order.hosted:
            await task.order.hosted.close()
    task.ended = clock()
    _bill(state, task)
    task.progress.close()
    if task.order.webhook_url:
        state.spawn(_post_webhook(state, task, task.order.webhook_url))


async def _wait_for_machine(state: State, task: Task) -> None:
    if task.status == "CREATE":
        await asyncio.sleep(state.create_seconds)
        task.status = "QUEUED"
    await asyncio.sleep(state.queue_seconds)
    while state.is_full(task.key, besides=task):  # noqa: ASYNC110 - see there
        await asyncio.sleep(POLL_SECONDS)


async def _run(state: State, task: Task, stop: threading.Event) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    until = began + state.run_seconds
    fail = state.take_failure()
    if task.order.hosted:
        outcome = await _watch(task, task.order.hosted)
        _assign_names(state, task, outcome)
    else:
        task.progress.begin(cached=state.warm_nodes(task))
        outcome = await _compute(state, task, stop, fail)
        _assign_names(state, task, outcome)
        await task.progress.play(outcome, until=until, knobs=state)
        await asyncio.sleep(max(0.0, until - clock()))
    if outcome.failure or (fail and "error_code" in fail):
        _fail(state, task, outcome, fail or {})
        return
    _store_results(state, task, outcome)
    state.warm.add(task.workflow_id)
    task.status = "SUCCESS"
    task.progress.succeeded()


async def _watch(task: Task, hosted: Hosted) -> Outcome:
    """Await a prompt's end on a real ComfyUI; an unreachable server fails the task."""
    try:
        return await hosted.follow(task.progress)
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
        return Outcome(
            failure={
                "exception_type": type(problem).__name__,
                "exception_message": f"ComfyUI: {problem}",
                "node_id": "",
                "node_name": "",
                "traceback": "[]",
                "current_inputs": "{}",
                "current_outputs": "{}",
            }
        )


async def _compute(
    state: State, task: Task, stop: threading.Event, fail: dict[str, Any] | None
) -> Outcome:
    if fail and "error_code" in fail:
        return Outcome()
    if task.order.model is not None:
        return await _compute_model(state, task, task.order.model, fail)
    metadata = json.dumps(task.graph, sort_keys=True) if task.order.add_metadata else None
    context = NodeContext(state.store.read_input, state.store.read_url, metadata)
    outputs = task.order.verdict.outputs
    try:
        return await asyncio.to_thread(
            interpret, task.graph, outputs, context, stop=stop, fail=fail
        )
    except Stopped:
        return Outcome()


async def _compute_model(
    state: State, task: Task, run: ModelRun, fail: dict[str, Any] | None
) -> Outcome:
    if fail:
        kind = str(fail.get("exception_type", "RuntimeError"))
        message = str(fail.get("exception_message", "example failure"))
        return Outcome(failure={"exception_type": kind, "exception_message": message})
    text = chains.issue(state, task.key, run.model, run.body)
    products = await asyncio.to_thread(results.make, run.model, run.body)
    if text is not None:
        files = [product for product in products if product.data is not None]
        products = [*files, Product("", "", "txt", None, text)]
    return Outcome(products=products)


def _fail(state: State, task: Task, outcome: Outcome, fail: dict[str, Any]) -> None:
    task.status = "FAILED"
    task.failed_reason = outcome.failure
    if "error_code" in fail:
        task.error_code = str(fail["error_code"])
        task.error_message = str(fail.get("error_message", "unknown error"))
    else:
        _explain(state, task)
    if not (task.order.hosted or task.order.model):
        task.progress.failed(task.failed_reason)


def _explain(state: State, task: Task) -> None:
    """Set the code and text of a failure in a node; also those of a cancel that a knob reports as
    failed."""
    task.error_code = state.failed_code
    messages = {"805": "APIKEY_TASK_STATUS_ERROR", "1000": "unknown error"}
    task.error_message = messages[state.failed_code]


def _assign_names(state: State, task: Task, outcome: Outcome) -> None:
    """Name each file as the service does: prefix, counter, five letters, time.

    On the native route as ComfyUI does: the counter continues across prompts.
    """
    if task.order.route == "native":
        for index, product in enumerate(outcome.products):
            number = state.saved[product.prefix] = state.saved[product.prefix] + 1
            name = f"{product.prefix}_{number:05}_.{product.extension}"
            outcome.products[index] = replace(product, name=name)
        return
    counts: dict[str, int] = {}
    rng = Random(task.id)  # noqa: S311 - part of a file name, no secret
    for index, product in enumerate(outcome.products):
        if product.data is None:
            continue
        number = counts[product.prefix] = counts.get(product.prefix, 0) + 1
        mark = "".join(rng.choices(string.ascii_lowercase, k=5))
        name = f"{product.prefix}_{number:05}_{mark}_{int(time.time())}.{product.extension}"
        outcome.products[index] = replace(product, name=name)


def _store_results(state: State, task: Task, outcome: Outcome) -> None:
    if state.no_outputs:
        return
    user = state.accounts[task.key].user_id
    is_native = task.order.route == "native"
    for product in outcome.products:
        if product.temporary and not is_native:
            continue
        if product.node_id in state.empty_nodes:
            continue
        stored = None
        if product.data is not None:
            is_temporary = product.temporary and is_native
            stored = state.store.put_result(
                product.name,
                product.data,
                user=user,
                ttl=state.result_ttl,
                folder="temp" if is_temporary else "output",
            )
        result = Result(product.node_id, product.extension, stored, product.text, product.temporary)
        task.results.append(result)


def _bill(state: State, task: Task) -> None:
    """Charge a finished task. A failed one costs the same, a cancelled one the time that it ran.

    The time that a machine is retained afterwards is billed as well.
    """
    ran = task.started is not None and state.tells_costs
    if state.is_free:
        task.coins = 0
    elif ran and task.order.model:
        _bill_model(state, task, task.order.model)
    elif ran:
        account = state.accounts[task.key]
        seconds = task.seconds + (task.order.retain_seconds or 0)
        task.coins, task.money = account.charge(seconds, task.order.machine)


def _bill_model(state: State, task: Task, run: ModelRun) -> None:
    if state.free_calls > 0:
        state.free_calls -= 1
        return
    account = state.accounts[task.key]
    cost = (run.price * Decimal(str(state.cost_over_preview))).quantize(Decimal("0.001"), ROUND_UP)
    account.money = max(Decimal(0), account.wallet - cost)
    if run.model.is_self_hosted:
        task.money = cost
    else:
        task.third_party_money = cost


async def _post_webhook(state: State, task: Task, url: str) -> None:
    """POST the task's end to ``url``: JSON text for the older routes, an object for V2."""
    data: Any = (
        replies.query_reply(state, task, task.status)
        if task.order.route == "v2"
        else json.dumps(replies.webhook_outputs(state, task), separators=(",", ":"))
    )
    webhook = webhooks.Webhook(
        state.next_id(), task.key, task.id, url, data, created=webhooks.now_text()
    )
    state.webhooks[webhook.id] = webhook
    await webhooks.send(webhook, pause=state.webhook_retry_seconds)


async def stop(state: State, task: Task) -> None:
    """Cancel a task as a knob says: at once, or in the background after its seconds."""
    if state.cancel_seconds:
        state.spawn(cancel(task, after=state.cancel_seconds))
    else:
        await cancel(task)


async def cancel(task: Task, *, after: float = 0.0) -> None:
    """Cancel a task, `after` so many seconds; one that is over is unchanged."""
    await asyncio.sleep(after)
    if task.runner and not task.is_over:
        task.runner.cancel()
        if task.order.hosted:
            await task.order.hosted.abandon()
        await asyncio.wait([task.runner])
        if not task.is_over:
            # It was cancelled before its first step.
            task.status = "CANCEL"
            task.ended = asyncio.get_running_loop().time()
            task.progress.close()


def resume(state: State) -> None:
    """Resume the tasks that earlier serving left unfinished."""
    for task in state.tasks.values():
        if not task.is_over:
            task.ending = False
            task.runner = asyncio.create_task(live(state, task))


async def stop_all(state: State) -> None:
    """Stop the work of all tasks, leaving them unfinished."""
    running = [task for task in state.tasks.values() if task.runner and not task.is_over]
    for task in running:
        task.ending = True
    work = [task.runner for task in running if task.runner] + list(state.background)
    for future in work:
        future.cancel()
    await asyncio.gather(*work, return_exceptions=True)


async def reset(state: State) -> None:
    """Drop all tasks and restore the initial state."""
    await stop_all(state)
    state.renew()
