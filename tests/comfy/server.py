"""Starts a real ComfyUI with this pack installed the way ComfyUI-Manager installs it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
PACK_NAME = "some-name"
NEIGHBOURS = Path(__file__).with_name("neighbours.py")
START = 400.0  # seconds; about eight on two idle cores, minutes where others work there too
OWN_VARIABLES = ("RUNNINGHUB_", "RH_API_KEY")


def comfyui_python() -> str:
    return os.environ.get("COMFYUI_PYTHON", sys.executable)


def packed_files() -> list[Path]:
    """What the Registry's archive holds: git's files less those that .comfyignore names."""

    def listed(*options: str) -> set[str]:
        command = ["git", "ls-files", "-z", "--cached", "--others", *options]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return set(done.stdout.split("\0")) - {""}

    packed = listed("--exclude-standard") - listed("--ignored", "--exclude-from=.comfyignore")
    return [Path(name) for name in sorted(packed) if (ROOT / name).is_file()]


def unpack(folder: Path) -> None:
    """Copies the pack into a folder of custom_nodes."""
    for file in packed_files():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target)


def contents(folder: Path) -> dict[str, str]:
    """A digest of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@dataclass(frozen=True)
class Server:
    url: str
    base: Path
    """Its --base-directory: custom_nodes, input, models, output, user."""
    log: Path
    unpacked: dict[str, str] = field(default_factory=dict)
    """The pack's contents before ComfyUI was started."""
    pid: int = 0

    @property
    def pack(self) -> Path:
        return self.base / "custom_nodes" / PACK_NAME

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")


@contextlib.contextmanager
def running(
    base: Path, environment: Mapping[str, str], arguments: Sequence[str] = (), port: int = 0
) -> Iterator[Server]:
    """A ComfyUI of its own below `base`, from its first answer until the block ends.

    `environment` is all that it knows of RunningHub: a developer's own variables stay out.
    `port`: 0 for a free one.
    """
    for folder in ("custom_nodes", "input", "models/loras", "output", "user"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    server = Server(f"http://127.0.0.1:{port}", base, base / "comfyui.log")
    unpack(server.pack)
    server.unpacked.update(contents(server.pack))
    shutil.copyfile(NEIGHBOURS, base / "custom_nodes" / NEIGHBOURS.name)
    command = [comfyui_python(), "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port)]
    command += ["--base-directory", str(base), "--disable-auto-launch", "--disable-api-nodes"]
    command += ["--database-url", "sqlite:///:memory:"]
    command += arguments
    command += shlex.split(os.environ.get("COMFYUI_ARGS", ""))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN_VARIABLES)}
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=os.environ["COMFYUI_DIR"],
            env={
                **inherited,
                "PYTHONDONTWRITEBYTECODE": "1",
                "XDG_STATE_HOME": str(base / "state"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_hear_ctrl_c if os.name == "posix" else None,
        )
    server = replace(server, pid=process.pid)
    try:
        _wait_until_ready(process, server)
        yield server
    finally:
        # ComfyUI ends cleanly on Ctrl-C alone.
        process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _hear_ctrl_c() -> None:
    """A shell's background commands, and so their children, begin with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_until_ready(process: subprocess.Popen[bytes], server: Server) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(server.url + "/system_stats", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"ComfyUI did not start:\n{server.said()[-4000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
