"""What serves the canvas: the stage, or a real ComfyUI. Either is a process with an address."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.browser import frontends

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).with_name("example.png")
KINDS = ("stage", "comfy") if os.environ.get("COMFYUI_DIR") else ("stage",)

_numbers = itertools.count(1)


@dataclass
class Host:
    """A running host; `base` holds its input, output and user folders. `is_plain`: what it knows at
    its start is what all such hosts know, so that a page of a former one is as new for it."""

    url: str
    base: Path
    pid: int
    is_plain: bool = False

    def said(self) -> str:
        """What it logged."""
        logs = self.base.glob("*.log")
        return "\n".join(log.read_text("utf-8", "replace") for log in logs)

    def put_picture(self) -> None:
        """A new example.png in the input folder: no upload of an earlier one is met again."""
        with Image.open(EXAMPLE) as picture:
            high, low = divmod(next(_numbers), 256)
            picture.putpixel((0, 0), (high, low, 0))
            picture.save(self.base / "input" / EXAMPLE.name)

    def stop(self) -> None:
        """As if it had crashed."""
        os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))


@contextlib.contextmanager
def running(
    kind: str, frontend: str, base: Path, environment: Mapping[str, str], port: int = 0
) -> Iterator[Host]:
    """A host with a front end of that version; `environment` is all it knows of RunningHub.
    `port`: 0 for a free one."""
    for folder in ("input", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    if kind == "comfy":
        from tests.comfy.server import running as real

        static = str(frontends.folder(frontend))
        with real(base, environment, ["--front-end-root", static], port) as server:
            yield Host(server.url, base, server.pid)
        return
    with stage(frontend, base, environment, port) as host:
        yield host


@contextlib.contextmanager
def stage(frontend: str, base: Path, environment: Mapping[str, str], port: int) -> Iterator[Host]:
    frontends.folder(frontend)  # here, where it may take its time
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RUNNINGHUB_", "RH_"))}
    cache = {k: v for k, v in os.environ.items() if k == "RUNNINGHUB_TEST_CACHE"}
    command = [sys.executable, "-m", "tests.browser.stage", "--no-key", "--base", str(base)]
    command += ["--frontend", frontend, "--port", str(port)]
    with (base / "stage.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            # Where a ComfyUI says that its journal is there; a person's own folder is none of ours.
            env={**inherited, **cache, "XDG_STATE_HOME": str(base / "state"), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http"), (base / "stage.log").read_text()
        yield Host(url, base, process.pid)
    finally:
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        process.stdout.close()
