"""Addresses from the cloud: nobody is asked but the service, and never with the key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rh_api.client import Client
from rh_api.emulator import Emulator, Fault
from rh_api.errors import Fate, HostRefused, Redirected, ResultUnavailable, Uncertain
from tests.attacks.conftest import files
from tests.support.jobs import invert, paint


@dataclass
class Neighbour:
    """Another server on this machine, such as ComfyUI itself."""

    port: int = 0
    visits: int = 0


@pytest.fixture
async def neighbour() -> AsyncIterator[Neighbour]:
    here = Neighbour()

    async def visit(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.visits += 1
        writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    yield here
    server.close()


HOSTILE = (
    "http://127.0.0.1:{port}",
    "https://127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://[::1]:{port}",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://2130706433:{port}",
    "http://0x7f.1:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.1:{port}",
    "http://169.254.169.254",
    "https://10.0.0.1",
    "https://evil.example\\@{own}",
    "https://{own}@127.0.0.1:{port}",
    "https://www.runninghub.ai@127.0.0.1:{port}",
    "https://www.runninghub.ai.evil.example",
    "https://evilrunninghub.ai",
    "https://www.runninghub.ai:{port}",
    "http://www.runninghub.ai",
    "https://www.runninghub.ai\t.evil.example",
    "https://www\N{IDEOGRAPHIC FULL STOP}evil\N{IDEOGRAPHIC FULL STOP}example",
    "https://rh-images-1.cos.ap-beijing.myqcloud.com",
    "https://evil.myqcloud.com",
    "file:///etc/passwd?",
    "ftp://127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "javascript:",
    "data:image/png;base64,",
)


def filled(address: str, neighbour: Neighbour, base_url: str) -> str:
    return address.format(port=neighbour.port, own=base_url.partition("//")[2])


@pytest.mark.parametrize("address", HOSTILE)
async def test_a_result_elsewhere_is_refused_before_anybody_is_asked(
    client: Client, emulator: Emulator, neighbour: Neighbour, base_url: str, address: str
) -> None:
    emulator.result_base = filled(address, neighbour, base_url)
    with pytest.raises(HostRefused) as caught:
        await client.run(paint())
    assert caught.value.task_id in emulator.tasks
    assert caught.value.task_id in str(caught.value)
    assert neighbour.visits == 0
    assert not emulator.counters.keys_misplaced


@pytest.mark.parametrize("address", [a for a in HOSTILE if a.isascii() and a.isprintable()])
async def test_a_redirect_elsewhere_is_refused_at_its_hop(
    client: Client, emulator: Emulator, neighbour: Neighbour, base_url: str, address: str
) -> None:
    target = filled(address, neighbour, base_url) + "/latest/meta-data"
    emulator.faults.append(Fault("/results/", "redirect", count=None, value=target))
    with pytest.raises(HostRefused):
        await client.run(paint())
    assert neighbour.visits == 0
    assert emulator.counters.under("/results/") == 1


async def test_redirects_within_the_service_end_after_three(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/results/", "redirect", count=None, value="/results/a.png"))
    with pytest.raises(ResultUnavailable, match="redirects too often"):
        await client.run(paint())
    assert emulator.counters.under("/results/") == 4


CREATE = "/task/openapi/create"
AFTERWARDS = (302, 303)  # how a server answers what it has carried out


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [CREATE, "/openapi/v2/media", "/api/openapi"])
async def test_a_call_with_the_key_follows_no_redirect(
    client: Client, emulator: Emulator, path: str, status: int
) -> None:
    uncertain = path == CREATE and status in AFTERWARDS
    other = Emulator(strict=True)
    other.accounts = emulator.accounts
    async with other.serve() as elsewhere:
        target = f"{elsewhere}{CREATE}"
        emulator.faults.append(Fault(path, "redirect", count=None, value=target, status=status))
        with pytest.raises(Uncertain if uncertain else Redirected) as caught:
            await client.run(invert())
    assert caught.value.fate is (Fate.UNKNOWN if uncertain else Fate.NOT_STARTED)
    assert emulator.counters.under(CREATE) == (path == CREATE)
    assert other.counters.total == 0


SOCKETS = (
    "ws://127.0.0.1:{port}/ws",
    "wss://127.0.0.1:{port}/ws",
    "wss://evil.example/ws?clientId={{client_id}}",
    "wss://www.runninghub.ai@127.0.0.1:{port}/ws",
    "wss://www.runninghub.ai/ws?" + "x" * 9000,
    "http://127.0.0.1:{port}/ws",
    "nonsense",
)


@pytest.mark.parametrize("address", SOCKETS, ids=range(len(SOCKETS)))
async def test_a_socket_elsewhere_is_not_opened_and_the_task_goes_on(
    client: Client, emulator: Emulator, neighbour: Neighbour, base_url: str, address: str
) -> None:
    emulator.socket = "foreign"
    emulator.foreign_socket_url = filled(address, neighbour, base_url)
    emulator.run_seconds = 0.05
    outcome = await client.run(paint())
    assert outcome.results[0].path is not None
    assert neighbour.visits == 0


@pytest.mark.parametrize("address", HOSTILE[:6])
async def test_a_lora_is_not_sent_elsewhere(
    client: Client,
    emulator: Emulator,
    neighbour: Neighbour,
    base_url: str,
    home: Path,
    address: str,
) -> None:
    path = home / "style.safetensors"
    path.write_bytes(b"x" * 1000)
    emulator.lora_base = filled(address, neighbour, base_url)
    with pytest.raises(HostRefused):
        await client.uploads.send_lora(path)
    assert neighbour.visits == 0
    assert emulator.counters.put_bytes == 0
    assert all(b"x" * 1000 not in path.read_bytes() for path in files(home / "state"))
