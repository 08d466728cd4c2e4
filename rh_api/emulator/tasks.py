"""The life of a task: queued, running, over; by the clock of the loop it lives in."""

from __future__ import annotations

import asyncio
import json
import string
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import aiohttp

from .graphs import Graph, Verdict
from .interpreter import Bench, Outcome, Stopped, interpret
from .knobs import LOOK_SECONDS
from .progress import Progress
from .webhooks import deliver

if TYPE_CHECKING:
    from .comfyui import Hosted
    from .objects import Stored
    from .world import Emulator

Status = Literal["CREATE", "QUEUED", "RUNNING", "SUCCESS", "FAILED", "CANCEL"]
Route = Literal["create", "ai-app", "v2"]


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, checked and complete."""

    key: str
    workflow_id: str
    graph: Graph
    verdict: Verdict
    route: Route = "create"
    node_info: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    inline: bool = False
    add_metadata: bool = True
    machine: str = "default"
    webhook_url: str | None = None
    use_personal_queue: bool = False
    retain_seconds: int | None = None
    hosted: Hosted | None = None
    """Where it runs, when that is a real ComfyUI."""


@dataclass(frozen=True, slots=True)
class Result:
    """One result: a stored file, or a text without a file."""

    node_id: str
    extension: str
    file: Stored | None
    text: str | None = None


@dataclass
class Task:
    """A task. Times are seconds of the loop's clock."""

    id: str
    order: Order
    status: Status
    created: float
    client_id: str
    prompt_id: str
    started: float | None = None
    ended: float | None = None
    results: list[Result] = field(default_factory=list[Result])
    failed_reason: dict[str, str] | None = None
    error_code: str = ""
    error_message: str = ""
    coins: int | None = None
    money: Decimal | None = None
    third_party_money: Decimal | None = None
    progress: Progress = field(default_factory=Progress)
    runner: asyncio.Task[None] | None = None
    ending: bool = False
    """The emulator stops serving: the task is neither cancelled nor over."""

    @property
    def node_info(self) -> list[dict[str, Any]]:
        return self.order.node_info

    @property
    def graph(self) -> Graph:
        return self.order.graph

    @property
    def workflow_id(self) -> str:
        return self.order.workflow_id

    @property
    def key(self) -> str:
        return self.order.key

    @property
    def is_over(self) -> bool:
        return self.status in ("SUCCESS", "FAILED", "CANCEL")

    @property
    def seconds(self) -> float:
        """Billed run time so far known."""
        if self.started is None or self.ended is None:
            return 0.0
        return self.ended - self.started


def new_task(emulator: Emulator, order: Order) -> Task:
    """Book ``order``: a task with a snowflake id, in the state that the create reply shows."""
    hosted = order.hosted
    task = Task(
        id=emulator.next_id(),
        order=order,
        status="RUNNING",
        created=asyncio.get_running_loop().time(),
        client_id=hosted.client_id if hosted else uuid.uuid4().hex,
        prompt_id=hosted.prompt_id if hosted else str(uuid.uuid4()),
    )
    if not order.verdict.ok:
        task.status = "FAILED"
        task.error_code, task.error_message = "433", "VALIDATE_PROMPT_FAILED"
        task.ended = task.created
    elif emulator.create_seconds > 0:
        task.status = "CREATE"
    elif emulator.queue_seconds > 0 or emulator.is_full(order.key):
        task.status = "QUEUED"
    emulator.tasks[task.id] = task
    emulator.counters.orders += 1
    if not task.is_over:
        if task.status == "RUNNING":
            task.started = task.created
        task.runner = asyncio.create_task(live(emulator, task))
    return task


async def live(emulator: Emulator, task: Task) -> None:
    """Take a task from where it is to its end."""
    clock = asyncio.get_running_loop().time
    stop = threading.Event()
    try:
        if task.started is None:
            await _wait_for_machine(emulator, task)
            task.started = clock()
        task.status = "RUNNING"
        await _run(emulator, task, stop)
    except asyncio.CancelledError:
        stop.set()
        if task.ending:
            raise
        task.status = "CANCEL"
        task.progress.interrupted(task)
    finally:
        if task.order.hosted:
            await task.order.hosted.close()
    task.ended = clock()
    _bill(emulator, task)
    task.progress.close()
    if task.order.webhook_url:
        emulator.spawn(deliver(emulator, task, task.order.webhook_url))


async def _wait_for_machine(emulator: Emulator, task: Task) -> None:
    if task.status == "CREATE":
        await asyncio.sleep(emulator.create_seconds)
        task.status = "QUEUED"
    await asyncio.sleep(emulator.queue_seconds)
    while emulator.is_full(task.key, besides=task):  # noqa: ASYNC110 - see there
        await asyncio.sleep(LOOK_SECONDS)


async def _run(emulator: Emulator, task: Task, stop: threading.Event) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    until = began + emulator.run_seconds
    fail = emulator.take_failure()
    if task.order.hosted:
        outcome = await _watch(task, task.order.hosted)
        _named(task, outcome)
    else:
        task.progress.begin(task, cached=emulator.warm_nodes(task))
        outcome = await _compute(emulator, task, stop, fail)
        _named(task, outcome)
        await task.progress.play(task, outcome, until=until, knobs=emulator)
        await asyncio.sleep(max(0.0, until - clock()))
    if outcome.failure or (fail and "error_code" in fail):
        _fail(emulator, task, outcome, fail or {})
        return
    _keep_results(emulator, task, outcome)
    emulator.warm.add(task.workflow_id)
    task.status = "SUCCESS"
    task.progress.succeeded(task)


async def _watch(task: Task, hosted: Hosted) -> Outcome:
    """The end of a prompt on a real ComfyUI; its absence ends the task like a broken machine."""
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
    emulator: Emulator, task: Task, stop: threading.Event, fail: dict[str, Any] | None
) -> Outcome:
    if fail and "error_code" in fail:
        return Outcome()
    metadata = json.dumps(task.graph, sort_keys=True) if task.order.add_metadata else None
    bench = Bench(emulator.store.read_input, emulator.store.read_url, metadata)
    outputs = task.order.verdict.outputs
    try:
        return await asyncio.to_thread(interpret, task.graph, outputs, bench, stop=stop, fail=fail)
    except Stopped:
        return Outcome()


def _fail(emulator: Emulator, task: Task, outcome: Outcome, fail: dict[str, Any]) -> None:
    task.status = "FAILED"
    task.failed_reason = outcome.failure
    if "error_code" in fail:
        task.error_code = str(fail["error_code"])
        task.error_message = str(fail.get("error_message", "unknown error"))
    else:
        task.error_code = emulator.failed_code
        known = {"805": "APIKEY_TASK_STATUS_ERROR", "1000": "unknown error"}
        task.error_message = known[emulator.failed_code]
    if not task.order.hosted:
        task.progress.failed(task)


def _named(task: Task, outcome: Outcome) -> None:
    """Give each file a name as the service does: prefix, counter, five letters, time."""
    counts: dict[str, int] = {}
    rng = Random(task.id)  # noqa: S311 - part of a file name, no secret
    for index, product in enumerate(outcome.products):
        if product.data is None:
            continue
        number = counts[product.prefix] = counts.get(product.prefix, 0) + 1
        mark = "".join(rng.choices(string.ascii_lowercase, k=5))
        name = f"{product.prefix}_{number:05}_{mark}_{int(time.time())}.{product.extension}"
        outcome.products[index] = replace(product, name=name)


def _keep_results(emulator: Emulator, task: Task, outcome: Outcome) -> None:
    if emulator.no_outputs:
        return
    user = emulator.accounts[task.key].user_id
    for product in outcome.products:
        if product.temporary and not emulator.preview_results:
            continue
        stored = None
        if product.data is not None:
            stored = emulator.store.put_result(
                product.name, product.data, user=user, ttl=emulator.result_ttl
            )
        task.results.append(Result(product.node_id, product.extension, stored, product.text))


def _bill(emulator: Emulator, task: Task) -> None:
    """A failed task costs nothing unless a knob says so: sources disagree. A stopped one does.

    The time that a machine is retained afterwards is billed as well.
    """
    ran = task.started is not None
    if ran and (task.status != "FAILED" or emulator.bill_failed):
        account = emulator.accounts[task.key]
        seconds = task.seconds + (task.order.retain_seconds or 0)
        task.coins, task.money = account.charge(seconds, task.order.machine)
