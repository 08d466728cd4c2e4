"""A client of the emulator, as nodes and command line have one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rh_api.client import Client, Stopped
from rh_api.emulator import Emulator
from rh_api.emulator.catalog import INVERT
from rh_api.run.progress import unheard
from rh_api.settings import Settings
from tests.support.clocks import QuickClock

MakeClient = Callable[..., Client]


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(strict=True, run_seconds=0.05)


@pytest.fixture
async def base_url(emulator: Emulator) -> AsyncIterator[str]:
    async with emulator.serve() as url:
        yield url


@pytest.fixture
async def make_client(
    emulator: Emulator, base_url: str, tmp_path: Path
) -> AsyncIterator[MakeClient]:
    """A client by the environment's variables; clients on one `state` share a journal."""
    opened: list[Client] = []

    def make(
        state: str = "state",
        *,
        pace: float = 8.0,
        stopped: Callable[[Stopped], None] = unheard,
        **variables: str,
    ) -> Client:
        values = {
            "RUNNINGHUB_API_KEY": emulator.default_key,
            "RUNNINGHUB_BASE_URL": base_url,
            "RUNNINGHUB_STATE": str(tmp_path / state),
            "RUNNINGHUB_SEGMENT_WORKFLOW": INVERT,
        }
        settings = Settings.from_mapping(values | variables)
        client = Client(settings, clock=QuickClock(pace), stopped=stopped)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()
