"""Keys on the canvas: none yet, a wrong one, and never one in the browser."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host

if TYPE_CHECKING:
    from playwright.sync_api import Locator

# As the page of keys does it.
SAVE = """async (body) => {
    const headers = {"Content-Type": "application/json"};
    const locale = app.extensionManager.setting.get("Comfy.Locale");
    const asked = {method: "POST", headers, body: JSON.stringify({locale})};
    const {token} = await (await fetch("/api/runninghub/session", asked)).json();
    headers["X-RunningHub-Token"] = token;
    await fetch("/api/runninghub/profiles/save", {method: "POST", headers, body});
}"""
REFUSED = r"api/runninghub/.*|status of 40[03]"
# Whether a page of settings lies below its label, and begins where that begins.
LABEL_ABOVE = """(page) => {
    const item = page.closest(".setting-item");
    const label = [...item.querySelectorAll("*")].find((element) =>
        !page.contains(element) && !element.contains(page) && element.innerText?.trim());
    const [above, below] = [label, page].map((element) => element.getBoundingClientRect());
    return above.bottom <= below.top && Math.abs(above.left - below.left) < 40;
}"""
PLACES = """(all) => all.map((element) => element.getBoundingClientRect())
    .map(({ x, y, width, height }) => [x, y, width, height])"""


def test_without_a_key_the_sandbox_runs_a_sample(
    new_host: Callable[..., Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", "1900000000000000101")
    canvas.dialog.get_by_text("Start the sandbox").wait_for()
    canvas.picture("offer")
    canvas.press_button("Start the sandbox")
    canvas.dialog.get_by_text("Text to image", exact=True).wait_for()
    canvas.picture("samples")
    canvas.press_button("Text to image")
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    assert canvas.node(node)["widgets"]["profile"] == "sandbox"
    canvas.run()
    canvas.shows_picture(preview)
    canvas.picture("ran")
    canvas.forgive(REFUSED)


@pytest.mark.parametrize("classic", [False, True])
def test_the_first_press_on_a_fresh_node_offers_a_key_and_samples(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], classic: bool
) -> None:
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow", 300, 150)
    canvas.press_widget(node, "choose_fields")
    canvas.picture("begins")
    canvas.dialog.get_by_role("button", name="输入密钥" if classic else "Enter a key").click()
    canvas.dialog.get_by_label("API 密钥" if classic else "API key").wait_for()
    canvas.picture("a key")
    canvas.page.keyboard.press("Escape")
    canvas.press_widget(node, "choose_fields")
    free = "免费示例" if classic else "Free samples"
    canvas.dialog.get_by_role("heading", name=free).wait_for()
    sample = "文生图" if classic else "Text to image"
    canvas.press_button(sample)
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    canvas.run()
    canvas.shows_picture(preview)
    # It took two seconds, which nobody bills there.
    took = re.compile(r"(done in|用时) [1-9]")
    line = canvas.node(node)["widgets"].get("$$node-text-preview")
    canvas.until(lambda: any(took.match(text) for text in (line or "", *canvas.painted())))
    canvas.picture("ran")
    assert canvas.node(node)["widgets"]["profile"] == "sandbox"
    assert canvas.node(node)["title"] == sample


def test_a_key_entered_where_it_was_missed_leads_on_to_the_fields(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.dialog.get_by_label("Site").select_option(label="Another address")
    canvas.dialog.get_by_label("Another address", exact=True).fill(cloud[1])
    canvas.dialog.get_by_label("API key").fill(emulator.default_key)
    canvas.dialog.get_by_label("API key").press("Enter")
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    assert "6.text" in canvas.node(node)["widgets"]
    canvas.forgive(REFUSED)


@pytest.mark.parametrize("classic", [False, True])
def test_a_run_without_a_key_offers_one_and_the_sandbox(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], classic: bool
) -> None:
    canvas = opened(new_host(), classic=classic)
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.set_widget(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.dialog.wait_for()
    canvas.page.keyboard.press("Escape")
    canvas.connect(node, "images", preview, "images")
    canvas.refused()
    alert = canvas.page.locator(".runninghub-notices [role=alert]")
    alert.get_by_role("button", name="输入密钥" if classic else "Enter a key").wait_for()
    canvas.picture("offered")
    alert.get_by_role("button", name="启动沙盒" if classic else "Start the sandbox").click()
    canvas.press_button("文生图" if classic else "Text to image")
    assert canvas.node(node)["widgets"]["profile"] == "sandbox"
    canvas.run()
    canvas.shows_picture(preview)
    canvas.forgive(REFUSED)


def test_a_standard_model_without_a_key_runs_in_the_sandbox(
    new_host: Callable[..., Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    node = canvas.add("RHTextToImage")
    canvas.dialog.wait_for()
    canvas.primary()
    canvas.set_widget(node, "prompt", "a lamp")
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "images", preview, "images")
    canvas.refused()
    alert = canvas.page.locator(".runninghub-notices [role=alert]")
    alert.get_by_role("button", name="Start the sandbox").click()
    canvas.until(lambda: canvas.node(node)["widgets"]["profile"] == "sandbox")
    canvas.run()
    canvas.shows_picture(preview)
    canvas.picture("drawn")
    canvas.forgive(REFUSED)


@pytest.mark.parametrize("classic", [False, True])
def test_a_key_that_is_refused_is_replaced_where_that_shows(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    canvas = opened(new_host(), classic=classic)
    wrong = "a" * len(emulator.default_key)
    body = {"name": "main", "origin": cloud[1], "key": wrong}
    canvas.run_js(SAVE, json.dumps(body))
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.dialog.get_by_text(
        "没有产生费用" if classic else "Nothing was started or paid"
    ).wait_for()
    canvas.picture("refused")
    key = canvas.dialog.get_by_label("API 密钥" if classic else "API key")
    key.fill(emulator.default_key)
    key.press("Enter")
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()

    canvas.run_js(SAVE, json.dumps(body))
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    canvas.run(ends="execution_error")
    alert = canvas.page.locator(".runninghub-notices [role=alert]")
    alert.get_by_text("没有产生费用" if classic else "Nothing was started or paid").wait_for()
    canvas.picture("run refused")
    alert.get_by_role("button", name="输入密钥" if classic else "Enter a key").click()
    key.fill(emulator.default_key)
    key.press("Enter")
    canvas.run()
    canvas.shows_picture(preview)
    canvas.forgive(REFUSED)


def test_a_key_is_entered_tested_and_not_seen_again(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    host = new_host()
    canvas = opened(host)
    page = canvas.settings("Keys and sites")
    page.get_by_label("Site").select_option(label="Another address")
    page.get_by_label("Another address", exact=True).fill(cloud[1])
    page.get_by_label("API key").fill(emulator.default_key)
    with canvas.page.expect_response("**/runninghub/profiles/save") as saved:
        page.get_by_label("API key").press("Enter")
    assert emulator.default_key not in saved.value.text()
    card = page.locator("section.card").filter(has_text="key set, ends in")
    with canvas.page.expect_response("**/runninghub/profiles/examine") as tested:
        card.get_by_role("button", name="Test").click()
    assert emulator.default_key not in tested.value.text()
    page.get_by_text("It works").wait_for()
    page.get_by_text("Results kept on this machine: 0 B").wait_for()
    canvas.picture("tested")
    settings = canvas.run_js("async () => (await fetch('/api/runninghub/settings')).text()")
    assert emulator.default_key not in settings
    assert emulator.default_key[-4:] in settings
    canvas.page.keyboard.press("Escape")
    page.wait_for(state="detached")
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    assert canvas.node(node)["widgets"]["6.text"] == "a lighthouse at dusk"


@pytest.mark.parametrize("classic", [False, True])
def test_a_typed_key_is_tested_before_it_is_stored(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    own_cloud: tuple[Emulator, str],
    classic: bool,
) -> None:
    emulator, url = own_cloud
    emulator.native_socket = "1011"
    emulator.resource_filter = "file"
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    canvas.page.set_viewport_size({"width": 1440, "height": 1100})
    site, address, key, test, works, once, misfits, details, other = (
        (
            "站点",
            "其他地址",
            "API 密钥",
            "测试",
            "密钥可用",
            "可同时运行",
            "不符之处",
            "详情",
            "与预期不同",
        )
        if classic
        else (
            "Site",
            "Another address",
            "API key",
            "Test",
            "It works",
            "Tasks at once",
            "What does not fit",
            "Details",
            "other than assumed",
        )
    )
    page = canvas.settings("密钥与站点" if classic else "Keys and sites")
    page.get_by_label(site).select_option(label=address)
    page.get_by_label(address, exact=True).fill(url)
    page.get_by_label(key).fill(emulator.default_key)
    form = page.locator("form.card")
    with canvas.page.expect_response("**/runninghub/profiles/examine") as tested:
        form.get_by_role("button", name=test).click()
    for line in (works, once, misfits):
        form.get_by_text(line).wait_for()
    canvas.picture("three lines")
    form.get_by_text(details, exact=True).click()
    assert form.get_by_role("cell", name=other).count() == 2
    canvas.picture("details")
    assert emulator.default_key not in tested.value.text()
    assert page.get_by_label(key).input_value() == emulator.default_key
    settings = canvas.run_js("async () => (await fetch('/api/runninghub/settings')).json()")
    assert settings["profiles"] == []
    assert emulator.counters.orders == 0

    page.get_by_label(key).fill("f" * len(emulator.default_key))
    form.get_by_role("button", name=test).click()
    form.locator(".examined > .bad").get_by_text("密钥" if classic else "key").wait_for()
    canvas.picture("refused")


@pytest.mark.parametrize("classic", [False, True])
def test_a_key_is_not_replaced_at_one_press(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    canvas.page.set_viewport_size({"width": 1440, "height": 1100})
    site, address, key, named, save, sure, delete = (
        ("站点", "其他地址", "API 密钥", "账户名称", "保存", "再按一次将替换", "删除")
        if classic
        else ("Site", "Another address", "API key", "Profile name", "Save", "Press again", "Delete")
    )

    def enter(page: Locator, name: str) -> None:
        page.get_by_label(site).select_option(label=address)
        page.get_by_label(address, exact=True).fill(cloud[1])
        page.get_by_label(key).fill(emulator.default_key)
        page.get_by_label(named).fill(name)
        page.locator("form.card").get_by_role("button", name=save).click()

    page = canvas.settings("密钥与站点" if classic else "Keys and sites")
    canvas.picture("no key")
    assert page.get_by_role("link", name="www.runninghub.ai").count() == 1
    box = page.bounding_box()
    assert box is not None
    assert box["width"] > 500
    assert page.evaluate(LABEL_ABOVE)
    enter(page, "main")
    page.get_by_role("heading", name="main", exact=True).wait_for()
    canvas.picture("one key")
    assert page.get_by_label(named).input_value() == "main 2"
    enter(page, "main")
    page.get_by_text(sure).wait_for()
    canvas.picture("asked")
    page.locator("form.card").evaluate("(form) => form.classList.add('former')")
    page.locator("form.card").get_by_role("button", name=save).click()
    # The page is made anew, and its form with it.
    page.locator("form.former").wait_for(state="detached")
    page.get_by_role("heading", name="main", exact=True).wait_for()

    # What asks on itself stays where it was, and moves nothing. What is kept is told later.
    page.get_by_text("本机保留的结果" if classic else "Results kept on this machine").wait_for()
    button = page.locator(".card").get_by_role("button", name=delete)
    places = page.locator("button").evaluate_all(PLACES)
    button.click()
    page.locator("button.armed").wait_for()
    assert page.locator("button").evaluate_all(PLACES) == places


def test_of_several_keys_none_takes_the_place_of_the_default_by_itself(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    canvas = opened(new_host())
    canvas.page.set_viewport_size({"width": 1440, "height": 1100})
    for name in ("main", "rich", "spare"):
        body = {"name": name, "origin": cloud[1], "key": emulator.default_key}
        canvas.run_js(SAVE, json.dumps(body))

    def delete(name: str, question: str) -> None:
        heading = canvas.page.get_by_role("heading", name=name, exact=True)
        card = page.locator(".card").filter(has=heading)
        card.get_by_role("button", name="Delete").click()
        card.get_by_role("button", name=question).click()
        card.wait_for(state="detached")

    page = canvas.settings("Keys and sites")
    delete("main", "Really delete? No profile is the default then")
    page.get_by_text("No profile is the default").wait_for()
    canvas.picture("none chosen")
    canvas.page.keyboard.press("Escape")
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.dialog.get_by_text("None of the stored profiles (rich, spare)").wait_for()
    canvas.picture("told")
    assert not emulator.counters.total
    canvas.page.keyboard.press("Escape")
    page = canvas.settings("Keys and sites")
    delete("spare", "Really delete? “rich” then becomes the default")
    page.get_by_text("· default").wait_for()
    assert page.get_by_text("No profile is the default").count() == 0
    canvas.forgive(REFUSED)


def test_a_wrong_key_is_said_where_one_looks(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], cloud: tuple[Emulator, str]
) -> None:
    canvas = opened(new_host(RUNNINGHUB_BASE_URL=cloud[1], RUNNINGHUB_API_KEY="f" * 32))
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.page.get_by_text("key").first.wait_for()
    canvas.dialog.get_by_text("key").first.wait_for()
    canvas.picture("told")
    assert "6.text" not in canvas.node(node)["widgets"]
    canvas.forgive(REFUSED)


def test_marked_parts_have_settings_of_their_own(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    canvas = opened(new_host())
    canvas.page.set_viewport_size({"width": 1440, "height": 1100})
    page = canvas.settings("Keys and sites")
    page.get_by_label("Site").select_option(label="Another address")
    page.get_by_label("Another address", exact=True).fill(cloud[1])
    page.get_by_label("API key").fill(emulator.default_key)
    page.get_by_label("API key").press("Enter")
    workflow = page.get_by_label("Saved workflow that marked parts are sent under")
    workflow.fill(f"https://www.runninghub.ai/workflow/{catalog.TEXT_TO_IMAGE}")
    workflow.locator("xpath=..").get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").first.wait_for()
    assert workflow.input_value() == catalog.TEXT_TO_IMAGE
    webhook = page.get_by_label("Address that RunningHub calls at each order's end")
    webhook.fill("https://tunnel.example/")
    with canvas.page.expect_response("**/runninghub/profiles/webhook"):
        webhook.press("Enter")
    route = page.get_by_label("How marked parts of this profile are sent")
    assert route.input_value() == ""
    with canvas.page.expect_response("**/runninghub/profiles/route"):
        route.select_option("auto")
    models = page.get_by_label("A model that RunningHub does not list")
    assert models.input_value() == "warn"
    with canvas.page.expect_response("**/runninghub/models/save"):
        models.select_option("strict")
    canvas.picture("marked parts")
    stored = canvas.run_js("async () => (await fetch('/api/runninghub/settings')).json()")
    assert stored["models"] == "strict"
    assert stored["profiles"][0]["workflow"] == catalog.TEXT_TO_IMAGE
    assert stored["profiles"][0]["webhook"] == "https://tunnel.example/"
    assert stored["profiles"][0]["route"] == "auto"


def test_a_name_that_is_not_known_is_shown_once_with_the_line_to_copy(either: Canvas) -> None:
    canvas = either
    page = canvas.change_page()
    canvas.forgive(r"status of 403")
    url = canvas.host.url.replace("127.0.0.1", "studio.example")
    canvas.host = dataclasses.replace(canvas.host, url=url)
    canvas.open()
    for height in (150, 450):
        node = canvas.add("RunningHubRemoteWorkflow", 100, height)
        canvas.set_widget(node, "workflow", catalog.TEXT_TO_IMAGE)
        canvas.dialog.get_by_role("button").first.wait_for()
        page.keyboard.press("Escape")
    notice = page.locator(".runninghub-notices").get_by_role("alert")
    notice.get_by_role("textbox").wait_for()
    assert notice.get_by_role("textbox").input_value() == "RUNNINGHUB_HOSTS=studio.example"
    assert "studio.example" in notice.inner_text()
    canvas.picture("unknown host")
    assert notice.count() == 1
