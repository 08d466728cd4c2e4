"""`doctor --paid`: two orders of a workflow, within a sum, and what they tell."""

from __future__ import annotations

import _thread
import json
import re
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault
from rh_api.emulator.catalog import TEXT_TO_IMAGE
from rh_api.emulator.knobs import Socket
from tests.support.jobs import painting_small
from tests.support.service import CREATE, Meanwhile

from .conftest import Call, Ran
from .test_doctor import others, verdicts
from .test_history import Tty

PAID = ("doctor", "--json", "--workflow", TEXT_TO_IMAGE, "--paid", "5 coins")


@pytest.fixture
def emulator() -> Emulator:
    return painting_small(Emulator(run_seconds=2))


def test_two_orders_are_followed_and_cancelled_and_are_in_the_history(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    ran = call(*PAID, "--report", str(tmp_path / "report.json"))

    told = verdicts(ran)
    assert (ran.code, others(ran)) == (0, []), ran.err
    rows = ("prompt-tips", "result-node", "cancelled-status", "lists", "ends", "stop", "socket")
    assert {told[row] for row in rows} == {"as_assumed"}
    assert (emulator.counters.orders, emulator.counters.cancels) == (2, 1)
    orders = call("history", "--json").document["orders"]
    assert sorted(order["state"] for order in orders) == ["cancelled", "done"]
    assert "ordered twice, within" in ran.err
    coins = [re.search(r"(\d+) coins?$", seen(ran, row)) for row in ("ends", "stop")]
    assert [int(paid[1]) for paid in coins if paid] == [
        int(order["cost"]["coins"])
        for order in sorted(orders, key=lambda order: order["state"] != "done")
    ]
    written = (tmp_path / "report.json").read_text()
    paths = [exchange["path"] for exchange in json.loads(written)["exchanges"]]
    assert {"/openapi/v2/query", "/task/openapi/outputs"} <= set(paths)
    assert [task for task in emulator.tasks if task in written] == []


@pytest.mark.parametrize(
    ("knob", "reading", "row"),
    [
        ("blank_prompt_tips", True, "prompt-tips"),
        ("outputs_node_id", False, "result-node"),
        ("cancelled_status", "FAILED", "cancelled-status"),
    ],
)
def test_another_reading_is_told_on_its_row_alone(
    call: Call, emulator: Emulator, knob: str, reading: object, row: str
) -> None:
    setattr(emulator, knob, reading)

    ran = call(*PAID)

    assert (ran.code, others(ran)) == (6, [row]), ran.err


def seen(ran: Ran, row: str) -> str:
    return str(next(f["seen"] for f in ran.document["findings"] if f["id"] == row))


def test_the_progress_socket_is_heard_beside_both_polls(call: Call, emulator: Emulator) -> None:
    emulator.result_lag = 3

    ran = call(*PAID)

    assert (ran.code, others(ran)) == (0, []), ran.err
    told = re.search(r"socket after ([\d.]+)", seen(ran, "ends"))
    polled = re.search(r"V2 told the end after ([\d.]+)", seen(ran, "ends"))
    assert told
    assert polled
    assert float(told[1]) < float(polled[1])
    assert "executing" in seen(ran, "socket")
    assert "execution_success" in seen(ran, "socket")


@pytest.mark.parametrize(
    ("socket", "words"),
    [
        ("none", "named no progress socket"),
        ("refused", "403"),
        ("dying", "did not tell the end"),
        ("lying", "unknown_future"),
    ],
)
def test_a_progress_socket_unlike_the_documents_is_told_on_its_row_alone(
    call: Call, emulator: Emulator, socket: Socket, words: str
) -> None:
    emulator.socket = socket

    ran = call(*PAID)

    assert (ran.code, others(ran)) == (6, ["socket"]), ran.err
    assert words in seen(ran, "socket")


def test_a_task_that_ends_before_it_is_seen_running_tells_nothing_of_its_socket(
    call: Call, emulator: Emulator
) -> None:
    emulator.queue_seconds, emulator.run_seconds = 1, 0  # queued at a poll, over at the next

    assert verdicts(call(*PAID))["socket"] == "not_told"


def test_the_second_order_is_not_placed_where_the_first_one_took_the_sum(
    call: Call, emulator: Emulator
) -> None:
    ran = call("doctor", "--json", "--workflow", TEXT_TO_IMAGE, "--paid", "2 coins")

    assert emulator.counters.orders == 1
    assert verdicts(ran)["prompt-tips"] == "as_assumed"
    assert verdicts(ran)["cancelled-status"] == verdicts(ran)["stop"] == "not_told"


def test_a_sum_that_is_too_small_is_refused_by_the_option_that_named_it(
    call: Call, emulator: Emulator
) -> None:
    ran = call("doctor", "--json", "--workflow", TEXT_TO_IMAGE, "--paid", "0.01 coins")

    assert emulator.counters.orders == 0
    assert "--paid" in seen(ran, "prompt-tips")
    assert "--max-cost" not in seen(ran, "prompt-tips")
    assert seen(ran, "stop") == "not asked, for the same reason"


def test_without_a_workflow_nothing_is_asked(call: Call, emulator: Emulator) -> None:
    ran = call("doctor", "--paid", "5 coins")

    assert ran.code == 2
    assert "--workflow" in ran.err
    assert not emulator.journal


def test_ctrl_c_cancels_what_it_ordered(call: Call, emulator: Emulator) -> None:
    emulator.run_seconds = 600
    emulator.faults.append(Meanwhile("/ws/c_instance", _thread.interrupt_main))

    ran = call(*PAID)

    assert ran.code == 130
    assert (emulator.counters.orders, emulator.counters.cancels) == (1, 1)


def test_a_lost_reply_is_a_question_and_no_second_order(call: Call, emulator: Emulator) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))

    ran = call(*PAID)

    assert ran.code == 3
    assert emulator.counters.orders == 1
    assert "--order" in ran.err + ran.out


def test_at_a_terminal_it_asks_before_it_orders(
    call: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Tty("n\n"))

    ran = call("doctor", "--workflow", TEXT_TO_IMAGE, "--paid", "5 coins")

    assert "is ordered twice, within 5 coins in all" in ran.err
    assert emulator.counters.orders == 0
