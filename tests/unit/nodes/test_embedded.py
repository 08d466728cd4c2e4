"""ComfyUI as a library of another program, which runs its executor without its web server."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator
from tests.unit.nodes.conftest import load_pack

if TYPE_CHECKING:
    from tests.unit.nodes.host import Host


async def test_a_cloud_node_says_that_it_needs_the_web_server(
    host: Host, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def order(client: Client) -> None:
        await client.run(Job("1900000000000000101"))

    with closing(asyncio.new_event_loop()) as loop:
        server = SimpleNamespace(loop=loop, client_id=None)
        monkeypatch.setattr(sys.modules["server"].PromptServer, "instance", server)
        display = load_pack("nodes.runtime.node_display").NodeDisplay("1", "p", None)
        with pytest.raises(Exception, match="web server is not running"):
            await load_pack("nodes.runtime.cloud").run(order, display)
    assert emulator.counters.total == 0
