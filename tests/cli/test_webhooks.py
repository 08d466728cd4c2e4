"""`webhooks`: a listener in a terminal, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from rh_api.emulator import catalog

from .conftest import Call


def test_a_task_that_ends_is_told(
    call: Call, process_environment: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "rh_api", "webhooks", "--listen", "0", "--json"],
        env=process_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as listener:
        assert listener.stderr is not None
        begun = listener.stderr.readline()
        url = begun.split()[4]
        order = ("run", catalog.TEXT_TO_IMAGE, "--out", str(tmp_path), "--json")
        ran = call(*order, RUNNINGHUB_WEBHOOK_URL=url)
        assert ran.code == 0, ran.err
        task_id = ran.document["task_id"]
        line = next(line for line in listener.stderr if "is over" in line)
        assert task_id in line
        assert requests.get(url, timeout=60).status_code == 404
        listener.send_signal(signal.SIGINT)
        out, err = listener.communicate(timeout=120)
    assert listener.returncode == 0, err
    assert json.loads(out)["ended"] == [task_id]


def test_a_port_of_comfyuis_or_that_somebody_has_is_refused(call: Call) -> None:
    comfyui = call("webhooks", "--listen", "8188")
    assert comfyui.code != 0
    assert "ComfyUI's own" in comfyui.err
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ran = call("webhooks", "--listen", str(listener.getsockname()[1]))
    assert ran.code != 0
    assert "Choose another" in ran.err
