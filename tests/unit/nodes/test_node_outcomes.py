"""What a node says of a run that is over, to the page that saw it and to later ones."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import localcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rh_api.client import Outcome, Stopped
from rh_api.wire.orders import Tips
from rh_api.wire.tasks import Usage
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted(tmp_path, monkeypatch) as host:
        yield host


@pytest.mark.parametrize(
    ("stopped", "english"),
    [
        (
            Stopped("7", confirmed=True, usage=Usage(coins="3")),
            "stopped · cancelled in the cloud · 3 coins",
        ),
        (Stopped("7", confirmed=True), "stopped · cancelled in the cloud · cost not known"),
        (
            Stopped("7", confirmed=True, too_late=True, usage=Usage(money="0.5")),
            "stopped too late: the task was over; run the same inputs and seed within a day to "
            "get its results free, unless reroll_seeds is on · paid 0.5 of the wallet",
        ),
        (
            Stopped("7", confirmed=False),
            "stopped · not confirmed: the task may run and cost money; "
            "it is cancelled again once RunningHub answers",
        ),
        (
            Stopped("7", confirmed=False, is_recorded=False),
            "stopped · not confirmed, and the disk is too full to note it for the next start: "
            "task 7 may run and cost money; stop it with the command RunningHub: tasks, or on the site",
        ),
        (
            Stopped("", confirmed=False, order=5),
            "stopped · no task id came back: order 5 may run and cost money; look at the call records "
            "on the site, then settle it with the command RunningHub: tasks",
        ),
        (
            Stopped("7", confirmed=False, goes_on=True),
            "stopped waiting · RunningHub does not stop this task: it goes on and costs money; "
            "run the same inputs and seed within a day to get its result without paying again",
        ),
    ],
)
def test_it_says_whether_the_task_runs_on_and_what_it_cost(
    host: Host, stopped: Stopped, english: str
) -> None:
    line = load_pack("nodes.runtime.node_outcomes").stop_line([stopped])
    assert line["en"] == english
    assert line["zh"] != english


def test_of_several_tasks_each_end_is_told_and_all_that_they_cost(host: Host) -> None:
    stop_line = load_pack("nodes.runtime.node_outcomes").stop_line
    late = [Stopped(n, confirmed=True, too_late=True, usage=Usage(coins="3")) for n in "123"]
    goes_on = [Stopped(n, confirmed=False, goes_on=True) for n in "45"]
    line = stop_line([late[0], goes_on[0], *late[1:], goes_on[1]])
    assert line["en"] == (
        "2 of 5 tasks: RunningHub does not stop them, they go on and cost money; run the same inputs "
        "and seeds within a day to get their results without paying again · 3 of 5 tasks: over already; "
        "run the same inputs and seeds within a day to get their results free, "
        "unless reroll_seeds is on · 9 coins"
    )
    assert line["zh"].endswith("9 RH币")
    assert stop_line(goes_on)["en"].startswith("2 of 2 tasks: RunningHub does not stop them")


async def test_the_end_of_an_order_that_was_settled_takes_the_place_of_its_question(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    queue = SimpleNamespace(currently_running=RUNNING)
    page = SimpleNamespace(send_sync=lambda *event: sent.append(event[1]), prompt_queue=queue)
    sys.modules["server"].PromptServer.instance = page
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "a" * 32)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", "http://127.0.0.1:9")
    ends = load_pack("nodes.runtime.node_outcomes")
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())
    for order in (5, 6):
        ends.remember_place(order, ends.place_of("3", "a prompt", "a page"))
    await ends.publish_stopped(client, Stopped("7", confirmed=True, order=5))
    await ends.publish_stopped(client, Stopped("", confirmed=False, order=6))
    assert (sent[-1]["state"], sent[-1]["unsure"], sent[-1]["order"]) == ("unsure", [], 6)
    assert sent[-1]["line"]["en"].startswith("1 of 2 orders: no task id came back")
    await ends.publish_stopped(client, Stopped("8", confirmed=True, order=6, from_before=True))
    assert (sent[-1]["state"], sent[-1]["order"]) == ("stopped", 0)
    assert sent[-1]["line"]["en"].startswith("2 of 2 tasks: cancelled in the cloud")


def test_money_is_told_with_its_currency_in_each_language(host: Host) -> None:
    paid = Stopped("7", confirmed=True, usage=Usage(money="0.50", third_party_money="0.750"))
    line = load_pack("nodes.runtime.node_outcomes").stop_line([paid], "CNY")
    assert line["en"].endswith(" · paid 0.5 CNY · 0.75 CNY for third-party models")
    assert line["zh"].endswith(" · 花费 0.5 元 · 第三方模型 0.75 元")
    line = load_pack("nodes.runtime.node_outcomes").stop_line([paid])
    assert line["en"].endswith(" · 0.75 of the wallet for third-party models")


def test_what_tasks_cost_is_exact_whatever_other_packs_round(host: Host) -> None:
    paid = [Stopped(n, confirmed=True, usage=Usage(coins="1234")) for n in "12"]
    with localcontext() as context:
        context.prec = 2
        line = load_pack("nodes.runtime.node_outcomes").stop_line(paid)
    assert line["en"].endswith(" · 2468 coins")


def test_orders_whose_results_are_not_read_any_more_were_paid_once(host: Host) -> None:
    stopped = load_pack("nodes.runtime.node_outcomes").End.stopped_while_decoding
    paid = Outcome("7", (), Usage(coins="3"), Tips(), 1.0)
    kept = replace(paid, task_id="8", kept=True)
    end = stopped([paid, kept], "")
    assert (end.state, end.line["en"]) == (
        "stopped",
        "stopped too late: the task was over; run the same inputs and seed within a day to get its "
        "results free, unless reroll_seeds is on · 3 coins",
    )
    sentence = "nothing was paid: kept from an identical order"
    assert stopped([kept], "").line["en"] == sentence


RUNNING = {
    0: [
        1.0,
        "a prompt",
        {"3": {"class_type": "RunningHubRemoteWorkflow", "inputs": {"workflow": "77"}}},
        {"extra_pnginfo": {"workflow": {"id": "a graph"}}},
        ["3"],
    ]
}


async def test_the_page_that_ran_it_is_told_once_and_later_ones_ask(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any], str | None]] = []
    queue = SimpleNamespace(currently_running=RUNNING)
    page = SimpleNamespace(send_sync=lambda *event: sent.append(event), prompt_queue=queue)
    sys.modules["server"].PromptServer.instance = page
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "a" * 32)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", "http://127.0.0.1:9")
    ends = load_pack("nodes.runtime.node_outcomes")
    client = load_pack("nodes.runtime.cloud").client(load_pack("nodes.runtime.config").settings())
    place = ends.place_of("3", "a prompt", "a page")
    ends.remember_place("7", place)
    ends.remember_place(None, place)
    for task_id in ("7", "7", "8", ""):
        await ends.publish_stopped(client, Stopped(task_id, confirmed=True))
    ((event, news, client_id),) = sent
    assert (event, news["node"], news["state"]) == ("runninghub.ended", "3", "stopped")
    assert client_id == "a page"
    (node, end), *others = (await host.post("ends", graph="a graph"))["ends"].items()
    assert not others
    assert (node, end["state"], end["line"]) == ("3", "stopped", news["line"])
    assert (end["class_type"], end["program"]) == ("RunningHubRemoteWorkflow", "77")
    assert (await host.post("ends", graph="another"))["ends"] == {}
    # A profile that was removed since, of one of its nodes.
    assert (await host.post("ends", graph="a graph", profile="gone"))["ends"] == {node: end}


@pytest.mark.parametrize("beside", [{"workflow": '{"id": "a graph"}'}, {"workflow": [1]}, [], None])
def test_a_node_runs_whatever_a_client_sends_for_the_canvas(host: Host, beside: object) -> None:
    job = [*RUNNING[0]]
    job[3] = {"extra_pnginfo": beside}
    queue = SimpleNamespace(currently_running={0: job})
    sys.modules["server"].PromptServer.instance = SimpleNamespace(prompt_queue=queue)
    place = load_pack("nodes.runtime.node_outcomes").place_of("3", "a prompt", None)
    assert (place.graph, place.program) == ("", "77")


async def test_without_an_account_nothing_ended(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RUNNINGHUB_API_KEY", "RH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert await host.post("ends", graph="a graph") == {"ends": {}}
