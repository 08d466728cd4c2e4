"""A service under one fixed name: an order's identity holds the site's address and the account."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from rh_api.emulator import Emulator
from rh_api.emulator.catalog import App
from rh_api.settings import Settings
from tests.frozen.jobs import APP, APP_ID, PROGRAMS

HOST = "service.test"
ORIGIN = f"http://{HOST}"


@contextlib.contextmanager
def named(base_url: str) -> Generator[None]:
    """Within this, connections to HOST reach what is served at `base_url`, a loopback address."""
    served = urlsplit(base_url)
    look_up = socket.getaddrinfo

    def resolved(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if host == HOST:
            return look_up(served.hostname, served.port, *more, **options)
        return look_up(host, port, *more, **options)

    with (
        mock.patch.object(socket, "getaddrinfo", resolved),
        mock.patch.dict(os.environ, {"NO_PROXY": HOST, "no_proxy": HOST}),
    ):
        yield


def service(**knobs: Any) -> Emulator:
    """An emulator that has the recorded programs and calls itself by the fixed name."""
    emulator = Emulator(
        strict=True,
        run_seconds=0,
        result_base=ORIGIN,
        lora_base=ORIGIN,
        socket="none",
        **knobs,
    )
    emulator.account.limit = 50
    for workflow_id, graph in PROGRAMS.items():
        emulator.add_workflow(graph, workflow_id=workflow_id)
    emulator.apps[APP_ID] = App(APP_ID, "Everything", APP["workflow"], APP["fields"])
    return emulator


def settings(emulator: Emulator, state: Path, *, key: str = "") -> Settings:
    """The default account on the recorded site, or that of another key."""
    return Settings.from_mapping(
        {
            "RUNNINGHUB_API_KEY": key or emulator.default_key,
            "RUNNINGHUB_BASE_URL": ORIGIN,
            "RUNNINGHUB_STATE": str(state),
        }
    )
