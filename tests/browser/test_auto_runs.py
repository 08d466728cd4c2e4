"""ComfyUI's "Run (On Change)" and "Run (Instant)": what they would order is asked about first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.browser.frontends import SILENT
from tests.browser.hosts import Host
from tests.browser.test_models import model

if TYPE_CHECKING:
    from playwright.sync_api import Locator

# `begun` hears of them so.
tells_of_its_runs = pytest.mark.later("tells of a run that it begins it by itself")

ONCE, ON_CHANGE, AGAIN = range(3)  # the lines of the menu beside Run

# No test orders it: what an account has paid for a model would be its price at any resolution.
NEVER_ORDERED = "rhart-image-n-pro-official/text-to-image"


def run_by_itself(canvas: Canvas, mode: int) -> None:
    """Chooses how Run works, and notes from now on what became of each run that ComfyUI began."""
    canvas.run_js(
        """() => {
            window.begun = [];
            const { queuePrompt } = app;
            app.queuePrompt = async (...given) => {
                const went = await queuePrompt.apply(app, given);
                if (given[2]?.intent?.trigger_source === "auto_queue") begun.push(went);
                return went;
            };
        }"""
    )
    choose(canvas, mode)


def choose(canvas: Canvas, mode: int) -> None:
    """Takes one of the lines of the menu beside Run, as a person does."""
    page = canvas.page
    page.locator('[data-testid="queue-mode-menu-trigger"], .p-splitbutton-dropdown').first.click()
    lines = page.locator("[role=menuitem], [role=menuitemradio]")
    lines.nth(mode).click()
    # It stays open, and takes the keys: one front end closes it by Escape, the other by a click.
    page.keyboard.press("Escape")
    page.mouse.click(700, 800)
    lines.first.wait_for(state="detached")


def begun(canvas: Canvas, went: bool) -> int:
    """How many runs ComfyUI began by itself that went out, or did not."""
    return canvas.run_js("(went) => begun.filter((run) => run === went).length", went)


def question(canvas: Canvas) -> Locator:
    return canvas.page.locator(".runninghub-notices [role=alert]")


def press(canvas: Canvas, english: str, chinese: str) -> None:
    name = chinese if canvas.classic else english
    question(canvas).get_by_role("button", name=name, exact=True).click()


def type_text(canvas: Canvas, node: str, text: str) -> None:
    """Key by key, at the end of what is there, and leaves it by a click: 1.49 looks only then."""
    box = (canvas.page if canvas.classic else canvas.shown(node)).locator("textarea").first
    box.click()
    box.press("End")
    box.press_sequentially(text, delay=60)
    canvas.page.mouse.click(700, 800)


def bar_says(canvas: Canvas, english: str, chinese: str) -> None:
    bar = canvas.bar
    bar.get_by_text(chinese if canvas.classic else english).wait_for()


def come_to_rest(canvas: Canvas) -> None:
    """Nothing begins by itself any more, and what runs ends: the next test has the same journal."""
    choose(canvas, ONCE)
    canvas.run_js(
        """async () => {
            const left = async () => Object.values(await (await app.api.fetchApi("/queue")).json()).flat();
            while ((await left()).length > 0) await new Promise((done) => setTimeout(done, 50));
        }"""
    )


def texts(emulator: Emulator) -> list[str]:
    """The texts of all orders."""
    return [task.graph["6"]["inputs"]["text"] for task in emulator.tasks.values()]


def test_a_text_that_is_typed_is_one_order_once_it_is_allowed(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node, preview = either.painting()
    either.settle()
    run_by_itself(either, ON_CHANGE)
    bar_says(either, "at each change", "每次更改")
    type_text(either, node, " in the fog")
    question(either).wait_for()
    either.picture("asked")
    assert emulator.counters.orders == 0
    press(either, "Let it order", "允许自动下单")
    either.shows_picture(preview)
    type_text(either, node, " of a cold night")
    either.until(lambda: emulator.counters.orders > 1)
    whole = "a lighthouse at dusk in the fog"
    assert texts(emulator) == [whole, f"{whole} of a cold night"]
    come_to_rest(either)


@pytest.mark.usefixtures("models_account")
def test_the_question_names_the_price_of_the_change_that_asks(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = model(either, NEVER_ORDERED)
    either.set_widget(node, "prompt", "a boat in the fog")
    save = either.add("PreviewImage", 960, 60)
    either.connect(node, "images", save, "images")
    either.settle()
    bar = either.bar
    run_by_itself(either, ON_CHANGE)
    bar_says(either, "at each change", "每次更改")
    before, after = (
        ("约 0.8 元", "约 1.5 元") if either.classic else ("about 0.8 CNY", "about 1.5 CNY")
    )
    bar.get_by_text(before).wait_for()
    either.set_widget(node, "resolution", "4k")
    either.settle()
    question(either).wait_for()
    # The bar is empty for a while, where the answer takes its time.
    bar.get_by_text(after).wait_for()
    question(either).get_by_text(bar.get_by_text(after).inner_text()).wait_for()
    assert emulator.counters.orders == 0
    come_to_rest(either)


@tells_of_its_runs
def test_a_seed_that_comfyui_draws_is_no_change(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    either.set_widget(node, "3.seed control_after_generate", "randomize")
    either.settle()
    run_by_itself(either, ON_CHANGE)
    either.run()
    either.settle()
    either.until(lambda: begun(either, went=False) > 0)
    assert emulator.counters.orders == 1
    assert question(either).count() == 0
    come_to_rest(either)


@tells_of_its_runs
def test_again_and_again_is_asked_about_where_it_would_pay(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node, _ = either.painting()
    either.settle()
    run_by_itself(either, AGAIN)
    bar_says(either, "again and again", "循环运行")
    # Only the button begins it, no command.
    either.page.locator("[data-testid=queue-button]").first.click()
    # The same inputs pay nothing.
    either.until(lambda: begun(either, went=True) > 1)
    assert question(either).count() == 0
    either.set_widget(node, "3.seed control_after_generate", "randomize")
    question(either).wait_for()
    either.picture("asked")
    assert emulator.counters.orders == 1
    press(either, "Let it order", "允许自动下单")
    either.until(lambda: emulator.counters.orders > 2)
    # Stop is no word for more.
    emulator.hold_at = "3"
    either.says(node, "KSampler")
    either.command("Comfy.Interrupt")
    question(either).wait_for()
    orders = emulator.counters.orders
    press(either, "Turn it off", "关闭自动运行")
    emulator.hold_at = None
    either.set_widget(node, "3.seed control_after_generate", "fixed")
    either.run()
    assert emulator.counters.orders == orders + 1
    come_to_rest(either)


def test_what_is_drawn_while_an_answer_is_late_is_asked_about_too(
    either: Canvas, emulator: Emulator
) -> None:
    # ComfyUI tells the end of such a run before it answers that it was queued, begins the next one,
    # and draws the new seed in between.
    either.clear()
    node, _ = either.painting()
    either.settle()
    either.run()
    either.answer_late()
    either.set_widget(node, "3.seed control_after_generate", "randomize")
    run_by_itself(either, AGAIN)
    either.page.locator("[data-testid=queue-button]").first.click()
    question(either).wait_for()
    assert emulator.counters.orders == 1
    press(either, "Turn it off", "关闭自动运行")
    come_to_rest(either)


@tells_of_its_runs
def test_a_run_that_failed_before_it_was_answered_is_no_paid_one(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    either.painting()
    source = either.add("EmptyImage", 100, 600)
    either.connect(source, "IMAGE", either.add("PreviewImage", 500, 600), "images")
    either.settle()
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "too big"}
    either.answer_late()
    either.run("execution_error")
    either.wait_for("() => answered > 0")
    either.settle()
    # Nothing that the order hangs on: but it would be a new one.
    run_by_itself(either, ON_CHANGE)
    either.set_widget(source, "width", 72)
    either.settle()
    either.until(lambda: begun(either, went=False) > 0)
    assert emulator.counters.orders == 1
    come_to_rest(either)


@pytest.mark.parametrize("mode", [ON_CHANGE, AGAIN])
def test_a_front_end_that_tells_of_no_automatic_run_is_asked_too(
    kind: str,
    hosts: Callable[[str, str], Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
    mode: int,
) -> None:
    canvas = opened(hosts(kind, SILENT), classic=True)
    canvas.clear()
    node, preview = canvas.painting()
    canvas.settle()
    choose(canvas, mode)
    run = canvas.page.locator("[data-testid=queue-button]").first
    # A press is no automatic run.
    run.click()
    canvas.shows_picture(preview)
    assert question(canvas).count() == 0
    canvas.set_widget(node, "3.seed", 4321 + mode)
    canvas.settle()
    question(canvas).wait_for()
    assert emulator.counters.orders == 1
    press(canvas, "Let it order", "允许自动下单")
    canvas.until(lambda: emulator.counters.orders == 2)
    come_to_rest(canvas)


@tells_of_its_runs
def test_what_pays_nothing_new_runs_as_ever(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    either.painting()
    source = either.add("EmptyImage", 100, 600)
    either.connect(source, "IMAGE", either.add("PreviewImage", 500, 600), "images")
    either.settle()
    either.run()
    run_by_itself(either, ON_CHANGE)
    either.set_widget(source, "width", 72)
    either.settle()
    either.until(lambda: begun(either, went=True) > 0)
    assert question(either).count() == 0
    assert emulator.counters.orders == 1
    come_to_rest(either)


def test_a_marked_part_is_asked_about_too(canvas: Canvas, emulator: Emulator) -> None:
    source, _, shown = canvas.marked_part(88)
    canvas.settle()
    run_by_itself(canvas, ON_CHANGE)
    canvas.set_widget(source, "width", 96)
    canvas.settle()
    question(canvas).wait_for()
    assert emulator.counters.orders == 0
    press(canvas, "Let it order", "允许自动下单")
    canvas.shows_picture(shown)
    assert emulator.counters.orders == 1
    come_to_rest(canvas)
