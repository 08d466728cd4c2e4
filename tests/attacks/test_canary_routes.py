"""Stored keys and passwords: in their one file, in requests to their site, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Account, Emulator, Fault, catalog
from tests.attacks.conftest import CANARY, files
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted_without_account

PASSWORD = "canary9Password9canary"
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "workflow", "id": catalog.INVERT, "text": catalog.INVERT, "fresh": True},
    {"kind": "app", "id": "1900000000000000202", "text": "1900000000000000202", "fresh": True},
    {"kind": "workflow", "order": 1, "task_id": "1"},
    {"kind": "workflow", "text": "https://elsewhere.example/workflow/1", "on": False},
    {"name": "none", "profile": "none", "node_id": "1", "prompt": {}, "extra_data": {}},
    {"name": 1, "profile": 1, "kind": 1, "id": 1, "text": 1, "on": 1, "locale": 1, "order": "x"},
)
# They would forget what the test looks for.
FORGETTING = ("/runninghub/profiles/delete", "/runninghub/passwords/save")


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(tmp_path, monkeypatch) as host:
        yield host


def echo(path: str, word: str = CANARY) -> Fault:
    """The service repeats what it was sent."""
    body = f'{{"code": 999, "msg": "bad {word}", "data": null}}'
    return Fault(path, "body", count=None, value=body, status=200)


async def test_no_route_and_no_file_tells_a_key_or_a_password(
    host: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "runninghub", "aiohttp", "asyncio", "urllib3"):
        caplog.set_level(logging.DEBUG, name or None)
    emulator = Emulator(strict=True, run_seconds=0)
    emulator.accounts[CANARY] = Account()
    emulator.workflows[catalog.INVERT].password = PASSWORD
    async with emulator.serve() as url:
        await host.post("profiles/save", name="c", origin=url, key=CANARY)
        program = {"kind": "workflow", "id": catalog.INVERT, "profile": "c"}
        await host.post("passwords/save", **program, password=PASSWORD)
        await host.post("profiles/save", name="d", origin="x", key=CANARY)
        requests = 0
        host.said = ""
        keys = [echo(f"/{part}/") for part in ("api", "uc", "openapi", "task")]
        for faults in ([], keys, [echo("/api/openapi/getJsonApiFormat", PASSWORD)]):
            emulator.faults[:] = faults
            for route in load_pack("nodes.routes.table").ROUTES:
                path = route.path.removeprefix("/runninghub/")
                if route.path in FORGETTING:
                    continue
                # Each failing call is tried again, which takes its time.
                for body in BODIES[1:3] if faults else BODIES:
                    requests += 1
                    if route.method == "GET":
                        await host.get(path)
                    else:
                        await host.post(path, **body)
        await host.post("program", kind="workflow", text=catalog.INVERT)
        emulator.faults.clear()
    assert requests > 60
    assert CANARY not in host.said
    assert PASSWORD not in host.said
    assert CANARY not in caplog.text
    assert PASSWORD not in caplog.text
    holding = [
        path.name
        for path in files(tmp_path)
        if any(word.encode() in path.read_bytes() for word in (CANARY, PASSWORD))
    ]
    assert holding == ["profiles.json"]
    config = load_pack("nodes.runtime.config")
    assert CANARY not in repr(config.settings("c"))
    assert PASSWORD not in repr(config.settings("c"))
    assert not emulator.counters.keys_misplaced
    assert emulator.counters.keys_seen


async def test_every_route_is_ours_and_one_gives_the_token(host: Host) -> None:
    table = load_pack("nodes.routes.table").ROUTES
    assert [route.path for route in table if route.open] == ["/runninghub/session"]
    assert all(route.path.startswith("/runninghub/") for route in table)
    assert {route.method for route in table} == {"GET", "POST"}
    assert len({(route.method, route.path) for route in table}) == len(table)
    assert all(callable(route.load()) for route in table)
