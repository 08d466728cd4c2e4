"""An emulator and a client beside it."""

from __future__ import annotations

import aiohttp
import pytest

from rh_api.emulator import Account, Emulator
from tests.contract.stages import KEY, World


@pytest.fixture
async def world():
    emulator = Emulator(strict=True, run_seconds=60)
    emulator.accounts[KEY] = Account()
    async with emulator.serve() as base, aiohttp.ClientSession(base) as session:
        yield World(emulator, session)
