"""What a person gets wrong, what goes wrong on the way, and the exit code of each."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rh_api.cli.exit_codes import MEANINGS, Exit
from rh_api.cli.run import interruption
from rh_api.client import Stopped
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import Fate
from tests.support.pictures import MIB, noise, png
from tests.support.service import Meanwhile, results_are

from .conftest import ROOT, Call

RUN = ("run", catalog.INVERT)


def nothing_was_asked(emulator: Emulator) -> bool:
    return emulator.counters.orders == 0 and not emulator.uploads


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "COMMAND"),
        (("dance",), "dance"),
        (("run",), "WORKFLOW"),
        ((*RUN, "--instance", "huge"), "huge"),
        ((*RUN, "--retain", "5"), "from 10 to 180"),
        ((*RUN, "--timeout", "-1"), "--timeout"),
        ((*RUN, "--time", "5"), "--time"),
        ((*RUN, "--set", "10.image"), "10.image"),
        ((*RUN, "--set", "=x"), "=x"),
        ((*RUN, "--set", "12.scale_by=1", "--set", "12.scale_by=2"), "12.scale_by"),
        ((*RUN, "--set", "10.image=@missing.png"), "missing.png"),
        ((*RUN, "--set", "10.image=@."), "folder"),
        ((*RUN, "--set", "10.image=@"), "folder"),
        ((*RUN, "--set", "10.image=@nul\0byte"), "no file"),
        ((*RUN, "--out", "nul\0byte"), "cannot be written"),
        ((*RUN, "--set", "10.picture=x"), "image"),
        ((*RUN, "--set", "99.image=x"), "99"),
        ((*RUN, "--set", "12.image=x"), "comes from"),
        ((*RUN, "--set", "12.scale_by=big"), "FLOAT"),
        ((*RUN, "--outputs", "13,77"), "77"),
        (("run", " "), "Which workflow"),
        (("run", "https://example.com/workflow/1"), "example.com"),
        (("emulator", "--port", "70000"), "65535"),
        (("emulator", "--host", "0.0.0.0"), "one address"),
        (("emulator", "--host", "here"), "IP address"),
        (("lora", "missing.safetensors"), "missing.safetensors"),
    ],
)
def test_bad_input_costs_nothing(
    call: Call,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = call(*argv)

    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""
    assert nothing_was_asked(emulator)


def test_text_that_is_none_is_refused_and_leaves_no_question(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    """As a shell hands over bytes that are no UTF-8."""
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=caf\udce9", "--out", str(tmp_path))
    ran = call(*argv, "--max-cost", "9 coins", "--json")
    assert ran.code == 2
    assert "caf\\udce9" in ran.document["error"]["message"]
    assert call("task", "--list", "--json").document == {"orders": []}
    assert "today: 0" in call("limits").out.lower()
    assert emulator.counters.orders == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's pipes")
def test_a_pipe_in_place_of_a_file_is_told_as_that(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    """As `--set 10.image=@<(curl …)` hands one over."""
    os.mkfifo(pipe := tmp_path / "63")
    ran = call(*RUN, "--set", f"10.image=@{pipe}", "--out", str(tmp_path))

    assert ran.code == 2
    assert f"{pipe} is a pipe or a device" in ran.err
    assert nothing_was_asked(emulator)


def test_an_empty_file_is_refused(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    ran = call(*RUN, "--set", f"10.image=@{empty}", "--out", str(tmp_path))

    assert ran.code == 2
    assert "empty.png" in ran.err
    assert nothing_was_asked(emulator)


def test_a_file_is_what_its_bytes_say_and_not_what_its_name_says(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    ran = call(*RUN, "--set", f"10.image=@{text}", "--out", str(tmp_path))

    assert ran.code == 2
    assert "IMAGE" in ran.err
    assert nothing_was_asked(emulator)


def test_a_folder_that_cannot_be_written_is_told_before_the_order(
    call: Call, emulator: Emulator, photo: Path
) -> None:
    ran = call(*RUN, "--out", str(photo / "below"))

    assert ran.code == 2
    assert "below" in ran.err
    assert nothing_was_asked(emulator)


@pytest.mark.parametrize("argv", [RUN, ("account",), ("workflow", catalog.INVERT), ("upload", "x")])
def test_without_a_key_one_sentence_says_what_to_do(call: Call, argv: tuple[str, ...]) -> None:
    ran = call(*argv, RUNNINGHUB_API_KEY="")

    assert ran.code == 2
    assert "RUNNINGHUB_API_KEY" in ran.err
    assert "python -m rh_api demo" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_link_of_the_other_site_is_refused_before_any_request(call: Call) -> None:
    link = "https://www.runninghub.cn/workflow/1900000000000000102"
    ran = call("run", link, RUNNINGHUB_BASE_URL="https://www.runninghub.ai")

    assert ran.code == 2
    assert "RUNNINGHUB_BASE_URL" in ran.err


@pytest.mark.parametrize("argv", [RUN, ("account",), ("account", "--keys")])
def test_a_key_is_not_sent_over_an_open_line(
    call: Call,
    emulator: Emulator,
    base_url: str,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
) -> None:
    # Whoever is on the way, such as a proxy, would have read it.
    monkeypatch.setenv("http_proxy", base_url)
    ran = call(*argv, RUNNINGHUB_BASE_URL="http://runninghub.ai")

    assert ran.code == 2
    assert "Use https://runninghub.ai" in ran.err
    assert emulator.counters.total == 0


def test_the_key_is_never_an_argument_and_never_shown(call: Call, emulator: Emulator) -> None:
    ran = call(*RUN, "--key", emulator.default_key)
    assert ran.code == 2

    emulator.account.enabled = False
    ran = call(*RUN)
    assert ran.code == 1
    assert emulator.default_key not in ran.out + ran.err


def test_a_failed_task_ends_with_1_and_names_its_node(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.fail_next = {
        "node_id": "12",
        "exception_type": "ValueError",
        "exception_message": "too small",
    }
    ran = call(*RUN, "--out", str(tmp_path), "--json")

    error = ran.document["error"]
    assert ran.code == 1
    assert "ImageScaleBy" in error["message"]
    assert "too small" in error["message"]
    assert error["task_id"] == next(iter(emulator.tasks))
    assert error["fate"] == "over"


def test_no_money_ends_with_1_at_once(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    emulator.account.coins = 0
    ran = call(*RUN, "--out", str(tmp_path), "--json")

    assert ran.code == 1
    assert ran.document["error"]["code"] in (414, 416)
    assert ran.document["error"]["fate"] == "not_started"
    assert emulator.counters.requests["/task/openapi/create"] == 1


def test_a_lost_reply_ends_with_3(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    ran = call(*RUN, "--out", str(tmp_path), "--json")

    assert ran.code == 3
    assert ran.document["error"]["fate"] == "unknown"
    assert emulator.counters.orders == 1


def test_a_task_past_its_time_is_cancelled_and_that_is_known(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_seconds = 60
    ran = call(*RUN, "--out", str(tmp_path), "--timeout", "1", "--json")

    assert ran.code == 1
    assert ran.document["error"]["fate"] == "over"
    assert emulator.counters.cancels == 1


def test_an_unreachable_service_ends_with_4(call: Call) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        ran = call("account", RUNNINGHUB_BASE_URL=f"http://127.0.0.1:{unheard.getsockname()[1]}")

    assert ran.code == 4
    assert "127.0.0.1" in ran.err


def test_results_that_cannot_be_fetched_end_with_5_and_the_task_id(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.result_base = "https://files.example.com"
    ran = call(*RUN, "--out", str(tmp_path), "--json")

    error = ran.document["error"]
    assert ran.code == 5
    assert error["task_id"] == next(iter(emulator.tasks))
    assert "RUNNINGHUB_RESULT_HOSTS" in error["message"]
    assert not list(tmp_path.glob("*.png"))


def test_a_folder_that_vanishes_while_the_task_runs_loses_nothing(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    emulator.faults.append(Meanwhile("/openapi/v2/query", folder.rmdir))
    ran = call(*RUN, "--out", str(folder), "--json")

    error = ran.document["error"]
    results = tmp_path / "state" / "runninghub-results"
    assert ran.code == 5
    assert error["task_id"] == next(iter(emulator.tasks))
    assert str(results) in error["message"]
    assert list(results.rglob("*.png"))


def test_a_result_for_which_there_is_no_room_ends_with_5_and_is_had_once_there_is(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="no such limit on Windows")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    argv = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path))
    emulator.faults.append(results_are(png(noise(800, 800, 3))))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        ran = call(*argv, "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert ran.code == 5
    assert ran.document["error"]["key"] == "error.disk_full"
    assert ran.document["error"]["task_id"] == next(iter(emulator.tasks))
    assert call(*argv).code == 0
    assert emulator.counters.orders == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_kept_result_that_may_not_be_read_is_fetched_again(
    call: Call, process_environment: dict[str, str], emulator: Emulator, tmp_path: Path
) -> None:
    call(*RUN, "--out", str(tmp_path / "first"))
    (kept,) = (tmp_path / "state" / "runninghub-results").rglob("*.png")
    content = kept.read_bytes()
    kept.chmod(0)
    # Root reads what it may not, but for a process without these rights.
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [*(rights if os.geteuid() == 0 else ()), sys.executable, "-m", "rh_api"]
    command += [*RUN, "--out", str(tmp_path / "second")]
    ran = subprocess.run(command, env=process_environment, capture_output=True, text=True)

    assert (ran.returncode, ran.stderr.count("could not be saved")) == (0, 0)
    (saved,) = (tmp_path / "second").iterdir()
    assert saved.read_bytes() == content
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    "argv", [("dance",), ("run",), ("run", "99", "--set", "x"), ("upload", "missing.png")]
)
def test_an_error_is_one_document_too(call: Call, argv: tuple[str, ...]) -> None:
    ran = call(*argv, "--json")

    assert ran.code == 2
    assert set(ran.document) == {"error"}
    assert set(ran.document["error"]) == {
        "key",
        "message",
        "code",
        "task_id",
        "fate",
        "order",
    }
    assert ran.document["error"]["fate"] == "not_started"
    assert ran.err.strip() == ran.document["error"]["message"]


@pytest.mark.parametrize(
    ("stopped", "placed", "key", "fate"),
    [
        ([], "", "cli.stopped_before", Fate.NOT_STARTED),
        ([], "7", "cli.stopped_fetching", Fate.OVER),
        ([Stopped("7", confirmed=True)], "7", "cli.stopped", Fate.OVER),
        ([Stopped("7", confirmed=False)], "7", "cli.stopped_unsure", Fate.RUNNING),
        ([Stopped("", confirmed=False)], "", "cli.stopped_unknown", Fate.UNKNOWN),
        (
            [Stopped("8", confirmed=True), Stopped("7", confirmed=True, too_late=True)],
            "7",
            "cli.stopped_too_late",
            Fate.OVER,
        ),
        (
            [Stopped("7", confirmed=False), Stopped("8", confirmed=True)],
            "7",
            "cli.stopped_unsure",
            Fate.RUNNING,
        ),
    ],
)
def test_what_ctrl_c_did_is_told_as_it_is_known(
    stopped: list[Stopped], placed: str, key: str, fate: Fate
) -> None:
    error = interruption(stopped, [placed] if placed else [], "CNY")

    assert (error.key, error.fate) == (key, fate)
    assert (error.task_id or "") == placed
    assert "…" not in str(error)


@pytest.mark.parametrize("argv", [("--help",), ("run", "--help"), ("account", "--help")])
def test_every_help_explains_the_exit_codes(call: Call, argv: tuple[str, ...]) -> None:
    ran = call(*argv)

    assert ran.code == 0
    assert set(MEANINGS) == set(Exit)
    for code, meaning in MEANINGS.items():
        assert any(
            line.split(None, 1) == [str(int(code)), meaning] for line in ran.out.splitlines()
        )


def test_the_version_is_told(call: Call) -> None:
    ran = call("--version")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (version,) = re.findall(r'(?m)^version = "(.+)"$', project)
    assert (ran.code, ran.out) == (0, f"RunningHub Remote {version}\n")
