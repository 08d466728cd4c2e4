"""A RunningHub in a thread of this process, for hosts that are processes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from rh_api.emulator import Emulator


@contextlib.contextmanager
def in_thread(**options: Any) -> Iterator[tuple[Emulator, str]]:
    """An emulator and its address."""
    emulator = Emulator(**options)
    with emulator.run_in_thread() as base_url:
        yield emulator, base_url


@pytest.fixture(scope="session")
def cloud() -> Iterator[tuple[Emulator, str]]:
    """The RunningHub that the tests of a folder share."""
    with in_thread() as cloud:
        yield cloud


@pytest.fixture
def emulator(cloud: tuple[Emulator, str]) -> Emulator:
    """The shared RunningHub, as new."""
    emulator, base_url = cloud
    requests.post(base_url + "/emulator/reset", timeout=10).raise_for_status()
    return emulator
