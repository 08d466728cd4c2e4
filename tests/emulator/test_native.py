"""The native route as any ComfyUI client sees it, in its harsh readings and in its kind ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Emulator, Fault

if TYPE_CHECKING:
    from conftest import Remote

ID = "0f0e0d0c-0b0a-4908-8706-050403020100"
OTHER = "1f0e0d0c-0b0a-4908-8706-050403020100"
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a/b"}},
}


async def call(remote: Remote, method: str, path: str, body: Any = None, key: str = "") -> Any:
    address = f"/proxy/{key or remote.key}{path}"
    async with remote.session.request(method, address, json=body) as answer:
        return answer.status, json.loads(await answer.read() or b"null")


async def queued(remote: Remote, prompt_id: str = ID) -> str:
    body = {"prompt": GRAPH, "client_id": "me", "prompt_id": prompt_id}
    status, reply = await call(remote, "POST", "/prompt", body)
    assert (status, reply["node_errors"]) == (200, {})
    return reply["prompt_id"]


@pytest.mark.parametrize(("knob", "counts"), [("given", True), ("own", False)])
async def test_the_callers_id_counts_or_is_ignored(
    emulator: Emulator, remote: Remote, knob: Any, counts: bool
) -> None:
    emulator.native_prompt_id = knob
    assert (await queued(remote) == ID) is counts


async def test_a_prompt_goes_through_queue_and_history_to_its_file(
    emulator: Emulator, remote: Remote
) -> None:
    prompt_id = await queued(remote)
    (task,) = emulator.tasks.values()
    assert task.runner is not None
    await task.runner
    _, history = await call(remote, "GET", f"/history/{prompt_id}")
    (file,) = history[prompt_id]["outputs"]["3"]["images"]
    assert file == {"filename": "b_00001_.png", "subfolder": "a", "type": "output"}
    async with remote.session.get(f"/api/proxy/{remote.key}/view", params=file) as answer:
        assert answer.status == 404  # the prefix /api stands behind the key
    async with remote.session.get(f"/proxy/{remote.key}/api/view", params=file) as answer:
        assert (await answer.read()).startswith(b"\x89PNG")


async def test_an_older_core_interrupts_whatever_runs(emulator: Emulator, remote: Remote) -> None:
    emulator.run_seconds = 60
    await queued(remote)
    await call(remote, "POST", "/interrupt", {"prompt_id": OTHER})
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


async def test_a_newer_core_interrupts_the_prompt_that_is_named(
    emulator: Emulator, remote: Remote
) -> None:
    emulator.native_core, emulator.run_seconds = "new", 60
    await queued(remote)
    (task,) = emulator.tasks.values()
    await call(remote, "POST", "/interrupt", {"prompt_id": OTHER})
    assert task.status == "RUNNING"
    await call(remote, "POST", "/interrupt", {"prompt_id": ID})
    assert task.status == "CANCEL"


async def test_an_interrupt_ends_a_prompt_at_its_next_step(
    emulator: Emulator, remote: Remote
) -> None:
    emulator.run_seconds, emulator.cancel_seconds = 60, 0.1
    await queued(remote)
    (task,) = emulator.tasks.values()
    assert task.runner is not None

    await call(remote, "POST", "/interrupt", {})

    assert task.status == "RUNNING"
    await task.runner
    assert task.status == "CANCEL"


async def test_what_is_taken_out_of_the_queue_is_in_no_history(
    emulator: Emulator, remote: Remote
) -> None:
    emulator.queue_seconds = 60
    await queued(remote)
    await call(remote, "POST", "/queue", {"delete": [ID]})
    assert await call(remote, "GET", f"/history/{ID}") == (200, {})
    assert (await call(remote, "GET", "/queue"))[1]["queue_pending"] == []


async def test_the_list_of_classes_answers_whatever_the_key(remote: Remote) -> None:
    status, classes = await call(remote, "GET", "/object_info", key="x")
    assert status == 200
    assert classes["SaveImage"]["output_node"] is True
    assert (await call(remote, "GET", "/queue", key="x"))[1]["code"] == 802


async def test_a_socket_is_closed_at_once_or_tells_of_its_clients_prompts(
    emulator: Emulator, remote: Remote
) -> None:
    async with remote.session.ws_connect(f"/proxy/{remote.key}/ws?clientId=me") as socket:
        await socket.receive()
        assert socket.close_code == 1011
    emulator.native_socket = "ok"
    async with remote.session.ws_connect(f"/proxy/{remote.key}/ws?clientId=me") as socket:
        await socket.receive_json()
        prompt_id = await queued(remote)
        while True:
            frame = await socket.receive_json()
            if frame["type"] == "executing" and frame["data"]["node"] is None:
                break
        assert frame["data"]["prompt_id"] == prompt_id


async def test_a_restart_forgets_all_prompts(emulator: Emulator, remote: Remote) -> None:
    emulator.run_seconds = 60
    await queued(remote)
    emulator.native_forgets = True
    assert (await call(remote, "GET", "/queue"))[1] == {"queue_running": [], "queue_pending": []}


async def test_the_key_is_in_no_note_of_a_request(emulator: Emulator, remote: Remote) -> None:
    emulator.faults.append(Fault("/proxy/{key}/queue", "status"))
    assert (await call(remote, "GET", "/queue"))[0] == 500
    await queued(remote)
    assert emulator.counters.requests["/proxy/{key}/prompt"] == 1
    async with remote.session.get("/emulator/state") as answer:
        counters = (await answer.json())["counters"]
    assert remote.key not in json.dumps(counters)
    assert all(remote.key not in f"{entry.path}{entry.query}" for entry in emulator.journal)
    assert not emulator.counters.keys_misplaced
    assert ("url", "/proxy/{key}/prompt") in emulator.counters.keys_seen
