"""On the native route the key is in every address, and nowhere else: the one exception to what is
said of the key in addresses, and it is kept as tightly as the rule."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client, Job, Progress
from rh_api.emulator import Emulator, Fault
from rh_api.errors import HostRefused, RunningHubError
from rh_api.groups.cloud_nodes import CloudNodes
from tests.attacks.conftest import CANARY, files
from tests.attacks.test_canary import holders, words
from tests.support.graphs import node
from tests.support.jobs import picture

PROMPT, QUEUE = "/proxy/{key}/prompt", "/proxy/{key}/queue"
INFO = "/proxy/{key}/object_info"
HISTORY, VIEW = "/proxy/{key}/history", "/proxy/{key}/view"
ECHO = f'{{"code": 999, "msg": "bad {CANARY} in /proxy/{CANARY}/prompt"}}'
FAILING: tuple[tuple[str, str, Any], ...] = (
    *((PROMPT, kind, None) for kind in ("lost_reply", "reset", "html", "empty")),
    *((PROMPT, "code", code) for code in (500, 802, 414, 7777)),
    *((PROMPT, "echo_key", way) for way in ("plain", "percent", "location")),
    (PROMPT, "body", ECHO),
    (PROMPT, "redirect", "elsewhere"),
    (QUEUE, "status", 404),
    (QUEUE, "redirect", "elsewhere"),
    (QUEUE, "body", ECHO),
    *((VIEW, "status", status) for status in (403, 404)),
    (VIEW, "redirect", "elsewhere"),
    (VIEW, "redirect", f"/proxy/{CANARY}/view2"),
    (VIEW, "echo_key", "location"),
    (VIEW, "body", f"<!DOCTYPE html>{CANARY}"),
)


def inverting(red: int) -> Job:
    graph = {
        "1": node("LoadImage", image="here.png"),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="out"),
    }
    return Job(graph=graph, fields={"1.image": picture(red)}, route="native")


@pytest.mark.parametrize("socket", ["1011", "ok"])
async def test_the_key_stays_in_the_addresses_of_its_own_origin(
    client: Client,
    emulator: Emulator,
    home: Path,
    caplog: pytest.LogCaptureFixture,
    socket: Any,
) -> None:
    for name in ("", "runninghub", "urllib3", "aiohttp", "asyncio", "requests"):
        caplog.set_level(logging.DEBUG, name or None)
    emulator.native_socket, emulator.native_prompt_id = socket, "own"
    news: list[Progress] = []
    output = ""
    other = Emulator(strict=True)
    other.accounts[CANARY] = emulator.accounts[CANARY]
    async with other.serve() as elsewhere:
        for number, (path, kind, value) in enumerate(FAILING):
            if value == "elsewhere":
                value = f"{elsewhere}/proxy/x/prompt"
            status = {"redirect": 307, "body": 200}.get(kind)
            emulator.faults[:] = [Fault(path, kind, count=None, value=value, status=status)]  # type: ignore[arg-type]
            with pytest.raises(RunningHubError) as caught:
                await client.run(inverting(number), news.append)
            output += words(caught.value)
        for number, (kind, value) in enumerate(
            [
                ("redirect", f"{elsewhere}/proxy/x/object_info"),
                ("status", 404),
                ("reset", None),
                ("body", ECHO),
                (
                    "body",
                    f'{{"{CANARY}": {{"input": {{"required": {{"x": [["{CANARY}.pt"]]}}}}}}}}',
                ),
            ]
        ):
            status = {"redirect": 307, "body": 200}.get(kind)
            emulator.faults[:] = [Fault(INFO, kind, count=None, value=value, status=status)]  # type: ignore[arg-type]
            nodes = CloudNodes(client.cloud_nodes.send, client.settings, time.time)
            listed = await nodes.listed("default", 30.0)
            assert (listed is not None) is (number == 4)
            output += repr(listed)
    assert other.counters.total == 0
    emulator.faults.clear()
    outcome = await client.run(inverting(99), news.append)
    output += repr(outcome) + repr(await client.history()) + repr(await client.open_orders())
    output += repr([await client.past_results(order) for order in range(1, 30)])
    await client.close()

    assert outcome.results
    assert CANARY not in output
    assert CANARY not in repr(news)
    assert CANARY not in caplog.text
    assert caplog.records
    assert files(home / "state")
    assert holders(home) == []
    assert not emulator.counters.keys_misplaced
    assert ("url", PROMPT) in emulator.counters.keys_seen
    entries = [entry for entry in emulator.journal if entry.path.startswith("/proxy")]
    assert entries
    for entry in entries:
        assert CANARY not in f"{entry.query}{entry.json}{list(entry.headers.values())}"
        assert "Referer" not in entry.headers


async def test_a_redirect_of_a_result_takes_the_key_nowhere(
    client: Client, emulator: Emulator, base_url: str
) -> None:
    target = f"{base_url}/results/x.png?from=/proxy/{CANARY}/view"
    emulator.faults.append(Fault(VIEW, "redirect", count=None, value=target))
    with pytest.raises(HostRefused) as caught:
        await client.run(inverting(1))
    assert CANARY not in words(caught.value)
    assert emulator.counters.under("/results/") == 0
