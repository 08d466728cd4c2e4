"""A service that means harm, and a client whose every trace can be searched."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator
from rh_api.emulator.accounts import Account
from rh_api.settings import Settings
from tests.support.clocks import QuickClock
from tests.support.jobs import painting_small

CANARY = "canary7Key0canary7Key0canary7Key"


@pytest.fixture
def emulator() -> Emulator:
    emulator = painting_small(Emulator(strict=True, run_seconds=0))
    emulator.accounts[CANARY] = Account()
    return emulator


@pytest.fixture
async def base_url(emulator: Emulator) -> AsyncIterator[str]:
    async with emulator.serve() as url:
        yield url


@pytest.fixture
def thread_url(emulator: Emulator) -> Iterator[str]:
    """The emulator in a thread of its own, for what does not run in a loop."""
    with emulator.run_in_thread() as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that the program may write to: its state, the temporary folder and where it stands."""
    for name in ("state", "temp", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.fixture
async def client(base_url: str, home: Path) -> AsyncIterator[Client]:
    values = {
        "RUNNINGHUB_API_KEY": CANARY,
        "RUNNINGHUB_BASE_URL": base_url,
        "RUNNINGHUB_STATE": str(home / "state"),
    }
    async with Client(Settings.from_mapping(values), clock=QuickClock(50)) as client:
        yield client


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
