"""The command line in this process, against an emulator in a thread of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rh_api.cli.entry import main
from rh_api.emulator import Emulator
from rh_api.emulator.catalog import INVERT
from tests.support.jobs import painting_small
from tests.support.pictures import plain_png

from .prompts import graph, written

ROOT = Path(__file__).parents[2]


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Ran]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def emulator() -> Emulator:
    return painting_small(Emulator(strict=True, run_seconds=0))


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with emulator.run_in_thread() as url:
        yield url


@pytest.fixture
def variables(emulator: Emulator, base_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a person who uses the emulator."""
    return {
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_BASE_URL": base_url,
        "RUNNINGHUB_STATE": str(tmp_path / "state"),
        "RUNNINGHUB_SEGMENT_WORKFLOW": INVERT,
    }


@pytest.fixture
def call(variables: dict[str, str]) -> Call:
    """`call("run", "19…", "--json")` gives code and both streams; keywords change variables."""

    def run(*argv: str, **changed: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        code = main(argv, out, err, variables | changed)
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def process_environment(variables: dict[str, str]) -> dict[str, str]:
    """For real processes: ours without anybody's proxy, and the person's variables."""
    ours = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    return ours | variables | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def start(process_environment: dict[str, str]) -> Iterator[Start]:
    """`start("run", "19…")` is a real process of ours, which ends with the test if not before.

    `through`: a program that is given ours, as `nohup` is; `path`: what it imports from first.
    """
    with contextlib.ExitStack() as stack:

        def begin(
            *argv: str,
            through: tuple[str, ...] = (),
            stdin: int | None = None,
            path: Path | None = None,
        ) -> subprocess.Popen[str]:
            folders = filter(None, (path and str(path), process_environment.get("PYTHONPATH")))
            process = subprocess.Popen(
                [*through, sys.executable, "-m", "rh_api", *argv],
                env=process_environment | {"PYTHONPATH": os.pathsep.join(folders)},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it never said {words!r}")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of one colour, which inverted is (245, 235, 225)."""
    path = tmp_path / "photo.png"
    path.write_bytes(plain_png())
    return path


@pytest.fixture
def prompt(photo: Path, tmp_path: Path) -> Path:
    """A graph, beside the picture that it loads."""
    return written(tmp_path, graph(photo.name))


@pytest.fixture
def marked(photo: Path, tmp_path: Path) -> Path:
    """A graph with a mark of its own."""
    marks = {"segments": [{"nodes": ["2"], "timeout": 600}]}
    return written(tmp_path, {"prompt": graph(photo.name), "extra_data": {"runninghub": marks}})
