"""What a page may ask about old nodes and keys: never a key comes back,
nothing is sent anywhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Emulator
from tests.unit.nodes.host import Host, hosted

KEY = "0123456789abcdef0123456789abcdef"
GRAPH: dict[str, Any] = {
    "1": {
        "class_type": "RH_SettingsNode",
        "inputs": {"base_url": "https://x", "apiKey": KEY, "workflowId_webappId": "19"},
    },
    "2": {"class_type": "RH_ExecuteNode", "inputs": {"apiConfig": ["1", 0]}},
}


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    emulator = Emulator(strict=True)
    async with emulator.serve():
        yield emulator


@pytest.fixture
async def host(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    monkeypatch.delenv("RUNNINGHUB_API_KEY", raising=False)
    monkeypatch.setenv("RUNNINGHUB_BASE_URL", emulator.base_url)
    async with hosted(tmp_path, monkeypatch) as host:
        yield host


async def test_a_look_counts_and_a_replacement_comes_back(host: Host) -> None:
    assert await host.post("migration/look", graph=GRAPH) == {"old": 2, "keys": 1}
    answer = await host.post("migration/replace", graph=GRAPH)
    assert answer["graph"]["2"]["class_type"] == "RunningHubRemoteWorkflow"
    assert [node["id"] for node in answer["replaced"][0]["nodes"]] == ["2", "1"]
    assert all(" " in note for note in answer["replaced"][0]["notes"])
    skipped = await host.post("migration/replace", graph=GRAPH, skip=["2"])
    assert skipped["graph"] == GRAPH
    await host.speak("zh")
    answer = await host.post("migration/replace", graph=GRAPH)
    assert "种子" in answer["replaced"][0]["notes"][0]


async def test_a_key_that_cannot_work_refuses_no_migration(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "no key, but\nlines")
    assert await host.post("migration/look", graph=GRAPH) == {"old": 2, "keys": 1}


async def test_a_key_is_veiled_taken_out_and_kept(host: Host, emulator: Emulator) -> None:
    (key,) = (await host.post("keys/find", graph=GRAPH))["keys"]
    assert KEY not in json.dumps(key)
    assert key["surety"] == "certain"
    cleaned = await host.post("keys/clean", graph=GRAPH, keys=[key["id"]])
    assert cleaned["graph"]["1"]["inputs"]["apiKey"] == ""
    same = await host.post("keys/clean", graph=GRAPH, keys=[])
    assert same["graph"] == GRAPH
    named = {"name": "mine", "origin": emulator.base_url}
    settings = await host.post("keys/keep", graph=GRAPH, key=key["id"], **named)
    assert [profile["name"] for profile in settings["profiles"]] == ["mine"]
    assert KEY not in json.dumps(settings)
    assert emulator.counters.total == 0


async def test_saved_workflows_are_cleaned_with_a_copy(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "user" / "default" / "workflows" / "deep"
    folder.mkdir(parents=True)
    saved = folder / "old.json"
    saved.write_text(json.dumps(GRAPH), "utf-8")
    saved.chmod(0o600)
    mode = saved.stat().st_mode
    (folder / "torn.json").write_text("{", "utf-8")
    files = (await host.get("keys/saved"))["files"]
    by_name = {file["name"]: file for file in files}
    assert set(by_name) == {"default/workflows/deep/old.json", "default/workflows/deep/torn.json"}
    (key,) = by_name["default/workflows/deep/old.json"]["keys"]
    file_id = by_name["default/workflows/deep/old.json"]["id"]
    cleaned = await host.post("keys/saved/clean", file=file_id, keys=[key["id"]])
    backup = folder / cleaned["backup"]
    assert KEY not in saved.read_text("utf-8")
    assert json.loads(backup.read_text("utf-8")) == GRAPH
    assert (saved.stat().st_mode, backup.stat().st_mode) == (mode, mode)
    refused = await host.error("keys/saved/clean", file="../../x", keys=[])
    assert "no longer exists" in refused["message"]
