"""Output that nobody reads, or that has no room: a paid order goes on, and its end is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, catalog

from .conftest import Start, read_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")


def run_in_shell(
    environment: dict[str, str], folder: Path, line: str
) -> subprocess.CompletedProcess[str]:
    """`line` of a shell, in which RUN is a whole order."""
    run = f'"{sys.executable}" -m rh_api run {catalog.TEXT_TO_IMAGE} --out "{folder}"'
    return subprocess.run(
        ["bash", "-c", line.replace("RUN", run)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "line", ["RUN >&-", "RUN 2>&-", "RUN --json >&- 2>&-", "RUN >/dev/full 2>/dev/full"]
)
def test_closed_and_full_streams_change_nothing_of_an_order(
    process_environment: dict[str, str], emulator: Emulator, tmp_path: Path, line: str
) -> None:
    ran = run_in_shell(process_environment, tmp_path / "out", line)

    assert (ran.returncode, emulator.counters.orders) == (0, 1)
    assert len(list((tmp_path / "out").iterdir())) == 1
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("option", ["", "--json"])
def test_what_could_not_be_written_is_told(
    process_environment: dict[str, str], tmp_path: Path, option: str
) -> None:
    ran = run_in_shell(process_environment, tmp_path, f"RUN {option} >/dev/full")

    assert ran.returncode == 0
    assert ran.stderr.count("cannot be written (No space left on device)") == 1
    assert "Traceback" not in ran.stderr


def test_who_reads_no_more_of_the_notes_stops_no_order(
    start: Start, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 0.5
    with start("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json") as process:
        read_until(process, "task ")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.close()
        document = json.loads(process.stdout.read())

    assert process.returncode == 0
    assert document["task_id"] == next(iter(emulator.tasks))
    assert emulator.counters.cancels == 0


def test_who_reads_no_more_of_a_list_is_told_nothing(start: Start) -> None:
    with start("models", "image") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 0
    assert "cannot be written" not in err
