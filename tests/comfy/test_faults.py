"""A tenth of the fault table, and kills, through the nodes in a real ComfyUI."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import Fate
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import loaded, mark, pixels, remote
from tests.comfy.server import Server, running
from tests.comfy.test_running import is_running
from tests.faults.cells import TABLE, Expect
from tests.support.graphs import node
from tests.support.waiting import until

pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]

UPLOAD = "/openapi/v2/media/upload/binary"
CREATE = "/task/openapi/create"
QUERY = "/openapi/v2/query"
RESULTS = "/results/"
PUT = "/api-lora-cn/"
CANCEL = "/task/openapi/cancel"
PATHS = {
    "upload": UPLOAD,
    "create": CREATE,
    "follow": QUERY,
    "download": RESULTS,
    "lora put": PUT,
    "cancel": CANCEL,
}
KINDS: dict[str, tuple[Any, Any]] = {
    "reset after send": ("lost_reply", None),
    "429": ("retry_after", 1),
    "HTTP 500": ("status", 500),
    "502 HTML": ("html", 502),
    "truncated": ("truncated", 0.3),
    "wrong types": ("wrong_types", None),
    "redirect": ("redirect", "https://elsewhere.example/x"),
}
ONCE, LASTING = 1, None
CELLS = (
    ("upload", "reset after send", ONCE),
    ("upload", "502 HTML", ONCE),
    ("upload", "wrong types", ONCE),
    ("upload", "redirect", ONCE),
    ("create", "reset after send", ONCE),
    ("create", "429", ONCE),
    ("create", "HTTP 500", ONCE),
    ("create", "truncated", LASTING),
    ("create", "wrong types", ONCE),
    ("follow", "reset after send", ONCE),
    ("follow", "502 HTML", ONCE),
    ("follow", "truncated", ONCE),
    ("follow", "wrong types", ONCE),
    ("download", "reset after send", ONCE),
    ("download", "502 HTML", ONCE),
    ("download", "truncated", ONCE),
    ("download", "redirect", ONCE),
    ("lora put", "HTTP 500", ONCE),
    ("cancel", "HTTP 500", ONCE),
    ("cancel", "reset after send", ONCE),
)


def fault_of(operation: str, fault: str, count: int | None) -> Fault:
    kind, value = KINDS[fault]
    status = 307 if kind == "redirect" else None
    return Fault(PATHS[operation], kind, value=value, count=count, status=status)


async def prompt_of(operation: str, comfyui: ComfyClient, server: Server) -> dict[str, Any]:
    if operation == "upload":
        picture = await loaded(comfyui, pixels((16, 8)))
        return {"1": remote(catalog.INVERT, {"10.image": ["2", 0]}), "2": picture}
    if operation == "lora put":
        name = f"style_{mark()}.safetensors"
        (server.base / "models/loras" / name).write_bytes(os.urandom(5000))
        return {"1": node("RHLoraUploader", lora=name)}
    return {"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})}


@pytest.mark.parametrize(
    ("operation", "fault", "count"),
    [
        pytest.param(*cell, id=f"{cell[0]}-{cell[1]}-{'once' if cell[2] else 'lasting'}")
        for cell in CELLS
        if cell[0] != "cancel"
    ],
)
async def test_a_fault_ends_as_the_table_says(
    comfyui: ComfyClient,
    emulator: Emulator,
    server: Server,
    operation: str,
    fault: str,
    count: int | None,
) -> None:
    expect = TABLE[operation][fault][0 if count else 1]
    prompt = await prompt_of(operation, comfyui, server)
    orders = 0 if operation == "lora put" else expect.orders
    emulator.faults.append(fault_of(operation, fault, count))
    first = await comfyui.queue(prompt)

    assert emulator.faults[0].struck
    assert first.outcome == ("success" if expect.ended == "done" else "error")
    assert emulator.counters.orders == orders
    if expect.ended != "done":
        message = first.failure["exception_message"]
        assert emulator.default_key not in str(first)
        assert "Traceback" not in message
        if expect.fate in (Fate.RUNNING, Fate.OVER):
            (task_id,) = emulator.tasks
            assert task_id in message
    emulator.faults.clear()
    again = await comfyui.queue(prompt)
    assert again.outcome == ("success" if expect.again == "done" else "error")
    if operation != "lora put":
        assert emulator.counters.orders == expect.orders + expect.more


@pytest.mark.parametrize(
    ("fault", "count"), [(fault, count) for name, fault, count in CELLS if name == "cancel"]
)
async def test_a_stop_with_a_fault_ends_as_the_table_says(
    comfyui: ComfyClient, emulator: Emulator, server: Server, fault: str, count: int | None
) -> None:
    expect: Expect = TABLE["cancel"][fault][0 if count else 1]
    assert expect.ended == "confirmed"
    emulator.run_seconds = 60
    queued = await comfyui.submit(await prompt_of("cancel", comfyui, server))
    await until(lambda: is_running(emulator), 10)
    emulator.faults.append(fault_of("cancel", fault, count))
    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)

    assert result.outcome == "interrupted"
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 10)
    assert emulator.faults[0].struck


async def test_a_cancel_that_is_never_heard_is_listed_as_that(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    emulator.run_seconds = 60
    queued = await comfyui.submit(await prompt_of("cancel", comfyui, server))
    await until(lambda: is_running(emulator), 10)
    emulator.faults.append(fault_of("cancel", "HTTP 500", LASTING))
    await comfyui.interrupt(queued.prompt_id)
    await comfyui.finish(queued)
    (task_id,) = emulator.tasks
    await until(lambda: emulator.faults[0].struck >= 3, 30)

    (order,) = await open_orders(comfyui, task_id)
    assert order["cancelling"]
    assert not order["from_before"]
    assert emulator.tasks[task_id].status == "RUNNING"


async def open_orders(comfyui: ComfyClient, *task_ids: str) -> list[dict[str, Any]]:
    listed = (await comfyui.get("/runninghub/tasks"))["tasks"]
    return [order for order in listed if order["task_id"] in task_ids]


# The end of the process


def environment(emulator: Emulator) -> dict[str, str]:
    return {
        "RUNNINGHUB_BASE_URL": emulator.base_url,
        "RUNNINGHUB_API_KEY": emulator.default_key,
    }


async def cut_short(base: Path, emulator: Emulator, prompt: dict[str, Any], how: int) -> None:
    """A ComfyUI that ends while the tasks of the prompt run."""
    with running(base, environment(emulator)) as server:
        async with ComfyClient(server.url) as comfyui:
            queued = await comfyui.submit(prompt)
            assert queued.status == 200, queued.refusal
            await until(lambda: len(emulator.tasks) == 2 and is_running(emulator), 30)
            await comfyui.event(
                lambda event: (
                    event.type == "progress_text" and "3 running" in str(event.data["text"])
                )
            )
            os.kill(server.pid, how)
            await comfyui.closed()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
async def test_after_an_end_in_the_middle_of_a_batch_the_same_prompt_takes_all_of_it_up(
    emulator: Emulator, tmp_path: Path, how: int
) -> None:
    emulator.hold_at = "10"
    # Three items, of which two are equal: two orders.
    prompt = {
        "1": node("TestHolds", kind="batch", mark=mark()),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
    }
    await cut_short(tmp_path, emulator, prompt, how)
    assert emulator.counters.cancels == 0
    assert len(emulator.open_tasks(emulator.default_key)) == 2

    with running(tmp_path, environment(emulator)) as server:
        async with ComfyClient(server.url) as comfyui:
            unsettled = await open_orders(comfyui, *emulator.tasks)
            assert [order["from_before"] for order in unsettled] == [True] * 2
            emulator.hold_at = None
            result = await comfyui.queue(prompt)
            assert result.outcome == "success"
            assert len(result.outputs["2"]["images"]) == 3
            assert await open_orders(comfyui, *emulator.tasks) == []
    assert emulator.counters.orders == 2
    assert emulator.counters.cancels == 0
