"""A RunningHub in a thread of this process, for hosts that are processes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from rh_api.emulator import Emulator, catalog


@contextlib.contextmanager
def in_thread(**options: Any) -> Iterator[tuple[Emulator, str]]:
    """An emulator and its address."""
    emulator = Emulator(strict=True, **options)
    with emulator.run_in_thread() as base_url:
        yield emulator, base_url


def environment_of(emulator: Emulator, base_url: str) -> dict[str, str]:
    """The variables of a host whose RunningHub it is, marked parts of local graphs included."""
    return {
        "RUNNINGHUB_BASE_URL": base_url,
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT,
    }


def order_elsewhere(
    emulator: Emulator, workflow: str = catalog.TEXT_TO_IMAGE, key: str = "", **fields: str
) -> str:
    """Order a task that no journal of ours knows; returns its id."""
    key = key or emulator.default_key
    body = {"apiKey": key, "workflowId": workflow, **fields}
    url, headers = f"{emulator.base_url}/task/openapi/create", {"Authorization": f"Bearer {key}"}
    reply = requests.post(url, json=body, headers=headers, timeout=120).json()
    return reply["data"]["taskId"]


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
