"""Our routes in a real ComfyUI: served under both of its paths, and closed to strangers' pages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import mark, remote
from tests.comfy.page import Page
from tests.comfy.server import Server

pytestmark = pytest.mark.comfy

SAVE = "/runninghub/profiles/save"
SETTINGS = "/runninghub/settings"


@pytest.fixture
async def page(server: Server, emulator: Emulator) -> AsyncIterator[Page]:
    async with Page(server.url) as page:
        yield page


HOSTILE: dict[str, tuple[str, str, dict[str, str]]] = {
    "no origin that has a name": ("POST", SAVE, {"Origin": "null"}),
    "a form of another page": (
        "POST",
        SAVE,
        {"Origin": "http://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    ),
    "a domain that leads here": (
        "POST",
        SAVE,
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ),
    "plain text": ("POST", SAVE, {"Content-Type": "text/plain"}),
    "another site, says the browser": ("POST", SAVE, {"Sec-Fetch-Site": "cross-site"}),
    "another port": ("POST", SAVE, {"Origin": "http://127.0.0.1:1"}),
    "no token": ("POST", SAVE, {"X-RunningHub-Token": ""}),
    "a made-up token": ("POST", SAVE, {"X-RunningHub-Token": "x" * 43}),
    "a look from a domain that leads here": ("GET", SETTINGS, {"Host": "evil.example"}),
    "a look from another page": ("GET", SETTINGS, {"Origin": "http://evil.example"}),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_request_changes_and_learns_nothing(page: Page, case: str) -> None:
    method, path, headers = HOSTILE[case]
    for prefix in ("", "/api"):
        assert await page.status(method, prefix + path, headers) == 403
    assert (await page.get("settings"))["profiles"][1:] == []


async def test_a_look_at_a_route_that_changes_is_no_call(page: Page) -> None:
    assert await page.status("GET", SAVE, {}) in (404, 405)


async def test_both_paths_serve_a_page_of_this_comfyui(page: Page, server: Server) -> None:
    for prefix in ("", "/api"):
        assert await page.status("GET", prefix + SETTINGS, {"Sec-Fetch-Site": "same-origin"}) == 200
        assert await page.status("POST", prefix + SAVE, {"Origin": server.url}) == 400  # no name


async def test_a_link_is_told_with_what_the_classes_here_know(
    page: Page, emulator: Emulator
) -> None:
    form = await page.post("program", kind="workflow", text=catalog.TEXT_TO_IMAGE)
    fields = {field["name"]: field for node in form["nodes"] for field in node["fields"]}
    assert fields["3.seed"]["max"] == str(2**64 - 1)
    assert fields["3.cfg"]["kind"] == "FLOAT"
    assert "euler" in fields["3.sampler_name"]["options"]
    assert fields["4.ckpt_name"]["options"] is None  # this machine's files are not the cloud's
    assert [(output["id"], output["type"], output["suggested"]) for output in form["outputs"]] == [
        ("9", "IMAGE", True)
    ]
    assert not emulator.counters.orders


async def test_an_estimate_comes_from_runs_of_this_comfyui(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.5
    result = await comfyui.queue({"1": remote(catalog.SUBGRAPH, {"12:7.value": mark() / 1e4})})
    assert result.outcome == "success", result
    estimate = await page.post("estimate", kind="workflow", id=catalog.SUBGRAPH, instance="default")
    assert estimate["runs"] >= 1
    assert estimate["seconds"] > 0
    assert float(estimate["coins"]) > 0


async def test_progress_and_failure_speak_the_pages_language(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    await page.speak("zh")
    good = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    emulator.fail_next = {
        "node_id": "3",
        "exception_type": "RuntimeError",
        "exception_message": "no memory",
    }
    bad = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    refused = await comfyui.queue({"1": remote("not a link")})
    assert "用时" in good.texts("1")[-1]
    assert "云端任务在节点" in bad.failure["exception_message"]
    assert "既不是" in refused.refusal


async def test_a_failure_can_be_handed_on(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.fail_next = {
        "node_id": "3",
        "exception_type": "RuntimeError",
        "exception_message": "cannot paint my private words",
    }
    fields = {"3.seed": mark(), "6.text": "my private words"}
    result = await comfyui.queue({"17": remote(catalog.TEXT_TO_IMAGE, fields)})
    assert result.outcome == "error"
    report = await page.post("report", prompt=result.prompt_id, node_id="17")
    (task_id,) = emulator.tasks
    assert (report["task_id"], report["link"]) == (task_id, "")
    for word in ("RunningHubRemoteWorkflow (17)", "KSampler", "RuntimeError", "cannot paint"):
        assert word in report["text"]
    assert "private words" not in report["text"]
    assert emulator.default_key not in report["text"]
    assert "ComfyUI: ?" not in report["text"]


async def test_a_run_tells_how_long_it_usually_takes(
    page: Page, comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 2.5
    number = emulator.add_workflow(catalog.workflows()[catalog.TEXT_OUT].graph)
    lines: list[list[str]] = []
    for _ in range(2):
        result = await comfyui.queue({"1": remote(number, {"21.value": f"text {mark()}"})})
        assert result.outcome == "success", result
        lines.append(result.texts("1"))
    assert not [line for line in lines[0] if "of about" in line]
    assert [line for line in lines[1] if line.startswith("running") and "s of about" in line]
    *_, task = emulator.tasks.values()
    coins = "1 coin" if task.coins == 1 else f"{task.coins} coins"
    assert re.fullmatch(rf"done in \d+ s · {coins}", lines[1][-1])


async def test_the_sandbox_runs_a_sample_from_the_graph(page: Page, comfyui: ComfyClient) -> None:
    assert (await page.post("sandbox", on=True))["on"]
    word = f"sample{mark():06}"  # that no other order of this ComfyUI has a part of
    fields = {"21.value": word}
    result = await comfyui.queue({"1": remote(catalog.TEXT_OUT, fields, profile="sandbox")})
    assert result.outcome == "success", result
    program = {"kind": "workflow", "id": catalog.TEXT_OUT, "profile": "sandbox", "title": "Text"}
    sums = await page.post("quote", programs=[program])
    assert sums["text"] == "nothing is paid: it runs in the sandbox"
    assert sums["orders"] == [{"title": "Text", "quote": "nothing is paid: it runs in the sandbox"}]
    assert not (await page.post("sandbox", on=False))["on"]
    (listed,) = (await page.post("history", words=word))["orders"]
    assert (listed["name"], listed["emulated"], listed["coins"]) == ("Text", True, "0")
    assert not [line for line in result.texts("1") if "coin" in line]
