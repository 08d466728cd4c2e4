"""What progress looks like, on a terminal and elsewhere."""

from __future__ import annotations

import errno
import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from rh_api.cli.entry import main
from rh_api.cli.progress import ProgressLine, columns, cut
from rh_api.emulator import Emulator, catalog
from tests.support.service import Meanwhile

from .conftest import ROOT, Call


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def line(stream: io.StringIO, width: int = 80, *, live: bool = True) -> ProgressLine:
    ticks = iter(range(1000))
    return ProgressLine(stream, live=live, now=lambda: float(next(ticks)), width=lambda: width)


def test_a_terminal_shows_one_line_that_is_rewritten() -> None:
    stream = io.StringIO()
    shown = line(stream)
    shown.show("running", "running KSampler", 0.5)
    shown.show("running", "done", 1.0)

    first, second = stream.getvalue().split("\r")[1:]
    assert first == f"[{'#' * 12}{'-' * 12}]  50 %  1 s  running KSampler"
    assert second.startswith(f"[{'#' * 24}] 100 %  2 s  done")
    assert columns(second) == columns(first)
    assert "\n" not in stream.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_the_line_never_reaches_the_last_column(width: int) -> None:
    stream = io.StringIO()
    line(stream, width).show("running", "运行节点 " * 50, 0.3)

    assert columns(stream.getvalue().lstrip("\r")) < width


def test_wide_characters_count_twice() -> None:
    assert columns("运行 a") == 6
    assert cut("运行中", 5) == "运行"
    assert columns("e\u0301") == 1


def test_clearing_leaves_nothing_behind() -> None:
    stream = io.StringIO()
    shown = line(stream)
    shown.show("running", "running", 0.5)
    drawn = columns(stream.getvalue()[1:])
    shown.clear()

    assert stream.getvalue().endswith("\r" + " " * drawn + "\r")


def test_progress_never_goes_back() -> None:
    stream = io.StringIO()
    shown = line(stream)
    shown.show("running", "running", 0.6)
    shown.show("running", "running", 0.2)

    assert stream.getvalue().count(" 60 %") == 2


def test_elsewhere_a_line_comes_with_each_stage_and_each_tenth() -> None:
    stream = io.StringIO()
    shown = line(stream, live=False)
    shown.show("uploading", "uploading", 0.0)
    for percent in range(10, 36):
        shown.show("running", f"running at {percent}", percent / 100)

    assert stream.getvalue().splitlines() == [
        "  0 %  uploading",
        " 10 %  running at 10",
        " 20 %  running at 20",
        " 30 %  running at 30",
    ]


def test_a_command_on_a_terminal_leaves_only_its_result(
    variables: dict[str, str], tmp_path: Path
) -> None:
    out, err = io.StringIO(), Tty()
    code = main(["run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path)], out, err, variables)

    assert code == 0
    assert "[####" in err.getvalue()
    assert err.getvalue().endswith(" \r")


class Left(io.StringIO):
    """A pipe whose reader has left, as Windows tells it."""

    def flush(self) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")


def test_a_reader_that_has_left_on_windows_misses_nothing(
    variables: dict[str, str], tmp_path: Path
) -> None:
    err = io.StringIO()
    for more, is_told in (((), False), (("--json",), True)):
        command = ["run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), *more]
        assert main(command, Left(), err, variables) == 0
        assert ("cannot be written" in err.getvalue()) == is_told


def test_a_terminal_that_cannot_rewrite_gets_plain_lines(
    variables: dict[str, str], tmp_path: Path
) -> None:
    err = Tty()
    main(
        ["run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path)],
        io.StringIO(),
        err,
        variables | {"TERM": "dumb"},
    )

    assert "\r" not in err.getvalue()
    assert "100 %" in err.getvalue()


def test_help_imports_nothing_slow() -> None:
    code = (
        "import io, sys\n"
        "before = set(sys.modules)\n"  # a tool that measures us may have brought some
        "import rh_api.cli.entry as entry\n"
        "entry.main(['--help'], io.StringIO(), sys.stderr, {})\n"
        "slow = {'aiohttp', 'requests', 'sqlite3', 'PIL'}\n"
        "sys.exit(bool(slow & (set(sys.modules) - before)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_console_with_an_old_code_page_shows_question_marks(
    process_environment: dict[str, str],
) -> None:
    environment = process_environment | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(
        [sys.executable, "-m", "rh_api", "run", "图像"],
        env=environment,
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 2
    assert b"??" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_reader_that_leaves_early_is_no_failure_worth_a_traceback(
    process_environment: dict[str, str],
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rh_api", "workflow", catalog.TEXT_TO_IMAGE],
        env=process_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    process.wait()

    assert err == b""


def test_a_warning_of_the_log_has_a_line_of_its_own(call: Call, emulator: Emulator) -> None:
    def warn() -> None:
        logging.getLogger("runninghub").warning("the disk is nearly full")

    emulator.faults.append(Meanwhile("/uc/openapi/accountStatus", warn))

    assert call("account").err == "the disk is nearly full\n"
