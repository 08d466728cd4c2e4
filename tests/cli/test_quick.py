"""`quick`: a module alone lists its form; with any option of a run it is run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, catalog

from .conftest import Call

PAINT, REDRAW, BLEND = catalog.modules().values()
RUN = "/task/openapi/quick-ai-app/run"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("way", ["file", "text", "stdin"])
def test_a_module_alone_lists_its_form_and_asks_nothing(
    call: Call, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file = tmp_path / "module.json"
    file.write_text(REDRAW.example(KEY), "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(REDRAW.example(KEY)))
    argument = {"file": str(file), "text": REDRAW.example(KEY), "stdin": "-"}[way]
    ran = call("quick", argument, "--json")
    assert ran.code == 0, ran.err
    assert ran.document["module"] == f"{REDRAW.webapp_id}/002"
    assert [field["name"] for field in ran.document["fields"]] == [
        "10.image", "3.text", "2.lora_name", "12.steps",
    ]  # fmt: skip
    shown = call("quick", str(file))
    assert "steps" in shown.out
    assert KEY not in ran.out + ran.err + shown.out + shown.err
    assert not emulator.journal


@pytest.mark.parametrize("lines", [["utf-8", "cp936"], ["utf-8-sig", "cp936"], ["utf-8", "ascii"]])
def test_a_pipe_is_read_as_the_json_that_it_is(
    process_environment: dict[str, str], lines: list[str]
) -> None:
    """`lines`: of the module, and of a console with its code page."""
    written, console = lines
    example = REDRAW.example(KEY).replace('"fieldValue": "', '"fieldValue": "一只猫 ')
    ran = piped(process_environment | {"PYTHONIOENCODING": console}, example.encode(written))

    assert ran.returncode == 0, ran.stderr
    values = [field["value"] for field in json.loads(ran.stdout)["fields"]]
    assert any(str(value).startswith("一只猫 ") for value in values)


def test_a_pipe_that_is_no_text_is_told(process_environment: dict[str, str]) -> None:
    ran = piped(process_environment, '{"生成"}'.encode("cp936"))

    assert ran.returncode == 2
    assert "- cannot be read as text: it is no UTF-8." in json.loads(ran.stdout)["error"]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
def test_a_pipe_that_is_closed_holds_no_module(process_environment: dict[str, str]) -> None:
    command = f'"{sys.executable}" -m rh_api quick - <&-'
    ran = subprocess.run(
        ["bash", "-c", command],
        env=process_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Which module?")


def piped(environment: dict[str, str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    """The form of a module that comes by a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "rh_api", "quick", "-", "--json"],
        env=environment,
        input=content,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_set_and_out_run_it(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    ran = call(
        "quick", PAINT.example(KEY), "--set", "6.text=a boat", "--out", str(tmp_path), "--json"
    )
    assert ran.code == 0, ran.err
    assert ran.document["module"] == f"{PAINT.webapp_id}/001"
    assert all(Path(result["path"]).is_file() for result in ran.document["results"])
    (order,) = [entry.json for entry in emulator.journal if entry.path == RUN]
    values = [field["fieldValue"] for field in order["nodeInfoList"]]
    assert values == ["a boat", "1", "euler", "42"]
    assert KEY not in str(emulator.journal) + ran.out + ran.err


def test_styles_are_listed(call: Call) -> None:
    ran = call("quick", "--styles", REDRAW.webapp_id, "--json")
    assert [style["loras"] for style in ran.document["styles"]] == [
        [{"file": "ink_v1.safetensors", "weight": "0.7"}],
        [{"file": "watercolor_v2.safetensors", "weight": "0.7"}],
    ]
    assert "watercolor_v2" in call("quick", "--styles", REDRAW.webapp_id).out
    none = call("quick", "--styles", REDRAW.webapp_id, "--type", "1")
    assert (none.code, "RunningHub lists no styles of type 1" in none.out) == (0, True)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("quick",), "Which module?"),
        (("quick", "no such file.json"), "no such file.json"),
        (("quick", PAINT.example(), "--styles", "1"), "leave the module"),
        (("quick", "--styles", "1", "--set", "6.text=a"), "leave the module"),
        (("quick", PAINT.example(), "--set", "6.nothing=a"), "no such field"),
        (("quick", f"curl -H 'Authorization: Bearer {KEY}'"), "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_told(
    call: Call, emulator: Emulator, argv: tuple[str, ...], words: str
) -> None:
    ran = call(*argv)
    assert ran.code != 0
    assert words in ran.err
    assert KEY not in ran.err
    assert not emulator.journal


def test_a_quote_names_the_module_and_orders_nothing(call: Call, emulator: Emulator) -> None:
    ran = call("quote", "quick", PAINT.example(), "--json")
    assert ran.code == 0, ran.err
    assert ran.document["orders"][0]["of"] == f"{PAINT.webapp_id}/001"
    assert emulator.counters.orders == 0
