"""`offload`: what a prompt's own marks say, and what its options change of that."""

from __future__ import annotations

import _thread
from pathlib import Path

import pytest

from rh_api.emulator import Account, Emulator, Fault
from tests.support.graphs import node
from tests.support.service import Meanwhile

from .conftest import Call
from .prompts import graph, written

STUDIO = "canary7Key0canary7Key0canary7Key"


def test_how_an_order_is_placed_can_be_said(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    options = ("--personal-queue", "--timeout", "600", "--workflow", "1900000000000000109")
    ran = call("offload", str(prompt), "--nodes", "2", *options, "--out", str(tmp_path))

    assert ran.code == 0, ran.err
    (create,) = [entry.json for entry in emulator.journal if entry.path.endswith("/create")]
    assert create["usePersonalQueue"] in (True, "true")
    assert create["workflowId"] == "1900000000000000109"


def test_an_order_that_takes_longer_than_its_mark_allows_is_cancelled(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    emulator.run_seconds = 60
    marks = {"segments": [{"nodes": ["2"], "timeout": 1}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"))

    assert ran.code != 0
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


def test_a_mark_for_an_account_without_a_key_is_refused(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    marks = {"segments": [{"nodes": ["2"], "profile": "studio 2"}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"))

    assert ran.code != 0
    assert '"studio 2"' in ran.err
    assert "RUNNINGHUB_API_KEY_STUDIO_2" in ran.err
    assert emulator.counters.total == 0


@pytest.fixture
def studio(emulator: Emulator, variables: dict[str, str]) -> str:
    """The key of an account of that name."""
    emulator.accounts[STUDIO] = Account()
    variables["RUNNINGHUB_API_KEY_STUDIO"] = STUDIO
    return STUDIO


@pytest.fixture
def parts(photo: Path, tmp_path: Path) -> Path:
    """Two parts, one after the other, each for an account of its own."""
    both = graph(photo.name)
    both["4"] = node("ImageRotate", image=["3", 0], rotation="90 degrees")
    both["5"] = node("SaveImage", images=["4", 0], filename_prefix="turned")
    marks = {"segments": [{"nodes": ["2", "3"]}, {"nodes": ["4", "5"], "profile": "studio"}]}
    return written(tmp_path, {"prompt": both, "extra_data": {"runninghub": marks}})


def test_each_part_is_paid_by_the_account_of_its_mark(
    call: Call, emulator: Emulator, studio: str, parts: Path, tmp_path: Path
) -> None:
    explained = call("offload", str(parts), "--explain")
    assert (explained.code, emulator.counters.orders) == (0, 0), explained.err
    quoted = call("quote", "offload", str(parts))
    assert (quoted.code, emulator.counters.orders) == (0, 0), quoted.err

    ran = call("offload", str(parts), "--out", str(tmp_path / "out"))
    assert ran.code == 0, ran.err
    assert [task.key for task in emulator.tasks.values()] == [emulator.default_key, studio]
    assert len(list((tmp_path / "out").iterdir())) == 2
    for shown in (explained, quoted, ran):
        assert studio not in shown.out + shown.err


def test_ctrl_c_stops_and_tells_the_tasks_of_all_accounts(
    call: Call, emulator: Emulator, studio: str, photo: Path, tmp_path: Path
) -> None:
    both = graph(photo.name)
    both["5"] = node("ImageRotate", image=["1", 0], rotation="90 degrees")
    both["6"] = node("SaveImage", images=["5", 0], filename_prefix="turned")
    marks = {"segments": [{"nodes": ["2"]}, {"nodes": ["5"], "profile": "studio"}]}
    body = written(tmp_path, {"prompt": both, "extra_data": {"runninghub": marks}})
    emulator.run_seconds = 600
    both_run = Meanwhile("/ws/c_instance", _thread.interrupt_main)
    both_run.after = 1
    emulator.faults.append(both_run)
    ran = call("offload", str(body), "--out", str(tmp_path / "out"))
    assert ran.code == 130
    assert {task.key for task in emulator.tasks.values()} == {emulator.default_key, studio}
    assert {task.status for task in emulator.tasks.values()} == {"CANCEL"}
    assert all(number in ran.err for number in emulator.tasks)
    assert ran.err.count("cancelled in the cloud") == 2


@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("paid_first", ["", "studio"])
def test_ctrl_c_speaks_of_the_task_whichever_account_has_none(
    call: Call,
    emulator: Emulator,
    studio: str,
    photo: Path,
    tmp_path: Path,
    paid_first: str,
    is_confirmed: bool,
) -> None:
    both = graph(photo.name)
    both["4"] = node("ImageRotate", image=["3", 0], rotation="90 degrees")
    both["5"] = node("SaveImage", images=["4", 0], filename_prefix="turned")
    first = {"nodes": ["2", "3"], "profile": paid_first}
    then = {"nodes": ["4", "5"], "profile": "" if paid_first else "studio"}
    marks = {"segments": [first, then]}
    body = written(tmp_path, {"prompt": both, "extra_data": {"runninghub": marks}})
    emulator.run_seconds = 600
    emulator.faults.append(Meanwhile("/ws/c_instance", _thread.interrupt_main))
    if not is_confirmed:
        emulator.faults.append(Fault("/task/openapi/cancel", "status", count=None))
    ran = call("offload", str(body), "--out", str(tmp_path / "out"), "--json")
    (task,) = emulator.tasks
    key = "cli.stopped" if is_confirmed else "cli.stopped_unsure"
    assert ran.code == 130
    assert (ran.document["error"]["key"], ran.document["error"]["task_id"]) == (key, task)
    assert "was over" not in ran.err


def test_an_option_names_the_account_of_all_parts(
    call: Call, emulator: Emulator, studio: str, parts: Path, tmp_path: Path
) -> None:
    options = ("--profile", "studio", "--max-cost", "50 coins")
    ran = call("offload", str(parts), *options, "--out", str(tmp_path / "out"))
    assert ran.code == 0, ran.err
    assert [task.key for task in emulator.tasks.values()] == [studio, studio]


def test_what_a_command_may_cost_is_not_split_among_accounts(
    call: Call, emulator: Emulator, studio: str, parts: Path, tmp_path: Path
) -> None:
    ran = call("offload", str(parts), "--max-cost", "50 coins", "--out", str(tmp_path / "out"))
    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "studio" in ran.err


def test_an_id_of_one_site_is_not_sent_to_another(
    call: Call, emulator: Emulator, studio: str, parts: Path, variables: dict[str, str]
) -> None:
    variables["RUNNINGHUB_SEGMENT_WORKFLOW"] = "1900000000000000999"
    elsewhere = Emulator(strict=True, run_seconds=0)
    elsewhere.accounts[studio] = Account()
    with elsewhere.run_in_thread() as base_url:
        variables["RUNNINGHUB_BASE_URL_STUDIO"] = base_url
        call("offload", str(parts), "--profile", "studio")
    creates = [entry.json for entry in elsewhere.journal if entry.path.endswith("/create")]
    assert creates
    assert "1900000000000000999" not in str(creates)
    assert emulator.counters.total == 0


def test_options_hold_for_what_the_file_marks(
    call: Call, marked: Path, emulator: Emulator, tmp_path: Path
) -> None:
    options = ("--instance", "plus", "--personal-queue", "--timeout", "1")
    emulator.run_seconds = 60
    ran = call("offload", str(marked), *options, "--out", str(tmp_path / "out"))

    assert "longer than 1 s" in ran.err
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"
    (create,) = [entry.json for entry in emulator.journal if entry.path.endswith("/create")]
    assert create["instanceType"] == "plus"
    assert create["usePersonalQueue"] in (True, "true")


def test_a_longer_time_does_not_lift_that_of_a_mark(
    call: Call, photo: Path, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 60
    marks = {"segments": [{"nodes": ["2"], "timeout": 1}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    call("offload", str(written(tmp_path, body)), "--timeout", "600", "--out", str(tmp_path))

    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


def test_only_holds_for_what_the_file_marks(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    prompt = {
        "1": node("VAELoader", vae_name="some.safetensors"),
        "2": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "3": node("VAEDecode", samples=["2", 0], vae=["1", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="out"),
    }
    marks = {"segments": [{"nodes": ["3"]}]}
    path = written(tmp_path, {"prompt": prompt, "extra_data": {"runninghub": marks}})
    assert call("offload", str(path), "--explain").code == 0
    ran = call("offload", str(path), "--explain", "--only")

    assert ran.code == 2
    assert "Only marked nodes may go" in ran.err


def test_a_machine_that_a_marks_route_lacks_is_refused(
    call: Call, photo: Path, emulator: Emulator, tmp_path: Path
) -> None:
    marks = {"segments": [{"nodes": ["2"], "route": "native"}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call(
        "offload", str(written(tmp_path, body)), "--instance", "ultra", "--out", str(tmp_path)
    )

    assert (ran.code, emulator.counters.total) == (2, 0)
    assert "24 and 48 GB" in ran.err
