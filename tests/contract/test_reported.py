"""What people send becomes samples, and each sample can be read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from rh_api.cli.entry import main
from rh_api.emulator import Emulator

from .reported import adopt


@pytest.fixture
def report(tmp_path: Path) -> Path:
    emulator = Emulator(native_socket="1011")
    file = tmp_path / "report.json"
    with emulator.run_in_thread() as url:
        variables = {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": url,
            "RUNNINGHUB_STATE": str(tmp_path / "state"),
        }
        main(["doctor", "--report", str(file)], io.StringIO(), io.StringIO(), variables)
    return file


def test_a_report_becomes_samples_that_are_read_and_settles_rows(
    report: Path, tmp_path: Path
) -> None:
    text = adopt(report, tmp_path / "samples")

    samples = json.loads((tmp_path / "samples/report.json").read_text("utf-8"))
    assert {"method", "path", "status", "body"} == samples[0].keys()
    assert "NOT READ" not in text
    lines = text.splitlines()
    assert "  /uc/openapi/accountStatus: read" in lines
    assert "  /task/openapi/outputs: refused, TaskNotFound" in lines
    assert "unknown-task: as_assumed" in lines
    assert "native-socket: other" in lines
    assert not [line for line in lines if line.startswith("placeholder-id")]


def test_an_answer_that_is_not_read_is_told(report: Path, tmp_path: Path) -> None:
    document = json.loads(report.read_text("utf-8"))
    document["exchanges"][0]["answer"]["json"] = {"code": 0, "data": None}
    report.write_text(json.dumps(document), "utf-8")

    assert "accountStatus: NOT READ" in adopt(report, tmp_path / "samples")
