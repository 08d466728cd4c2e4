"""Where marked parts cannot run as they are: each way out of it, at a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host
from tests.browser.marks import by_command, inverting, mark_of, menu_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator


def test_marks_without_a_key_are_told_and_run_here_at_a_word(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], own_cloud: tuple[Emulator, str]
) -> None:
    emulator, base_url = own_cloud
    canvas = opened(new_host(RUNNINGHUB_BASE_URL=base_url))
    _, inverted, saver = inverting(canvas)
    shared = canvas.workflow()
    node = next(entry for entry in shared["nodes"] if str(entry["id"]) == inverted)
    node["properties"]["runninghub"] = {"segment": "1"}
    canvas.load(shared)
    canvas.dialog.get_by_text("there is no key").wait_for()
    canvas.picture("told")
    canvas.press_button("Later")
    (refused,) = canvas.refused()["node_errors"].values()
    assert "no API key" in str(refused)
    # In place of ComfyUI's own words, which say no more than that a validation failed.
    canvas.dialog.get_by_text("there is no key").wait_for()
    canvas.generic_error.wait_for(state="detached")
    canvas.picture("refused")
    canvas.press_button("Later")
    canvas.command("runninghub.segments.explain")
    canvas.press_button("Run locally")
    assert mark_of(canvas, inverted) is None
    canvas.run()
    canvas.shows_picture(saver)
    canvas.picture("ran here")
    assert emulator.counters.total == 0


@pytest.mark.parametrize("classic", [False, True])
def test_marks_are_no_local_run_where_the_plugin_did_not_load(
    kind: str, new_host: Callable[..., Host], opened: Callable[..., Canvas], classic: bool
) -> None:
    if kind != "stage":
        pytest.skip("a real ComfyUI loads it")
    frontend = OLDEST if classic else NEWEST
    canvas = opened(new_host(frontend, STAGE_PACK_FAILS="1"), classic=classic)
    canvas.forgive("status of 40[45]")
    _, inverted, saver = inverting(canvas)
    by_command(canvas, inverted)
    canvas.page.locator("[data-testid=queue-button]").first.click()
    canvas.dialog.get_by_text("未能加载" if classic else "did not load").first.wait_for()
    canvas.picture("refused")
    canvas.press_button("本地运行" if classic else "Run locally")
    assert mark_of(canvas, inverted) is None
    assert requests.get(f"{canvas.host.url}/history", timeout=10).json() == {}
    canvas.run()
    canvas.shows_picture(saver)


@pytest.mark.parametrize("classic", [False, True])
def test_marks_without_a_key_may_run_in_the_sandbox(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    own_cloud: tuple[Emulator, str],
    classic: bool,
) -> None:
    emulator, base_url = own_cloud
    frontend = OLDEST if classic else NEWEST
    canvas = opened(new_host(frontend, RUNNINGHUB_BASE_URL=base_url), classic=classic)
    no_key, later, sandbox, menu, start, explain = (
        ("但没有密钥", "以后再说", "沙盒", "反转图像", "启动沙盒", "哪些会在 RunningHub")
        if classic
        else (
            "there is no key",
            "Later",
            "sandbox",
            "Invert Image",
            "Start the sandbox",
            "What would",
        )
    )
    _, inverted, saver = inverting(canvas)
    by_command(canvas, inverted)
    canvas.dialog.get_by_text(no_key).wait_for()
    # It is said in words too, not on the button alone.
    canvas.dialog.locator(".body").get_by_text(sandbox).wait_for()
    canvas.press_button(later)
    # A run that is refused leaves its node outlined, until the sandbox is chosen.
    canvas.forgive("status of 400|Prompt execution failed")
    canvas.page.locator("[data-testid=queue-button]").first.click()
    canvas.dialog.get_by_text(no_key).wait_for()
    outlined = "() => Object.keys(app.lastNodeErrors ?? {}).length"
    canvas.until(lambda: canvas.run_js(outlined))
    canvas.press_button(later)
    menu_of(canvas, inverted, menu).get_by_text(explain).click()
    canvas.dialog.get_by_text(no_key).wait_for()
    canvas.picture("offered")
    canvas.press_button(start)
    canvas.until(lambda: any(sandbox in text for text in canvas.painted()))
    assert canvas.node(inverted)["properties"]["runninghub"]["profile"] == "sandbox"
    canvas.until(lambda: not canvas.run_js(outlined))
    if canvas.dialog.count():
        canvas.picture("explained in the sandbox")
        canvas.page.keyboard.press("Escape")
    canvas.run()
    canvas.shows_picture(saver)
    canvas.picture("ran in the sandbox")
    assert emulator.counters.total == 0


def default_graph(canvas: Canvas) -> str:
    """As ComfyUI opens with, on a machine that has no model; the node that saves its picture."""
    canvas.clear()
    loader = canvas.add("CheckpointLoaderSimple", 20, 200)
    canvas.set_widget(loader, "ckpt_name", "v1-5-pruned-emaonly-fp16.safetensors")
    latent = canvas.add("EmptyLatentImage", 20, 420)
    sampler = canvas.add("KSampler", 800, 200)
    for slot, field in enumerate(("positive", "negative")):
        text = canvas.add("CLIPTextEncode", 380, 160 + 240 * slot)
        canvas.connect(loader, "CLIP", text, "clip")
        canvas.connect(text, "CONDITIONING", sampler, field)
    canvas.connect(loader, "MODEL", sampler, "model")
    canvas.connect(latent, "LATENT", sampler, "latent_image")
    decoder = canvas.add("VAEDecode", 1140, 200)
    canvas.connect(sampler, "LATENT", decoder, "samples")
    canvas.connect(loader, "VAE", decoder, "vae")
    saver = canvas.add("SaveImage", 1380, 200)
    canvas.connect(decoder, "IMAGE", saver, "images")
    return saver


def test_the_default_graph_runs_in_the_sandbox_of_who_has_no_key(
    new_host: Callable[..., Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(new_host())
    saver = default_graph(canvas)
    canvas.command("runninghub.segments.whole")
    canvas.press_button("Start the sandbox")
    canvas.until(lambda: any("sandbox" in text for text in canvas.painted()))
    canvas.run()
    canvas.shows_picture(saver)
    canvas.page.get_by_text("nothing is paid").first.wait_for()
    canvas.picture("drawn")
    # The choice holds for what is marked later.
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    canvas.until(
        lambda: canvas.node(inverted)["properties"]["runninghub"].get("profile") == "sandbox"
    )
    assert canvas.dialog.count() == 0
    # What it cannot draw is refused by name.
    batch = canvas.add("BatchImagesNode", 420, 420)
    shown = canvas.add("PreviewImage", 700, 420)
    canvas.connect(inverted, "IMAGE", batch, "images.image0")
    canvas.connect(inverted, "IMAGE", batch, "images.image1")
    canvas.connect(batch, "IMAGE", shown, "images")
    by_command(canvas, batch)
    canvas.until(lambda: canvas.node(batch)["properties"]["runninghub"].get("profile") == "sandbox")
    (refused,) = canvas.refused()["node_errors"].values()
    assert "The sandbox does not know the class BatchImagesNode" in str(refused)
    assert "KSampler" in str(refused)


def refused_for_its_id(canvas: Canvas) -> None:
    """Runs into that; presses what leads to where another id is named."""
    canvas.run("execution_error")
    alert = canvas.page.locator(".runninghub-notices").get_by_role("alert")
    part = "RunningHub 片段 1 失败" if canvas.classic else "RunningHub segment 1 failed"
    alert.get_by_role("heading", name=part).wait_for()
    button = alert.get_by_role("button", name="指定工作流" if canvas.classic else "Name a workflow")
    button.wait_for()
    canvas.picture("refused")
    button.click()


def focused(canvas: Canvas, label: str) -> Locator:
    """The field of the open dialog that takes what is typed now."""
    field = canvas.dialog.get_by_label(label)
    canvas.until(lambda: field.evaluate("(field) => field === document.activeElement"))
    return field


def test_a_refused_workflow_id_leads_to_the_field_of_the_part(
    either: Canvas, emulator: Emulator
) -> None:
    emulator.accepts_placeholder_workflow = False
    del emulator.workflows[catalog.INVERT]
    *_, shown = either.marked_part(76)
    refused_for_its_id(either)
    focused(either, "提交时使用" if either.classic else "Saved workflow that the graph is sent")
    either.picture("asked")
    either.page.keyboard.type(catalog.TEXT_OUT)
    either.primary()
    either.run()
    either.shows_picture(shown)
    (task,) = emulator.tasks.values()
    assert task.order.workflow_id == catalog.TEXT_OUT


@pytest.mark.parametrize("classic", [False, True])
def test_a_refused_placeholder_leads_to_the_field_of_the_account(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    host = new_host(OLDEST if classic else NEWEST)
    key = {"origin": cloud[1], "key": emulator.default_key}
    stored = {"v": 1, "default": "main", "profiles": {"main": key}}
    folder = host.base / "user" / "__runninghub"
    folder.mkdir(exist_ok=True)
    (folder / "profiles.json").write_text(json.dumps(stored))
    canvas = opened(host, classic=classic)
    emulator.accepts_placeholder_workflow = False
    *_, shown = canvas.marked_part(80)
    refused_for_its_id(canvas)
    field = focused(
        canvas, "标记部分以哪个" if classic else "Saved workflow that marked parts are sent"
    )
    canvas.picture("asked")
    canvas.page.keyboard.type(catalog.TEXT_OUT)
    save = "保存" if classic else "Save"
    field.locator("xpath=..").get_by_role("button", name=save).click()
    canvas.dialog.get_by_text("已保存" if classic else "Saved.").first.wait_for()
    canvas.page.keyboard.press("Escape")
    canvas.run()
    canvas.shows_picture(shown)
    (task,) = emulator.tasks.values()
    assert task.order.workflow_id == catalog.TEXT_OUT
