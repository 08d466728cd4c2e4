"""`task`: tasks by their id, and the orders that nobody waits for."""

from __future__ import annotations

import _thread
import asyncio
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path

import pytest

from rh_api.client import Client, Outcome
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.settings import Settings
from tests.client.test_completeness import two_saves
from tests.support.clocks import QuickClock
from tests.support.cloud import order_elsewhere
from tests.support.service import Meanwhile

from .conftest import Call

CANCEL = "/task/openapi/cancel"
CREATE = "/task/openapi/create"


@pytest.fixture
def order(emulator: Emulator, base_url: str) -> Callable[[], str]:
    """Orders a task from elsewhere: the journal here does not know it."""

    return lambda: order_elsewhere(emulator)


@pytest.fixture
def done(order: Callable[[], str], emulator: Emulator) -> str:
    task_id = order()
    while not emulator.tasks[task_id].is_over:
        time.sleep(0.01)
    return task_id


@pytest.fixture
def running(order: Callable[[], str], emulator: Emulator) -> str:
    emulator.run_seconds = 600
    return order()


def test_a_finished_task_shows_cost_results_and_its_page(
    call: Call, emulator: Emulator, done: str
) -> None:
    document = call("task", done, "--json").document

    (result,) = document.pop("results")
    assert result["node_id"] == "9"
    assert result["url"].startswith(emulator.base_url)
    task = emulator.tasks[done]  # a busy machine runs it for longer than it has to
    assert document == {
        "task_id": done,
        "state": "success",
        "seconds": str(ceil(task.seconds)),
        "cost": {"coins": str(task.coins), "money": None, "third_party_money": None},
        "failure": None,
        "link": f"{emulator.base_url}/call-api/call-record-detail/{done}",
    }


def test_a_task_is_readable_for_people(call: Call, done: str) -> None:
    lines = [line.split() for line in call("task", done).out.splitlines()]

    assert ["state", "success"] in lines
    assert ["cost", "1", "coin"] in lines
    assert lines[-1][0] == "9"
    assert lines[-1][1].endswith(".png")


def test_the_results_are_fetched_into_the_folder(call: Call, done: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ran = call("task", done, "--fetch", "--out", str(folder), "--json")

    assert ran.code == 0, ran.err
    path = folder / f"{done}_9_1.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [result["path"] for result in ran.document["results"]] == [str(path)]
    assert ran.document["task_id"] == done
    assert list(folder.iterdir()) == [path]


def test_what_was_ordered_here_is_fetched_without_the_service(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    task_id = ran.document["task_id"]
    emulator.tasks.clear()

    assert call("task", task_id, "--fetch", "--out", str(tmp_path)).code == 0
    assert (tmp_path / f"{task_id}_9_1.png").exists()


def test_a_list_in_part_is_told_and_completed_by_a_later_fetch(
    call: Call, emulator: Emulator, variables: dict[str, str], tmp_path: Path
) -> None:
    async def order() -> Outcome:
        """By a clock that hurries: a list in part is waited for."""
        async with Client(Settings.from_mapping(variables), clock=QuickClock(50)) as client:
            return await client.run(two_saves())

    emulator.missing_address = "null"
    first = asyncio.run(order())
    (gone,) = first.missing
    argv = ("task", first.task_id, "--fetch", "--json", "--out")
    in_part = call(*argv, str(tmp_path / "one"))
    assert (in_part.code, len(in_part.document["results"])) == (0, 1)
    assert f"listed no result of node {gone}" in in_part.err

    emulator.missing_address = None
    whole = call(*argv, str(tmp_path / "both"))
    assert {result["node_id"] for result in whole.document["results"]} == {"2", "3"}
    assert "listed no result" not in whole.err
    assert emulator.counters.orders == 1


def test_a_running_task_is_shown_and_not_fetched(
    call: Call, emulator: Emulator, running: str, tmp_path: Path
) -> None:
    shown = call("task", running, "--json").document
    ran = call("task", running, "--fetch", "--out", str(tmp_path), "--json")

    assert (shown["state"], shown["results"]) == ("running", [])
    assert ran.code == 3
    assert ran.document["error"]["fate"] == "running"
    assert running in ran.err
    assert emulator.counters.cancels == 0


def test_a_running_task_is_cancelled_and_that_was_seen(
    call: Call, emulator: Emulator, running: str
) -> None:
    ran = call("task", running, "--cancel", "--json")

    assert ran.code == 0, ran.err
    assert ran.document["state"] == "cancelled"
    assert emulator.tasks[running].status == "CANCEL"
    assert emulator.counters.cancels == 1


def test_a_cancel_that_nobody_confirms_ends_with_3(
    call: Call, emulator: Emulator, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rh_api.run.cancellation.CONFIRM", (0.0, 0.1))  # instead of ten seconds
    emulator.faults.append(Fault(CANCEL, "code", value=500, count=None))
    ran = call("task", running, "--cancel", "--json")

    assert ran.code == 3
    assert ran.document["error"]["task_id"] == running
    assert ran.document["error"]["fate"] == "running"
    assert "did not confirm" in ran.err


def test_ctrl_c_while_a_cancel_hangs_does_not_deny_the_task(
    call: Call, emulator: Emulator, running: str
) -> None:
    emulator.faults.append(Meanwhile(CANCEL, _thread.interrupt_main))
    emulator.faults.append(Fault(CANCEL, "hang", value="before"))
    ran = call("task", running, "--cancel", "--json")

    assert ran.code == 130
    assert "did not confirm" in ran.err
    assert "Nothing was started" not in ran.err
    assert ran.document["error"]["task_id"] == running
    assert ran.document["error"]["fate"] == "running"


def test_a_task_that_is_over_needs_no_cancel(call: Call, emulator: Emulator, done: str) -> None:
    ran = call("task", done, "--cancel")

    assert ran.code == 0
    assert "over already" in ran.err
    assert emulator.counters.cancels == 0


def test_a_failed_task_is_shown_with_its_reason_and_is_no_result(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
    task_id = next(iter(emulator.tasks))

    shown = call("task", task_id, "--json")
    fetched = call("task", task_id, "--fetch", "--out", str(tmp_path))

    assert shown.code == 0
    assert shown.document["state"] == "failed"
    assert "out of memory" in shown.document["failure"]["message"]
    assert fetched.code == 1
    assert "KSampler" in fetched.err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("task",), 2, "TASK"),
        (("task", ""), 2, "is not a task id"),
        (("task", "../../etc"), 2, "is not a task id"),
        (("task", "1", "--out", "."), 2, "--fetch"),
        (("task", "1", "--list"), 2, "one of TASK"),
        (("task", "--list", "--fetch"), 2, "need a TASK"),
        (("task", "--order", "1"), 2, "--order needs"),
        (("task", "1", "--not-started"), 2, "need --order"),
        (("task", "--order", "0", "--look"), 2, "whole number"),
        (("task", "--order", "9", "--look"), 2, "no open question"),
        (("task", "--order", "9", "--is", ""), 2, "is not a task id"),
        (("task", "--order", "9", "--is", "1", "--not-started"), 2, "not allowed"),
        (("task", "1", "--cancel", "--fetch"), 2, "not allowed"),
        (("task", "1900000000000000999"), 1, "does not know this task"),
        (("task", "1900000000000000999", "--cancel"), 1, "does not know this task"),
    ],
)
def test_what_cannot_be_meant_is_said(
    call: Call, emulator: Emulator, argv: tuple[str, ...], code: int, words: str
) -> None:
    ran = call(*argv)

    assert ran.code == code
    assert words in ran.err
    assert emulator.counters.cancels == 0


def test_results_that_are_gone_end_with_5(call: Call, emulator: Emulator, done: str) -> None:
    emulator.results.clear()
    ran = call("task", done, "--fetch")

    assert ran.code == 5
    assert done in ran.err


def test_a_running_task_is_followed_to_its_results(
    call: Call, emulator: Emulator, order: Callable[[], str], tmp_path: Path
) -> None:
    emulator.run_seconds = 0.5
    task_id = order()
    ran = call("task", task_id, "--follow", "--out", str(tmp_path / "out"), "--json")

    assert ran.code == 0, ran.err
    assert ran.document["task_id"] == task_id
    assert (tmp_path / "out" / f"{task_id}_9_1.png").exists()


def test_ctrl_c_while_following_leaves_the_task_alone(
    call: Call, emulator: Emulator, running: str, tmp_path: Path
) -> None:
    emulator.faults.append(Meanwhile("/ws/c_instance", _thread.interrupt_main))
    ran = call("task", running, "--follow", "--out", str(tmp_path), "--json")

    assert ran.code == 130
    assert "goes on in the cloud" in ran.err
    assert ran.document["error"]["fate"] == "running"
    assert ran.document["error"]["task_id"] == running
    assert emulator.counters.cancels == 0


# Orders that nobody waits for


@pytest.fixture
def uncertain(call: Call, emulator: Emulator, tmp_path: Path) -> int:
    """The number of an order whose reply was lost; its task is in the emulator."""
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    number = ran.document["error"]["order"]
    assert f"task --order {number} --is TASK" in ran.err
    return number


def test_open_orders_are_listed(call: Call, emulator: Emulator, uncertain: int) -> None:
    ran = call("task", "--list", "--json")

    assert ran.code == 0, ran.err
    (listed,) = ran.document["orders"]
    assert listed.pop("placed_at") == pytest.approx(time.time(), abs=60)
    assert listed == {
        "order": uncertain,
        "task_id": None,
        "state": "uncertain",
        "kind": "workflow",
        "program": catalog.TEXT_TO_IMAGE,
        "uncertain": True,
        "cancelling": False,
        "before": 0,
    }
    assert f"--order {uncertain}" in call("task", "--list").out


def test_without_open_orders_that_is_said(call: Call) -> None:
    assert "There are no open orders" in call("task", "--list").out
    assert call("task", "--list", "--json").document == {"orders": []}


def test_a_look_tells_what_can_be_seen_and_settles_nothing(
    call: Call, emulator: Emulator, uncertain: int
) -> None:
    emulator.run_seconds = 600
    look = call("task", "--order", str(uncertain), "--look", "--json").document

    assert (look["order"], look["before"], look["ours"]) == (uncertain, 0, 0)
    assert "when it was sent: 0" in call("task", "--order", str(uncertain), "--look").out
    assert len(call("task", "--list", "--json").document["orders"]) == 1


def test_an_order_whose_task_was_found_is_taken_up(
    call: Call, emulator: Emulator, uncertain: int, tmp_path: Path
) -> None:
    (task_id,) = emulator.tasks
    answer = call("task", "--order", str(uncertain), "--is", task_id, "--json")
    assert answer.document == {"order": uncertain, "task_id": task_id}
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")

    assert ran.document["task_id"] == task_id
    assert emulator.counters.orders == 1


def test_a_task_that_nobody_knows_settles_nothing(
    call: Call, emulator: Emulator, uncertain: int
) -> None:
    ran = call("task", "--order", str(uncertain), "--is", "1900000000000000999")

    assert ran.code == 1
    assert "does not know this task" in ran.err
    assert call("task", "--list", "--json").document["orders"][0]["uncertain"]


def test_an_order_that_came_to_nothing_is_ordered_when_it_is_run_again(
    call: Call, emulator: Emulator, uncertain: int, tmp_path: Path
) -> None:
    answer = call("task", "--order", str(uncertain), "--not-started", "--json")
    assert answer.document == {"order": uncertain, "task_id": None}
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")

    assert ran.code == 0
    assert emulator.counters.orders == 2  # the person was wrong, and said so


def test_a_task_of_another_workflow_or_order_is_no_answer(
    call: Call, emulator: Emulator, base_url: str, uncertain: int, tmp_path: Path
) -> None:
    (task_id,) = emulator.tasks
    foreign = order_elsewhere(emulator, catalog.TEXT_OUT)
    while not emulator.tasks[foreign].is_over:
        time.sleep(0.01)
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "3.seed=5", "--out", str(tmp_path), "--json")
    ordered = call(*argv).document["task_id"]

    for wrong, words in (
        (foreign, f"does not belong to order {uncertain}"),
        (ordered, "order, number 2"),
    ):
        ran = call("task", "--order", str(uncertain), "--is", wrong)
        assert (ran.code, words in ran.err) == (2, True), ran.err
        assert call("task", "--list", "--json").document["orders"][0]["uncertain"]
    assert call("task", "--order", str(uncertain), "--is", task_id).code == 0


def test_an_answer_is_corrected_while_its_task_is_not_over(
    call: Call, emulator: Emulator, uncertain: int, order: Callable[[], str], tmp_path: Path
) -> None:
    (task_id,) = emulator.tasks
    wrong = order()
    answer = ("task", "--order", str(uncertain))
    assert call(*answer, "--is", wrong).code == 0
    assert call("task", "--list", "--json").document["orders"][0]["task_id"] == wrong
    assert call(*answer, "--is", task_id).code == 0
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    assert ran.document["task_id"] == task_id
    assert "no open question" in call(*answer, "--is", wrong).err  # it is over

    emulator.faults.append(Fault(CREATE, "lost_reply"))
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "3.seed=5", "--out", str(tmp_path), "--json")
    second = ("task", "--order", str(call(*argv).document["error"]["order"]))
    assert call(*second, "--is", wrong).code == 0
    assert call(*second, "--not-started").code == 0
    assert call("task", "--list", "--json").document == {"orders": []}


def spent(call: Call) -> str:
    return call("limits", "--json").document["today"]


@pytest.mark.parametrize("answer", ["is", "not started"])
def test_an_order_that_was_ordered_again_is_no_failure_and_can_be_answered(
    call: Call, emulator: Emulator, tmp_path: Path, answer: str
) -> None:
    call("limits", "--day", "30 coins", "--allow", f"{catalog.TEXT_TO_IMAGE}=3 coins")
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    argv = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    number = str(call(*argv).document["error"]["order"])
    (task_id,) = emulator.tasks
    assert call(*argv, "--again").code == 0
    assert spent(call) == "4 coins"  # 1 was paid, 3 are held

    past = call("history", "--json").document["orders"]
    assert [row["state"] for row in past] == ["done", "uncertain"]
    questions = call("history", "--state", "uncertain", "--json").document["orders"]
    assert [str(question["order"]) for question in questions] == [number]
    assert call("history", "--state", "failed", "--json").document["orders"] == []
    shown = call("history", number)
    assert "an identical one was placed since" in shown.out
    assert f"task --order {number} --look" in shown.err

    if answer == "is":
        assert call("task", "--order", number, "--is", task_id).code == 0
        # Of the two either is served: the first may be seen to be over before it is taken up.
        assert not call(*argv).document["paid"]
        past = call("history", "--json").document["orders"]
        assert [row["state"] for row in past] == ["done", "done"]
        assert spent(call) == "2 coins"
    else:
        assert call("task", "--order", number, "--not-started").code == 0
        assert spent(call) == "1 coin"
    assert emulator.counters.orders == 2
