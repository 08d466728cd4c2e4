"""`demo` and `emulator`: what a person without a key sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest
import requests
from PIL import Image

from rh_api.emulator import Emulator

from .conftest import ROOT, Call


def test_the_demonstration_needs_nothing_but_python(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "rh_api", "demo"],
        cwd=tmp_path,
        env=bare(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    with Image.open(tmp_path / "runninghub_demo_14_1.png") as picture:
        assert picture.size == (768, 512)
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 100
    assert [path.name for path in tmp_path.glob("*.png")] == ["runninghub_demo_14_1.png"]
    assert "runninghub_demo_14_1.png" in ran.stdout
    assert "100 %" in ran.stderr


def bare(home: Path) -> dict[str, str]:
    """An environment without anything of RunningHub's, and with a home that is not ours."""
    names = ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    return environment | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(ROOT)}


def test_the_demonstration_ignores_the_environment(call: Call, tmp_path: Path) -> None:
    ran = call(
        *("demo", "--out", str(tmp_path), "--json"),
        RUNNINGHUB_API_KEY="wrong",
        RUNNINGHUB_BASE_URL="nonsense",
        RUNNINGHUB_STATE="/dev/null/state",
    )

    assert ran.code == 0, ran.err
    assert ran.document["cost"]["coins"] == "0"
    assert [Path(result["path"]).name for result in ran.document["results"]] == [
        "runninghub_demo_14_1.png"
    ]
    assert not (tmp_path / "state").exists()


def test_open_shows_the_picture(tmp_path: Path) -> None:
    viewer, shown = tmp_path / "viewer.py", tmp_path / "shown.txt"
    viewer.write_text(f"import sys, pathlib; pathlib.Path({str(shown)!r}).write_text(sys.argv[1])")
    browser = f"{Path(sys.executable).as_posix()} {viewer.as_posix()} %s"
    subprocess.run(
        [sys.executable, "-m", "rh_api", "demo", "--open", "--out", str(tmp_path)],
        env=bare(tmp_path) | {"BROWSER": browser},
        capture_output=True,
        timeout=120,
        check=True,
    )

    assert shown.read_text() == (tmp_path / "runninghub_demo_14_1.png").as_uri()


def test_without_a_viewer_the_picture_is_there_all_the_same(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    ran = call("demo", "--open", "--out", str(tmp_path))

    assert ran.code == 0
    assert "No program was found" in ran.err


@pytest.mark.parametrize("command", ["demo", "emulator"])
def test_without_pillow_one_sentence_says_how_to_get_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    ran = call(command)

    assert ran.code == 2
    assert "pip install Pillow" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_bare_python_is_told_what_to_install_before_anything_else(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "rh_api", "demo"],
        cwd=tmp_path,
        env=bare(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1), ran.stderr
    assert 'python -m pip install -e ".[demo]"' in ran.stderr
    assert [*tmp_path.iterdir()] == []


def test_the_emulator_tells_programs_how_to_use_it(
    call: Call, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rh_api", "emulator", "--port", "0", "--json", "--strict"],
        env=process_environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        served = json.loads(text)
        own = {"RUNNINGHUB_BASE_URL": served["base_url"], "RUNNINGHUB_API_KEY": served["key"]}
        listed = call("workflow", served["workflows"][0]["link"], "--json", **own)
        ran = call("run", served["workflows"][0]["id"], "--out", str(tmp_path), **own)
        state = requests.get(served["base_url"] + "/emulator/state", timeout=60).json()
    finally:
        process.terminate()
        process.communicate()

    assert listed.document["workflow_id"] == served["workflows"][0]["id"]
    assert (state["knobs"]["strict"], state["knobs"]["native_socket"]) == (True, "1011")
    kinds = {account["kind"]: account["key"] for account in served["accounts"]}
    assert set(kinds) == {"NORMAL", "FREE", "SHARED", "EXCLUSIVE"}
    assert kinds["NORMAL"] == served["key"]
    assert ran.code == 0, ran.err


def test_a_port_that_is_taken_is_named(call: Call, emulator: Emulator) -> None:
    port = emulator.base_url.rpartition(":")[2]
    ran = call("emulator", "--port", port)

    assert ran.code == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in ran.err
    assert "Choose another one." in ran.err
