"""Ctrl-C: the task is cancelled in the cloud, and the person is told what is known."""

from __future__ import annotations

import _thread
import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.accounts import example_key
from tests.support.service import CREATE, Meanwhile

from .conftest import Call, Start, read_until

SLOW_DISK = """
import sys, time

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "rh_api.texts":
            print("reading", file=sys.stderr, flush=True)
            while True:
                time.sleep(0.05)

sys.meta_path.insert(0, Slow())
"""
"""A start that has not read all of its code until a signal comes."""
STUCK_DRIVE = """
import asyncio, os, sys, time

ending = asyncio.BaseEventLoop.shutdown_default_executor

def stuck(part, target):
    print("saving", file=sys.stderr, flush=True)
    time.sleep(600)

async def told(self, *timeout):
    print("ending", file=sys.stderr, flush=True)
    await ending(self, *timeout)

os.link, asyncio.BaseEventLoop.shutdown_default_executor = stuck, told
"""
"""A drive for results that does not answer; and when Python begins to wait for it."""
MODEL = "rhart-image-n-pro/text-to-image"


@pytest.fixture(autouse=True)
def heard() -> None:
    """Begun in the background, or by nohup, tests ignore signals, and so does what they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def slow(emulator: Emulator) -> Emulator:
    emulator.run_seconds = 600
    return emulator


def test_ctrl_c_cancels_the_running_task(call: Call, slow: Emulator, tmp_path: Path) -> None:
    slow.faults.append(Meanwhile("/ws/c_instance", _thread.interrupt_main))
    before = signal.getsignal(signal.SIGINT)
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")

    assert ran.code == 130
    assert slow.counters.cancels == 1
    assert ran.document["error"]["task_id"] == next(iter(slow.tasks))
    assert ran.document["error"]["fate"] == "over"
    assert "cancelled in the cloud" in ran.err
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_the_order_is_on_its_way_cancels_what_comes_of_it(
    call: Call, slow: Emulator, tmp_path: Path
) -> None:
    slow.faults.append(Meanwhile("/task/openapi/create", _thread.interrupt_main))
    slow.faults.append(Fault("/task/openapi/create", "delay", value=1.5))
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))

    assert ran.code == 130
    assert (slow.counters.orders, slow.counters.cancels) == (1, 1)


def test_ctrl_c_after_a_lost_reply_denies_no_order_and_says_how_to_settle_it(
    call: Call, slow: Emulator, tmp_path: Path
) -> None:
    load = "/openapi/v2/queue/status"

    def then() -> None:
        slow.faults += [Meanwhile(load, _thread.interrupt_main), Fault(load, "delay", value=1.5)]

    slow.faults += [Meanwhile(CREATE, then), Fault(CREATE, "lost_reply")]
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    error = ran.document["error"]

    assert ran.code == 130
    assert (error["key"], error["fate"]) == ("cli.stopped_unknown", "unknown")
    assert f"task --order {error['order']} --is TASK" in ran.err
    settled = call("task", "--order", str(error["order"]), "--is", next(iter(slow.tasks)))
    assert settled.code == 0
    assert "it is being cancelled" in settled.out
    assert slow.counters.cancels == 1  # which was what Ctrl-C had asked for


def test_ctrl_c_while_no_reply_comes_says_how_to_settle_the_order(
    call: Call, slow: Emulator, tmp_path: Path
) -> None:
    slow.faults += [Meanwhile(CREATE, _thread.interrupt_main), Fault(CREATE, "lost_reply")]
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
    error = ran.document["error"]

    assert (ran.code, error["key"]) == (130, "cli.stopped_unknown")
    assert f"task --order {error['order']} --is TASK" in ran.err
    listed = call("task", "--list").out
    assert "uncertain" in listed
    assert "cancelling" not in listed  # nothing is, before it has a task


def test_a_model_that_ctrl_c_does_not_stop_in_time_is_told_as_done_and_paid(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 1
    emulator.faults.append(Meanwhile("/openapi/v2/query", _thread.interrupt_main))
    order = ("model", MODEL, "--run", "--set=prompt=a", "--out", str(tmp_path), "--json")
    key = example_key("shared")
    ran = call(*order, RUNNINGHUB_API_KEY=key)
    (task,) = emulator.tasks.values()

    assert ran.code == 130
    assert ran.document["error"]["key"] == "cli.stopped_too_late"
    assert (ran.document["error"]["task_id"], ran.document["error"]["fate"]) == (task.id, "over")
    assert "cancelled" not in ran.document["error"]["message"]
    assert f"{task.third_party_money}" in ran.document["error"]["message"]
    again = call(*order, RUNNINGHUB_API_KEY=key)
    assert (again.code, again.document["task_id"]) == (0, task.id)


def test_a_model_that_ends_while_its_time_limit_stops_it_is_told_as_paid(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 2
    order = ("model", MODEL, "--run", "--set=prompt=a", "--out", str(tmp_path), "--timeout", "1")
    ran = call(*order, RUNNINGHUB_API_KEY=example_key("shared"))
    (task,) = emulator.tasks.values()

    assert ran.code == 1
    assert (
        f"Task {task.id} ended before it could be stopped and cost {task.third_party_money}"
        in ran.err
    )


@pytest.mark.parametrize("by_model", [False, True])
def test_a_time_limit_that_does_not_stop_the_task_says_so(
    call: Call, slow: Emulator, tmp_path: Path, by_model: bool
) -> None:
    slow.faults.append(Fault("/task/openapi/cancel", "status", count=None))
    order = (
        ("model", MODEL, "--run", "--set=prompt=a") if by_model else ("run", catalog.TEXT_TO_IMAGE)
    )
    key = example_key("shared") if by_model else slow.default_key
    ran = call(*order, "--out", str(tmp_path), "--timeout", "1", RUNNINGHUB_API_KEY=key)
    (task,) = slow.tasks

    assert ran.code == 3
    assert f"RunningHub did not confirm that task {task} was cancelled" in ran.err


@pytest.mark.parametrize("option", ["--again", "--reroll-seeds"])
def test_what_a_late_ctrl_c_says_gets_the_results_of_a_new_order_too(
    call: Call, emulator: Emulator, tmp_path: Path, option: str
) -> None:
    results = Fault("/results/", "delay", value=1.5)
    emulator.faults += [Meanwhile("/results/", _thread.interrupt_main), results]
    order = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
    ran = call(*order, option)
    (task,) = emulator.tasks

    assert ran.code == 130
    assert f"`python -m rh_api task {task} --fetch` gets its results without paying" in ran.err
    assert "within a day, unless it has --again or --reroll-seeds" in ran.err
    assert call("task", task, "--fetch", "--out", str(tmp_path)).code == 0
    assert emulator.counters.orders == 1


def test_results_of_new_seeds_that_could_not_be_saved_are_had_by_their_id(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()

    def gone() -> None:
        out.rmdir()
        out.touch()

    emulator.faults.append(Meanwhile("/results/", gone))
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(out), "--reroll-seeds")
    (task,) = emulator.tasks

    assert ran.code == 5
    assert "Run the same" not in ran.err  # which would draw new seeds, and be paid
    assert f"`python -m rh_api task {task} --fetch` saves them" in ran.err
    assert call("task", task, "--fetch", "--out", str(tmp_path)).code == 0
    assert emulator.counters.orders == 1


def test_ctrl_c_while_results_come_does_not_say_that_the_task_goes_on(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    done = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json").document["task_id"]
    results = Fault("/results/", "delay", value=1.5)
    emulator.faults += [Meanwhile("/results/", _thread.interrupt_main), results]
    follow = ("task", done, "--follow", "--out", str(tmp_path))
    ran = call(*follow, RUNNINGHUB_STATE=str(tmp_path / "another"))

    assert ran.code == 130
    assert "The task goes on in the cloud, unless it was over" in ran.err


def test_ctrl_c_before_the_order_starts_nothing(call: Call, slow: Emulator, tmp_path: Path) -> None:
    slow.faults.append(Meanwhile("/api/openapi/getJsonApiFormat", _thread.interrupt_main))
    slow.latency = 30  # a busy machine hears late
    ran = call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))

    assert ran.code == 130
    assert "Nothing was started" in ran.err
    assert "a task in the cloud is being" not in ran.err
    assert slow.counters.orders == 0


def test_ctrl_c_ends_commands_that_order_nothing(call: Call, slow: Emulator) -> None:
    slow.faults.append(Meanwhile("/uc/openapi/accountStatus", _thread.interrupt_main))
    slow.latency = 1.5

    assert call("account").code == 130


def test_a_command_also_runs_where_no_ctrl_c_can_arrive(call: Call) -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(call, "account").result().code == 0


# Windows sends Ctrl-C to every process of a console, the tests included.
if sys.platform != "win32":

    def test_a_real_ctrl_c_ends_a_real_process(
        start: Start, slow: Emulator, tmp_path: Path
    ) -> None:
        process = start("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
        read_until(process, "task ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)

        assert process.returncode == 130
        assert "cancelled in the cloud" in err
        assert "Traceback" not in err
        assert out == ""
        assert slow.counters.cancels == 1

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_what_ends_a_program_stops_the_task(
        start: Start, slow: Emulator, tmp_path: Path, number: signal.Signals
    ) -> None:
        out = str(tmp_path)
        process = start("run", catalog.TEXT_TO_IMAGE, "--out", out, "--json")
        read_until(process, "task ")
        process.send_signal(number)
        read_until(process, "Stopping")
        process.send_signal(number)  # as `timeout` does, to its group
        output, err = process.communicate(timeout=120)

        assert process.returncode == 130
        assert "cancelled in the cloud" in err
        assert json.loads(output)["error"]["task_id"] == next(iter(slow.tasks))
        assert slow.counters.cancels == 1

    def test_what_ends_a_server_of_tools_stops_its_tasks(
        start: Start, slow: Emulator, tmp_path: Path
    ) -> None:
        """Its client still holds the server's input open."""
        begun = threading.Event()
        slow.faults.append(Meanwhile("/ws/c_instance", begun.set))
        argv = ("mcp", "--out", str(tmp_path), "--max-cost", "50 coins")
        process = start(*argv, stdin=subprocess.PIPE)
        assert process.stdin is not None
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        run = {"kind": "workflow", "program": catalog.TEXT_TO_IMAGE, "fields": {"6.text": "a cat"}}
        for message in (
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "run", "arguments": run}},
        ):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
        assert begun.wait(120)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=120) == 130
        assert (slow.counters.orders, slow.counters.cancels) == (1, 1)
        process.communicate()

    def test_what_nohup_has_ignored_stops_nothing(
        start: Start, emulator: Emulator, tmp_path: Path
    ) -> None:
        emulator.run_seconds = 1
        order = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
        process = start(*order, through=("nohup",))
        read_until(process, "task ")
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=120)

        assert process.returncode == 0
        assert emulator.counters.cancels == 0

    def test_a_second_ctrl_c_leaves_at_once(start: Start, slow: Emulator, tmp_path: Path) -> None:
        slow.faults.append(Fault("/task/openapi/cancel", "hang", count=None, value="before"))
        process = start("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
        read_until(process, "task ")
        process.send_signal(signal.SIGINT)
        read_until(process, "Stopping")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)

        assert process.returncode == 130
        (task_id,) = slow.tasks
        assert f"task {task_id} may be running" in err
        assert "task --list" in err

    def test_a_second_ctrl_c_while_a_drive_hangs_denies_no_order(
        start: Start, emulator: Emulator, tmp_path: Path
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text(STUCK_DRIVE)
        order = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path / "out"))
        process = start(*order, path=tmp_path)
        for words in ("saving", "ending"):
            read_until(process, words)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)

        assert process.returncode == 130
        assert next(iter(emulator.tasks)) in err
        assert "Nothing was started" not in err

    def test_ctrl_c_while_the_program_is_read_says_nothing_of_its_code(
        start: Start, tmp_path: Path
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text(SLOW_DISK)
        process = start("account", path=tmp_path)
        read_until(process, "reading")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)

        assert process.returncode == 130
        assert "Traceback" not in err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_stop_is_the_ordinary_end_of_the_emulator(
        start: Start, number: signal.Signals
    ) -> None:
        process = start("emulator", "--port", "0")
        assert process.stdout is not None
        assert "127.0.0.1" in process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=120)

        assert process.returncode == 0
        assert err == "The emulator has ended.\n"
