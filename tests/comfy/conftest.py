"""A real ComfyUI for the tests of this folder, which exist only where COMFYUI_DIR names one."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient
from tests.comfy.server import PACK_NAME, Server, running
from tests.support.cloud import cloud, emulator, environment_of, in_thread

__all__ = ["cloud", "emulator"]

collect_ignore_glob = [] if os.environ.get("COMFYUI_DIR") else ["test_*.py"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("since"):
        if version() < parts(mark.args[0]):
            pytest.skip(f"core has this since {mark.args[0]}")


@functools.cache
def version() -> tuple[int, ...]:
    """The version of the ComfyUI that COMFYUI_DIR names."""
    text = Path(os.environ["COMFYUI_DIR"], "comfyui_version.py").read_text("utf-8")
    return parts(text.partition('__version__ = "')[2].partition('"')[0])


def parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.fixture(scope="session")
def server(
    cloud: tuple[Emulator, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The ComfyUI that all tests share. It takes about eight seconds to start."""
    emulator, base_url = cloud
    environment = environment_of(emulator, base_url)
    environment["PYTHONWARNINGS"] = "default::DeprecationWarning,default::FutureWarning"
    with running(tmp_path_factory.mktemp("comfyui"), environment) as server:
        yield server
        log = server.said()
    # What this ComfyUI, its PyAV, numpy, Pillow and torch shall take away of what we use.
    assert re.findall(rf"{PACK_NAME}/\S+:\d+: (?:Deprecation|Future)Warning.*", log) == []


@pytest.fixture(scope="session")
def cloud_on_comfyui(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Emulator, str]]:
    """A RunningHub whose graphs run on a second real ComfyUI, which knows nothing of it.

    It keeps no cache, as a fresh machine: to ComfyUI's, 15 and 15.0 are one value, so that one
    graph may be served what another made.
    """
    folder = tmp_path_factory.mktemp("cloud")
    with (
        running(folder, {}, ("--cache-none",)) as behind,
        in_thread(comfyui=behind.url, reroll_inline_seeds=False) as cloud,  # equal to a local run
    ):
        yield cloud


@pytest.fixture
async def comfyui(server: Server, emulator: Emulator) -> AsyncIterator[ComfyClient]:
    """A client of the shared ComfyUI; what the server logged is shown when the test fails."""
    before = len(server.said())
    async with ComfyClient(server.url) as client:
        yield client
    sys.stdout.write(server.said()[before:])
