"""The sandbox: what is said of its orders speaks of nothing that is paid."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import catalog
from rh_api.texts import ENGLISH
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted_without_account

SAMPLE = catalog.TEXT_OUT
INVERT = type(
    "ImageInvert",
    (),
    {
        "RETURN_TYPES": ("IMAGE",),
        "INPUT_TYPES": staticmethod(lambda: {"required": {"image": ("IMAGE",)}}),
    },
)


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(tmp_path, monkeypatch, {"ImageInvert": INVERT}) as host:
        await host.post("sandbox", on=True)
        yield host


def client() -> Any:
    settings = load_pack("nodes.runtime.config").settings("sandbox")
    return load_pack("nodes.runtime.cloud").client(settings)


def job(**options: Any) -> Any:
    return load_pack("rh_api.client").Job(**options)


@pytest.mark.parametrize(
    "key",
    [
        "node.batch_many",
        "node.stopped_too_late",
        "node.all_too_late",
        "node.shared",
        "node.orders_shared",
        "segment.each_turn",
        "segment.nothing_made",
        "segment.orders_many",
    ],
)
def test_what_any_order_may_show_is_true_of_its_orders_too(key: str) -> None:
    words = re.findall(r"[a-z]+", ENGLISH[key].lower())
    assert not {"paid", "pay", "cost", "costs", "money", "billed"} & {*words}


async def test_a_task_that_failed_cost_nothing(host: Host) -> None:
    with pytest.raises(load_pack("rh_api.errors").RunningHubError) as failed:
        await client().run(job(workflow=catalog.NO_OUTPUT_FILES))
    assert "It cost nothing." in str(failed.value)


async def test_stop_ends_a_models_task_at_no_cost(host: Host) -> None:
    reports: list[Any] = []
    has_task = asyncio.Event()
    settings = load_pack("nodes.runtime.config").settings("sandbox")
    model = job(model="rhart-image-n-pro/text-to-image", fields={"prompt": "a fox"})
    async with load_pack("rh_api.client").Client(settings, stopped=reports.append) as client:
        watch = lambda news: has_task.set() if news.params.get("task_id") else None  # noqa: E731
        running = asyncio.ensure_future(client.run(model, watch))
        await has_task.wait()
        running.cancel()
        await asyncio.wait((running,))
    line = load_pack("nodes.runtime.node_outcomes").stop_line(reports)["en"]
    assert line == "stopped · cancelled in the cloud · nothing was paid"


async def test_a_limit_of_cost_does_not_hold_for_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNINGHUB_MAX_COST_ORDER", "1 coin")
    outcome = await client().run(job(workflow=SAMPLE))
    assert outcome.results


async def test_an_order_of_an_earlier_start_runs_again(host: Host) -> None:
    await client().run(job(workflow=SAMPLE))
    await host.post("sandbox", on=False)
    await host.post("sandbox", on=True)
    (order,) = (await host.post("history"))["orders"]
    assert order["profile"] == "sandbox"
    assert (await host.post("history/order", order=order["order"]))["link"] == ""
    assert (await host.post("history/again", order=order["order"], request="1"))["task_id"]
    await client().run(job(workflow=SAMPLE))  # joins it


async def test_nothing_is_spent_in_it_and_nothing_is_left(host: Host) -> None:
    await client().run(job(workflow=SAMPLE))
    spend = await host.post("spend", profile="sandbox")
    assert (spend["all"]["orders"], spend["all"]["coins"], spend["all"]["untold"]) == (1, "0", 0)
    assert spend["balance"] == ""


async def test_a_marked_parts_explanation_says_that_nothing_is_paid(host: Host) -> None:
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    marks = {"runninghub": {"segments": [{"nodes": ["2"], "profile": "sandbox"}]}}
    explained = await host.post("explain", prompt=prompt, extra_data=marks)
    (segment,) = explained["segments"]
    assert segment["quote"]["text"] == "nothing is paid: it runs in the sandbox"
