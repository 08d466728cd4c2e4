"""Limits of cost on the canvas: set on the settings page, reached by a run, let through once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas, is_prompt
from tests.browser.hosts import Host
from tests.browser.test_late_answers import Held

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Route

WORDS = {
    False: (
        "Cost limits",
        "One order may cost",
        "Save",
        "is not a sum",
        "Saved.",
        "the limit for one order is 1 coin",
        "Run it this once",
        "Let it pass the limit?",
        "Close",
    ),
    True: (
        "费用上限",
        "单个任务最多花费",
        "保存",
        "不是金额",
        "已保存。",
        "单个任务的上限为",
        "仅此一次运行",
        "允许超出上限？",  # noqa: RUF001
        "关闭",
    ),
}


@pytest.mark.parametrize("classic", [False, True])
def test_a_limit_is_set_reached_and_let_through_once(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    setting, label, keep, no_sum, stored, reached, once, sure, _ = WORDS[classic]
    canvas = opened(new_host(**account), classic=classic)
    page = canvas.settings(setting)
    order = page.get_by_label(label)
    order.fill("much")
    save = page.get_by_role("button", name=keep).first
    save.click()
    page.get_by_text(no_sum).wait_for()
    order.fill("1 coins")
    order.press("Enter")  # as good as the button
    page.get_by_text(stored).first.wait_for()
    canvas.picture("limits")
    canvas.page.keyboard.press("Escape")
    page.wait_for(state="detached")

    canvas.clear()
    _, preview = canvas.painting()
    canvas.run(ends="execution_error")
    canvas.page.get_by_text(reached).first.wait_for()
    assert emulator.counters.orders == 0
    canvas.picture("reached")
    button = canvas.page.get_by_role("button", name=once)
    place = button.bounding_box()
    button.click()
    confirm = canvas.page.get_by_role("button", name=sure)
    # The second press meets what the first one met.
    assert confirm.bounding_box() == place
    canvas.picture("sure")
    confirm.click()
    canvas.shows_picture(preview)
    assert emulator.counters.orders == 1
    canvas.page.get_by_text(reached).wait_for(state="detached")
    canvas.forgive(r"api/runninghub/limits/save.*|status of 400")


@pytest.mark.parametrize("classic", [False, True])
def test_what_is_let_through_is_the_workflow_that_was_refused(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    _, _, _, _, _, reached, once, sure, _ = WORDS[classic]
    limit = {"RUNNINGHUB_MAX_COST_ORDER": "1 coins"}
    canvas = opened(new_host(**account, **limit), classic=classic)
    canvas.clear()
    node, preview = canvas.painting()
    refused = canvas.graph_id()
    alert = canvas.page.locator(".runninghub-notices [role=alert]")

    def told_elsewhere(command: str) -> None:
        held = Held(canvas, "report")
        canvas.run(ends="execution_error")
        held.wait_for()
        canvas.command(command)
        canvas.until(lambda: canvas.graph_id() != refused)
        held.answer()
        alert.get_by_text(reached).wait_for()

    told_elsewhere("Comfy.NewBlankWorkflow")
    alert.get_by_role("button", name=once).click()
    canvas.page.get_by_role("button", name=sure).click()
    canvas.shows_picture(preview)
    assert canvas.graph_id() == refused
    assert emulator.counters.orders == 1
    alert.wait_for(state="detached")
    # No pass is left behind.
    canvas.ask_anew(node)
    told_elsewhere("Workspace.NextOpenedWorkflow")
    alert.get_by_role("button", name="定位节点" if classic else "Show the node").click()
    canvas.until(lambda: canvas.graph_id() == refused)
    assert alert.count() == emulator.counters.orders == 1


@pytest.mark.parametrize("classic", [False, True])
def test_a_limit_that_is_reached_is_left_or_raised(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    setting, label, keep, _, stored, reached, once, _, close = WORDS[classic]
    canvas = opened(new_host(**account), classic=classic)
    alert = canvas.page.locator(".runninghub-notices [role=alert]")

    def limited(page: Locator, least: str, most: str) -> None:
        order = page.get_by_label(label)
        canvas.until(lambda: order.input_value() == least)
        order.fill(most)
        page.get_by_role("button", name=keep).first.click()
        page.get_by_text(stored).first.wait_for()
        canvas.page.keyboard.press("Escape")
        page.wait_for(state="detached")

    limited(canvas.settings(setting), "", "1 coins")
    canvas.clear()
    _, preview = canvas.painting()
    # To leave it lets nothing pass, now or later.
    for _ in range(2):
        canvas.run(ends="execution_error")
        alert.get_by_text(reached).wait_for()
        alert.get_by_role("button", name=close).click()
        alert.wait_for(state="detached")
    # Of one node the last failure alone is told.
    canvas.run(ends="execution_error")
    before = alert.element_handle()
    canvas.run(ends="execution_error")
    before.wait_for_element_state("hidden")
    alert.get_by_text(reached).wait_for()
    assert alert.count() == 1
    assert (emulator.counters.orders, emulator.counters.upload_bytes) == (0, 0)

    alert.get_by_role("button", name=once).wait_for()
    # The keys of Run work from a button of it.
    alert.get_by_role("button", name=once).focus()
    before = alert.element_handle()
    with canvas.page.expect_response(is_prompt):
        canvas.page.keyboard.press("Control+Enter")
    before.wait_for_element_state("hidden")
    alert.get_by_text(reached).wait_for()
    assert emulator.counters.orders == 0
    alert.get_by_role("button", name=setting).click()
    canvas.dialog.get_by_label(label).wait_for()
    canvas.picture("raised")
    limited(canvas.dialog, "1 RH币" if classic else "1 coin", "50 coins")
    # It changes what may run, and runs nothing itself.
    assert emulator.counters.orders == 0
    canvas.run()
    canvas.shows_picture(preview)
    assert emulator.counters.orders == 1
    alert.wait_for(state="detached")


def test_limits_are_looked_up_again_once_there_is_a_key(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
) -> None:
    canvas = opened(new_host())
    canvas.command("Comfy.ShowSettingsDialog")
    box = canvas.page.get_by_role("dialog").get_by_placeholder("Search").first
    box.fill("RunningHub")
    pages = canvas.page.locator(".runninghub-setting")
    pages.nth(1).wait_for()
    keys, limits = pages.nth(0), pages.nth(1)
    limits.get_by_text("No key is stored yet").wait_for()
    canvas.picture("without a key")
    keys.get_by_label("Site").select_option(label="Another address")
    keys.get_by_label("Another address", exact=True).fill(cloud[1])
    keys.get_by_label("API key").fill(emulator.default_key)
    keys.get_by_role("button", name="Save").click()
    limits.get_by_label("One order may cost").wait_for()
    limits.get_by_label("Profile").get_by_text("default (main)").wait_for(state="attached")
    canvas.picture("with a key")
    canvas.forgive(r"api/runninghub/.*|status of 40[03]")


def test_what_run_will_cost_stands_beside_it(either: Canvas, emulator: Emulator) -> None:
    chinese = either.classic
    either.clear()
    bar = either.bar
    either.painting()
    either.settle()
    bar.get_by_text("1 个任务" if chinese else "1 order").wait_for()
    either.run()
    single = re.compile("约 .+1 个任务" if chinese else "about .+, 1 order")
    bar.get_by_text(single).wait_for()
    either.painting(560)
    either.settle()
    two = re.compile("约 .+2 个任务" if chinese else "about .+, 2 orders")
    bar.get_by_text(two).wait_for()
    either.picture("beside")
    # A narrow page has the button's icon alone; its name says the sum, to a screen reader as well.
    either.page.set_viewport_size({"width": 480, "height": 900})
    bar.get_by_text(two).wait_for(state="detached")
    bar.get_by_role("button", name=two).wait_for()
    either.page.set_viewport_size({"width": 1440, "height": 900})
    bar.get_by_text(two).click()
    either.dialog.locator("dd").nth(1).wait_for()
    either.picture("each")
    either.page.keyboard.press("Escape")

    # Run may be told to run several times.
    times = either.page.get_by_label("批次数量" if chinese else "Batch Count").locator("input")
    times.select_text()
    times.press_sequentially("3")
    times.press("Enter")
    bar.get_by_text("× 3").wait_for()  # noqa: RUF001
    either.picture("three times")
    bar.get_by_text("× 3").click()  # noqa: RUF001
    either.dialog.get_by_text("这是 3 次运行" if chinese else "each of 3 runs").wait_for()
    either.page.keyboard.press("Escape")
    times.select_text()
    times.press_sequentially("1")
    times.press("Enter")
    bar.get_by_text("× 3").wait_for(state="detached")  # noqa: RUF001
    either.clear()
    bar.get_by_text(two).wait_for(state="detached")
    assert emulator.counters.orders == 1


def test_a_batch_is_counted_beside_run_before_it_is_ordered(
    either: Canvas, emulator: Emulator
) -> None:
    chinese = either.classic
    either.clear()
    bar = either.bar
    node = either.program(catalog.IMAGE_TO_IMAGE, 500, 100)
    source = either.add("EmptyImage", 60, 100)
    preview = either.add("PreviewImage", 1000, 100)
    for name, value in (("width", 64), ("height", 64), ("batch_size", 3)):
        either.set_widget(source, name, value)
    (field,) = (name for name in either.node(node)["inputs"] if name.endswith(".image"))
    either.connect(source, "IMAGE", node, field)
    either.connect(node, "out_1", preview, "images")
    either.settle()
    # Three equal pictures are one order; with new seeds they are three.
    # Whether its cost is known depends on what ran before.
    bar.get_by_text("1 个任务" if chinese else "1 order").wait_for()
    either.set_widget(node, "reroll_seeds", True)
    either.settle()
    bar.get_by_text("3 个任务" if chinese else "3 orders").wait_for()
    either.picture("batch")
    either.run()
    assert emulator.counters.orders == 3
    bar.get_by_text(re.compile("约 .+3 个任务" if chinese else "about .+, 3 orders")).click()
    either.dialog.get_by_text(
        re.compile("3 个任务.每个" if chinese else "3 orders, each")
    ).wait_for()
    either.picture("batch each")
    either.page.keyboard.press("Escape")

    # Of what comes out of another program nobody knows how many there will be.
    first = either.program(catalog.TEXT_TO_IMAGE, 60, 500)
    either.connect(first, "out_1", node, field)
    either.settle()
    least = re.compile("至少 4 个任务" if chinese else "at least 4 orders")
    bar.get_by_text(least).wait_for()
    either.picture("batch at least")


def test_equal_nodes_are_one_order_beside_run_and_in_the_run(
    either: Canvas, emulator: Emulator
) -> None:
    chinese = either.classic
    either.clear()
    bar = either.bar
    nodes = [either.program(catalog.TEXT_TO_IMAGE, 60 + 420 * place, 100) for place in range(2)]
    for place, node in enumerate(nodes):
        preview = either.add("PreviewImage", 60 + 420 * place, 620)
        either.connect(node, "out_1", preview, "images")
    seed = next(name for name in either.node(nodes[0])["widgets"] if name.endswith(".seed"))
    for node, value in zip(nodes, (7, 8), strict=True):
        either.set_widget(node, seed, value)
        either.set_widget(node, f"{seed} control_after_generate", "fixed")
    either.settle()
    bar.get_by_text("2 个任务" if chinese else "2 orders").wait_for()
    either.set_widget(nodes[1], seed, 7)
    either.settle()
    bar.get_by_text("1 个任务" if chinese else "1 order").wait_for()
    either.picture("equal")
    either.run()
    assert emulator.counters.orders == 1


def test_a_sum_that_could_not_be_asked_for_comes_later(canvas: Canvas) -> None:
    canvas.clear()
    bar = canvas.bar
    node, _ = canvas.painting()
    canvas.settle()
    line = bar.get_by_text("1 order")
    line.wait_for()
    canvas.forgive("Failed to load resource")
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    canvas.change_page().route("**/runninghub/quote", lose, times=1)
    canvas.set_widget(node, "instance", "plus")
    canvas.settle()
    line.wait_for(state="detached")
    # Nothing changes meanwhile.
    line.wait_for()
    assert len(lost) == 1
