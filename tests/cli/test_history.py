"""`history` and `spend`: what was ordered on this machine, and what it cost."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.system.state_folders import default_state_folder, register_state_folder

from .conftest import Call


@pytest.fixture
def task(call: Call, tmp_path: Path) -> str:
    """A picture that was painted, and its task."""
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=a fox in snow", "--out", str(tmp_path))
    return call(*argv, "--json").document["task_id"]


def test_orders_are_listed_for_people_and_for_programs(call: Call, task: str) -> None:
    ran = call("history")
    (line,) = ran.out.splitlines()
    assert line.split()[0] == "1"
    assert "done" in line
    assert catalog.TEXT_TO_IMAGE in line
    assert line.endswith("1 image")
    (order,) = call("history", "--json").document["orders"]
    assert (order["order"], order["task_id"], order["state"]) == (1, task, "done")
    assert order["inputs"]["6.text"] == "a fox in snow"
    assert order["cost"] == {
        "coins": "1",
        "money": None,
        "third_party_money": None,
        "currency": None,
    }


def test_looking_back_needs_no_key(call: Call, emulator: Emulator, task: str) -> None:
    asked = emulator.counters.requests.total()
    (order,) = call("history", "--json", RUNNINGHUB_API_KEY="").document["orders"]
    assert order["task_id"] == task
    assert "a fox in snow" in call("history", "1", RUNNINGHUB_API_KEY="").out
    for by in ("day", "program"):
        spent = call("spend", "--by", by, "--json", RUNNINGHUB_API_KEY="").document
        assert (spent["total"]["orders"], spent["total"]["coins"]) == (1, "1")
        assert len(spent["spent"]) == 1
    assert emulator.counters.requests.total() == asked


@pytest.mark.parametrize(
    ("argv", "is_found"),
    [
        (("fox", "SNOW"), True),
        (("fox", "rain"), False),
        (("--state", "done"), True),
        (("--state", "failed", "--state", "cancelled"), False),
        (("--state", "done", "--state", "done"), True),
        (("--since", "1h"), True),
        (("--since", "2100-01-01"), False),
        ((">=1",), True),
        ((">1",), False),
    ],
)
def test_words_and_options_narrow_it(
    call: Call, task: str, argv: tuple[str, ...], is_found: bool
) -> None:
    orders = call("history", *argv, "--json").document["orders"]
    assert [order["task_id"] for order in orders] == ([task] if is_found else [])


def test_one_order_is_shown_by_its_number_and_by_its_task(call: Call, task: str) -> None:
    shown = call("history", "1", "--json").document
    (result,) = shown["results"]
    assert Path(result["path"]).read_bytes().startswith(b"\x89PNG")
    assert shown["link"].endswith(task)
    assert call("history", task, "--json").document == shown
    lines = call("history", "#1").out.splitlines()
    assert any("a fox in snow" in line for line in lines)
    assert any(result["path"] in line for line in lines)


def test_a_failure_is_a_whole_sentence(call: Call, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    call("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=a fox")
    sentence = "The order failed. The history does not keep the details"
    assert call("history", "1", "--json").document["failure"].startswith(sentence)
    assert sentence in call("history", "1").out


def test_a_number_that_names_no_order_is_a_word(call: Call, task: str) -> None:
    assert call("history", "7777", "--json").document == {"orders": [], "before": None}
    assert call("history", "190000", "--json").document["orders"][0]["task_id"] == task


def test_what_is_owed_and_what_is_a_question_name_their_commands(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/results/", "status", count=None, value=403))
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=owed", "--out", str(tmp_path))
    assert call(*argv).code != 0
    ran = call("history", "1")
    task_id = call("history", "1", "--json").document["task_id"]
    assert f"task {task_id} --fetch" in ran.err
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    assert call("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path)).code != 0
    assert "task --order 2 --look" in call("history", "2").err


def test_pages_go_on(call: Call, tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        call("run", catalog.TEXT_TO_IMAGE, "--set", f"6.text={text}", "--out", str(tmp_path))
    first = call("history", "--limit", "2", "--json").document
    second = call("history", "--before", str(first["before"]), "--json").document
    listed = [order["inputs"]["6.text"] for order in first["orders"] + second["orders"]]
    assert listed == ["three", "two", "one"]


@pytest.mark.parametrize("since", ["yesterday", "7", "2026-99-99", "-1d"])
def test_a_time_that_is_none_is_refused(call: Call, since: str) -> None:
    ran = call("history", f"--since={since}")
    assert ran.code == 2
    assert since in ran.err


def test_nothing_yet_says_where_it_looked(call: Call, variables: dict[str, str]) -> None:
    assert variables["RUNNINGHUB_STATE"] in call("history").out
    assert variables["RUNNINGHUB_STATE"] in call("spend").out
    assert call("spend", "--json").document["total"]["orders"] == 0


def test_spend_by_day_and_by_program(call: Call, task: str) -> None:
    document = call("spend", "--json").document
    (day,) = document["spent"]
    assert (day["orders"], day["coins"], day["program"]) == (1, "1", None)
    assert document["total"]["coins"] == "1"
    (program,) = call("spend", "--by", "program", "--json").document["spent"]
    assert (program["program"], program["coins"], program["day"]) == (
        catalog.TEXT_TO_IMAGE,
        "1",
        None,
    )
    lines = call("spend").out.splitlines()
    assert len(lines) == 2
    assert all(line.endswith("1 coin") for line in lines)


def test_spend_as_a_table_for_spreadsheets(call: Call, task: str) -> None:
    (row,) = csv.DictReader(io.StringIO(call("spend", "--by", "program", "--csv").out))
    assert (row["program"], row["orders"], row["coins"]) == (catalog.TEXT_TO_IMAGE, "1", "1")


def test_an_order_whose_reply_was_lost_is_unknown_and_not_failed(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    call("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=x", "--out", str(tmp_path))
    ran, listed = call("history", "1"), call("history", "1", "--json").document
    assert "not known whether the order was placed" in ran.out
    assert "failed" not in ran.out + json.dumps(listed)


def test_a_hostile_name_cannot_steer_the_terminal(call: Call, tmp_path: Path) -> None:
    text = "6.text=\x1b[31mred\x07\u202egnp.exe\u2066"
    call("run", catalog.TEXT_TO_IMAGE, "--set", text, "--out", str(tmp_path))
    ran = call("history", "1")
    assert "red" in ran.out
    assert not [sign for sign in "\x1b\x07\u202e\u2066" if sign in ran.out]


def test_of_several_journals_one_is_chosen_once(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME")
    home = {name: str(tmp_path / "home") for name in names}
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        call("run", catalog.TEXT_OUT, "--out", str(tmp_path), RUNNINGHUB_STATE=str(folder))
        register_state_folder(folder, home)
    anywhere = {**home, "RUNNINGHUB_STATE": ""}
    refused = call("history", **anywhere)
    assert refused.code == 2
    assert all(str(folder) in refused.err for folder in folders)

    monkeypatch.setattr("sys.stdin", Tty("9\n"))
    assert call("history", **anywhere).code == 2
    monkeypatch.setattr("sys.stdin", Tty("2\n"))
    assert call("history", "--json", **anywhere).code == 2  # a program cannot answer
    chosen = call("history", **anywhere)
    assert chosen.code == 0, chosen.err
    assert "RUNNINGHUB_STATE overrides it" in chosen.err
    monkeypatch.setattr("sys.stdin", Tty(""))
    again = call("history", **anywhere)
    assert (again.code, again.err) == (0, "")
    assert again.out == chosen.out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("whose", ["comfyui", "own"])
def test_a_journal_that_may_not_be_read_is_told_and_not_passed_over(
    call: Call, process_environment: dict[str, str], tmp_path: Path, whose: str
) -> None:
    names = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_STATE_HOME")
    home = {name: str(tmp_path / "home") for name in names} | {"RUNNINGHUB_STATE": ""}
    folder = {"comfyui": tmp_path / "comfyui", "own": default_state_folder(home)}[whose]
    call("run", catalog.TEXT_OUT, "--out", str(tmp_path), RUNNINGHUB_STATE=str(folder))
    register_state_folder(folder, home)
    # Root reads what it may not, but for a process without these rights.
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*(rights if os.geteuid() == 0 else ()), sys.executable, "-m", "rh_api", "history"]
    folder.chmod(0)
    ran = subprocess.run(command, env=process_environment | home, capture_output=True, text=True)
    folder.chmod(0o700)

    assert ran.returncode == 2
    assert f"The journal in {folder} cannot be used" in ran.stderr


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True
