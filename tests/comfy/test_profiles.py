"""A node runs under the account that it names, and a name that is not here costs nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from rh_api.emulator import Account, Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark, marked, pixels, remote, turning
from tests.comfy.page import Page
from tests.comfy.segments import CREATE
from tests.comfy.server import Server, running
from tests.support.graphs import painting
from tests.support.service import asked

pytestmark = [pytest.mark.comfy, pytest.mark.timeout(600)]

CANARY = "canary7Key0canary7Key0canary7Key"
PASSWORD = "canary9Password9canary"


@pytest.fixture
async def page(server: Server, emulator: Emulator) -> AsyncIterator[Page]:
    async with Page(server.url) as page:
        yield page
        await page.post("models/save", models="")
        for profile in (await page.get("settings"))["profiles"]:
            if profile["from"] == "file":
                await page.post("profiles/delete", name=profile["name"])


async def test_a_node_pays_with_the_account_that_it_names(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.accounts[CANARY] = Account()
    await page.post("profiles/save", name="second", origin=emulator.base_url, key=CANARY)
    for profile, key in (("second", CANARY), ("", emulator.default_key)):
        fields = {"21.value": f"text {mark()}"}
        result = await comfyui.queue({"1": remote(catalog.TEXT_OUT, fields, profile=profile)})
        assert result.outcome == "success", result
        assert list(emulator.tasks.values())[-1].key == key


async def test_marked_nodes_go_out_under_the_account_and_the_workflow_that_it_stores(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.accounts[CANARY] = Account()
    own = emulator.add_workflow(catalog.workflows()[catalog.TEXT_OUT].graph)
    await page.post("profiles/save", name="second", origin=emulator.base_url, key=CANARY)
    await page.post("profiles/workflow", name="second", workflow=own)
    for profile, workflow, key in (
        ("second", own, CANARY),
        ("", catalog.INVERT, emulator.default_key),  # the environment's
    ):
        prompt = await turning(comfyui, pixels())
        result = await comfyui.queue(prompt, marked("2", profile=profile))
        assert result.outcome == "success", (result.refusal, result.events[-2:])
        order = list(emulator.tasks.values())[-1]
        assert (order.key, order.order.workflow_id) == (key, workflow)

    await page.post("profiles/workflow", name="second", workflow="")
    prompt = await turning(comfyui, pixels())
    result = await comfyui.queue(prompt, marked("2", profile="second"))
    assert result.outcome == "success", (result.refusal, result.events[-2:])
    assert list(emulator.tasks.values())[-1].order.workflow_id == catalog.INVERT


async def test_a_stored_strict_refuses_a_model_that_the_cloud_does_not_list(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = painting(mark())
    prompt["4"]["inputs"]["ckpt_name"] = "exampel_model.safetensors"
    await page.post("models/save", models="strict")
    refused = await comfyui.queue(prompt, marked(*prompt))
    assert refused.status == 400
    assert refused.node_errors
    assert "exampel_model.safetensors" in refused.refusal
    assert not emulator.counters.orders

    # A program's own word comes before what is stored.
    warned = marked(*prompt)
    warned["runninghub"]["models"] = "warn"
    result = await comfyui.queue(prompt, warned)
    assert result.outcome == "error"
    assert emulator.counters.requests[CREATE] == 1


async def test_a_profile_that_is_not_here_is_named_before_anything_is_paid(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue({"1": remote(catalog.TEXT_OUT, profile="of a friend")})
    assert result.outcome == "refused"
    assert 'no stored profile "of a friend"' in result.refusal
    assert not asked(emulator)


async def test_a_protected_workflow_runs_with_its_own_password(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    number = emulator.add_workflow(catalog.workflows()[catalog.TEXT_OUT].graph, password=PASSWORD)
    prompt = {"1": remote(number, {"21.value": f"text {mark()}"})}
    refused = await comfyui.queue(prompt)
    assert refused.outcome in ("error", "refused")
    assert not emulator.counters.orders
    await page.post("passwords/save", kind="workflow", id=number, password=PASSWORD)
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", result
    history = json.dumps(await comfyui.get("/history"))
    assert PASSWORD not in history


async def test_a_stored_key_is_enough_and_is_found_nowhere_else(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    emulator.accounts[CANARY] = Account()
    output = ""
    with running(tmp_path_factory.mktemp("stored"), {}) as server:
        async with ComfyClient(server.url) as client, Page(server.url) as page:
            prompt = {"1": remote(catalog.TEXT_OUT, {"21.value": f"text {mark()}"})}
            before = await client.submit(prompt)
            assert "No RunningHub API key" in before.refusal
            await page.post("profiles/save", name="home", origin=emulator.base_url, key=CANARY)
            emulator.fail_next = {"node_id": "21", "exception_type": "E", "exception_message": "x"}
            bad = await client.queue(prompt)
            good = await client.queue(prompt)
            assert (bad.outcome, good.outcome) == ("error", "success")
            for path in ("/history", "/queue", "/settings", "/v2/userdata"):
                output += await client.text(path)
            output += json.dumps([event.data for event in client.events], default=str)
            output += json.dumps(await page.get("settings"))
            for path in ("profiles.json", "../__runninghub/profiles.json"):
                status = await page.status("GET", f"/userdata/__runninghub%2F{path}", {})
                assert status in (400, 403, 404)
        output += server.said()
        holding = [
            path.relative_to(server.base).as_posix()
            for path in server.base.rglob("*")
            if path.is_file() and CANARY.encode() in path.read_bytes()
        ]
    assert holding == ["user/__runninghub/profiles.json"]
    assert CANARY not in output
    assert not emulator.counters.keys_misplaced


async def test_without_a_default_account_nothing_is_ordered_that_names_none(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    emulator.accounts[CANARY] = Account()
    with running(tmp_path_factory.mktemp("several"), {}) as server:
        async with ComfyClient(server.url) as client, Page(server.url) as page:
            for name in ("main", "second", "third"):
                await page.post("profiles/save", name=name, origin=emulator.base_url, key=CANARY)
            await page.post("profiles/delete", name="main")
            fields = {"21.value": f"text {mark()}"}
            refused = await client.submit({"1": remote(catalog.TEXT_OUT, fields)})
            assert "(second, third)" in refused.refusal
            prompt = await turning(client, pixels())
            marks = await client.submit(prompt, marked("2"))
            assert "(second, third)" in marks.refusal
            # Another ComfyUI may still ask about tasks of the test before, by another key.
            assert not emulator.counters.orders
            assert not [
                entry.path for entry in emulator.journal if CANARY in f"{entry.headers}{entry.json}"
            ]
            named = remote(catalog.TEXT_OUT, fields, profile="third")
            assert (await client.queue({"1": named})).outcome == "success"
