"""`offload`: what a prompt's own marks say, and what its options change of that."""

from __future__ import annotations

from pathlib import Path

from rh_api.emulator import Emulator
from tests.support.graphs import node

from .conftest import Call
from .prompts import graph, written


def test_how_an_order_is_placed_can_be_said(
    call: Call, prompt: Path, emulator: Emulator, tmp_path: Path
) -> None:
    options = ("--personal-queue", "--timeout", "600", "--workflow", "1900000000000000109")
    ran = call("offload", str(prompt), "--nodes", "2", *options, "--out", str(tmp_path))

    assert ran.code == 0, ran.err
    (create,) = [one.json for one in emulator.journal if one.path.endswith("/create")]
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


def test_a_mark_for_another_account_is_refused(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    marks = {"segments": [{"nodes": ["2"], "profile": "studio"}]}
    body = {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}}
    ran = call("offload", str(written(tmp_path, body)), "--out", str(tmp_path / "out"))

    assert ran.code != 0
    assert '"studio"' in ran.err
    assert emulator.counters.orders == 0


def test_options_hold_for_what_the_file_marks(
    call: Call, marked: Path, emulator: Emulator, tmp_path: Path
) -> None:
    options = ("--instance", "plus", "--personal-queue", "--timeout", "1")
    emulator.run_seconds = 60
    ran = call("offload", str(marked), *options, "--out", str(tmp_path / "out"))

    assert "longer than 1 s" in ran.err
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"
    (create,) = [one.json for one in emulator.journal if one.path.endswith("/create")]
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
