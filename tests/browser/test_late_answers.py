"""Answers of our own routes that come late, in another order, or not at all, while a person goes
on: what was meant last is what stands, and nothing is ordered twice."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error

from rh_api.emulator import Emulator, Fault, catalog
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel
from tests.browser.test_migration import notices
from tests.browser.test_migration import opened as open_old_graph
from tests.browser.test_models import KLING, model, press
from tests.support.service import CREATE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Request, Route

OTHER = "kling-v3.0-std/image-to-video"
PROGRAM = "RunningHubRemoteWorkflow"
LIMITS = {"order": "", "prompt": "", "day": "", "floor": "", "allowed": [], "today": ""}


class Held:
    """Requests for one of our files or routes, which wait from now on."""

    def __init__(self, canvas: Canvas, path: str) -> None:
        self._canvas = canvas
        self._path = f"**/runninghub/{path}" if "." not in path else f"**/{path}*"
        self._asked: list[Request] = []
        self._over: list[Request] = []
        self.waiting: list[Route] = []
        canvas.page.on("request", lambda request: self._asked.append(request))
        canvas.page.on("requestfinished", lambda request: self._over.append(request))
        canvas.page.on(
            "requestfailed", lambda request: self._over.append(request)
        )  # also those that the page gave up
        canvas.change_page().route(self._path, lambda route: self.waiting.append(route))

    def wait_for(self, count: int = 1) -> None:
        self._canvas.until(lambda: len(self.waiting) >= count)

    @property
    def open(self) -> list[Route]:
        """Those that the page still waits for."""
        return [route for route in self.waiting if route.request not in self._over]

    def answer(self) -> None:
        """Lets all go on, one after the other, until the page has worked on their answers."""
        for route in self.waiting:
            with contextlib.suppress(Error):  # given up meanwhile
                route.continue_()
            self._canvas.until(lambda its=route.request: its in self._over)
        count = len(self.waiting)
        self._canvas.page.unroute(self._path)
        for route in self.waiting[count:]:  # asked for in between
            route.continue_()
        self.settle()

    def answer_one(self, index: int, **answer: Any) -> None:
        """Lets one go on, or answers it so, until the page has worked on that."""
        route = self.waiting[index]
        if answer:
            route.fulfill(**answer)
        else:
            route.continue_()
        self._canvas.until(lambda: route.request in self._over)
        self.settle()

    def settle(self) -> None:
        """Until what the page has got is shown: nothing but what waits here is open, and in two
        frames it asked for nothing more."""
        waiting = [route.request for route in self.waiting]
        count = -1
        while count != len(self._asked):
            self._canvas.until(lambda: not {*self._asked} - {*self._over, *waiting})
            count = len(self._asked)
            self._canvas.run_js(
                """() => new Promise((done) =>
                    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""
            )


def orders(canvas: Canvas, count: int) -> Locator:
    word = "个任务" if canvas.classic else "order" if count == 1 else "orders"
    return canvas.bar.get_by_text(f"{count} {word}")


# What a node is


def test_a_model_that_was_chosen_back_stays(either: Canvas, models_account: None) -> None:
    either.clear()
    node = model(either, KLING)
    before = either.prompt()
    held = Held(either, "program")
    either.set_widget(node, "model", OTHER)
    held.wait_for()
    either.set_widget(node, "model", KLING)
    held.answer()
    assert either.prompt() == before


def test_a_link_that_was_typed_back_opens_no_chooser(either: Canvas) -> None:
    either.clear()
    node = either.program(catalog.TEXT_TO_IMAGE)
    before = either.prompt()
    held = Held(either, "program")
    either.type_into(node, "workflow", catalog.INVERT)
    held.wait_for()
    either.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    held.answer()
    assert either.dialog.count() == 0
    assert either.prompt() == before


def test_a_program_that_comes_after_its_workflow_was_closed_opens_no_chooser(
    either: Canvas,
) -> None:
    either.clear()
    node = either.add(PROGRAM)
    held = Held(either, "program")
    either.type_into(node, "workflow", catalog.INVERT)
    held.wait_for()
    either.clear()
    held.answer()
    assert either.dialog.count() == 0


def test_checks_of_workflows_that_were_left_keep_no_run_waiting(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    saved = canvas.workflow()
    held = Held(canvas, "program")
    for count in range(1, 5):
        canvas.load(saved)
        held.wait_for(count)
    canvas.until(lambda: len(held.open) == 1)
    held.answer()


def test_options_that_come_after_another_workflow_was_opened_are_not_for_its_marks(
    canvas: Canvas,
) -> None:
    canvas.marked_part(64)
    other = canvas.workflow()
    (inverted,) = canvas.nodes("ImageInvert")
    canvas.select(inverted)
    held = Held(canvas, "segment_options.mjs")
    canvas.run_js("() => void app.extensionManager.command.execute('runninghub.segments.options')")
    held.wait_for()
    canvas.load(other)
    held.answer()
    assert canvas.dialog.count() == 0


def test_a_node_from_the_panel_may_be_used_before_its_program_is_there(either: Canvas) -> None:
    either.clear()
    panel = Panel(either)
    panel.open("add")
    held = Held(either, "program")
    box = panel.view.get_by_placeholder(panel.words["paste"])
    box.fill(catalog.TEXT_TO_IMAGE)
    box.press("Enter")
    held.wait_for()
    (node,) = either.nodes(PROGRAM)
    either.press_widget(node, "choose_fields")
    held.wait_for(2)
    box.fill(catalog.INVERT)  # what is typed meanwhile
    held.answer()
    either.dialog.get_by_role("tree").first.wait_for()
    either.primary()
    assert either.nodes(PROGRAM) == [node]
    assert box.input_value() == catalog.INVERT


def test_a_link_whose_program_did_not_come_can_be_tried_again(canvas: Canvas) -> None:
    canvas.clear()
    canvas.forgive("Failed to load resource")
    panel = Panel(canvas)
    panel.open("add")
    canvas.change_page().route(
        "**/runninghub/program", lambda route: route.fulfill(status=500), times=1
    )
    box = panel.view.get_by_placeholder(panel.words["paste"])
    box.fill(catalog.TEXT_TO_IMAGE)
    box.press("Enter")
    canvas.dialog.wait_for()
    canvas.primary()
    canvas.until(lambda: canvas.nodes(PROGRAM) == [])
    canvas.until(lambda: box.input_value() == catalog.TEXT_TO_IMAGE)
    box.press("Enter")
    canvas.until(lambda: "6.text" in str([canvas.node(node) for node in canvas.nodes(PROGRAM)]))


def test_a_fresh_node_opens_its_start_though_nothing_answers(either: Canvas) -> None:
    either.clear()
    held = Held(either, "samples")
    node = either.add(PROGRAM)
    either.press_widget(node, "choose_fields")
    either.dialog.wait_for()
    held.wait_for()
    either.picture("no samples yet")
    lines = either.dialog.locator(".lines button")
    before = lines.count()
    held.answer()
    either.until(lambda: lines.count() > before)
    either.picture("samples")
    # Nobody is asked for what is stored.
    assert "密钥" not in either.dialog.inner_text()
    assert "key" not in either.dialog.inner_text()


def test_a_chooser_that_cannot_be_loaded_says_so(canvas: Canvas) -> None:
    canvas.clear()
    canvas.forgive("Failed to load resource")
    canvas.change_page().route("**/chooser.mjs*", lambda route: route.abort())
    node = canvas.add(PROGRAM)
    canvas.type_into(node, "workflow", catalog.TEXT_TO_IMAGE)
    canvas.page.get_by_text("dynamically imported module").first.wait_for()
    canvas.page.unroute("**/chooser.mjs*")
    canvas.press_widget(node, "choose_fields")
    canvas.dialog.get_by_role("tree").first.wait_for()


# What it costs


def test_a_price_of_values_that_were_changed_is_not_shown(
    either: Canvas, emulator: Emulator, models_account: None
) -> None:
    emulator.preview_placeholders = "accepted"
    either.clear()
    node = model(either, KLING)

    def price() -> str:
        return either.node(node)["labels"]["price"]

    either.until(lambda: "1.04" in price())
    held = Held(either, "models/preview")
    press(either, node, "price")
    held.wait_for()
    either.set_widget(node, "sound", False)
    either.until(lambda: "0.69" in price())
    held.answer()
    assert "0.69" in price()


def test_the_sum_comes_though_a_node_is_moved_while_it_is_asked(either: Canvas) -> None:
    either.clear()
    first, _ = either.painting()
    either.settle()
    orders(either, 1).wait_for()
    held = Held(either, "quote")
    either.painting(600)
    either.settle()
    held.wait_for()
    either.run_js(
        """(id) => {
            const node = app.graph.nodes.find((node) => String(node.id) === id);
            node.pos = [node.pos[0] + 20, node.pos[1]];
        }""",
        first,
    )
    either.settle()
    # The page asks 700 ms after a change, and not for the same.
    either.page.wait_for_timeout(1_000)
    held.answer()
    orders(either, 2).wait_for()


def test_the_sum_of_another_graph_does_not_stay(either: Canvas) -> None:
    either.clear()
    either.painting()
    either.painting(600)
    either.settle()
    orders(either, 2).wait_for()
    held = Held(either, "quote")
    either.command("Comfy.NewBlankWorkflow")
    either.painting()
    either.settle()
    held.wait_for()
    orders(either, 2).wait_for(state="detached")
    held.answer()
    orders(either, 1).wait_for()


# The graph that is open


def test_sums_of_former_values_are_given_up_and_keep_no_run_waiting(either: Canvas) -> None:
    either.clear()
    node, _ = either.painting()
    orders(either, 1).wait_for()
    held = Held(either, "quote")
    # More than a browser has connections to a server.
    for count in range(1, 8):
        either.set_widget(node, "instance", "plus" if count % 2 else "default")
        either.settle()
        held.wait_for(count)
    either.until(lambda: len(held.open) == 1)
    held.answer()
    orders(either, 1).wait_for()


def test_old_nodes_are_replaced_where_they_were_looked_at(either: Canvas) -> None:
    open_old_graph(either)
    held = Held(either, "migration/replace")
    notices(either).first.get_by_role("button").first.click()
    either.dialog.wait_for()
    held.wait_for()
    either.picture("not looked at yet")
    held.answer()
    either.dialog.get_by_role("checkbox").first.click()
    held = Held(either, "migration/replace")
    either.dialog.locator("button.primary").click()
    held.wait_for()
    either.page.keyboard.press("Escape")
    either.dialog.wait_for(state="detached")
    either.command("Comfy.NewBlankWorkflow")
    _, preview = either.painting()
    before = (either.graph_id(), either.prompt())
    held.answer()
    assert (either.graph_id(), either.prompt()) == before
    assert either.nodes("PreviewImage") == [preview]


def test_how_a_graph_ended_is_not_shown_in_another(either: Canvas) -> None:
    either.clear()
    node, _ = either.painting()
    saved = either.workflow()
    held = Held(either, "ends")
    either.load(saved)
    held.wait_for()
    either.load({**saved, "id": "11111111-2222-4333-8444-555555555555"})
    held.wait_for(2)
    line = "paid in another graph"
    end = {
        "class_type": PROGRAM,
        "program": catalog.TEXT_TO_IMAGE,
        "line": {"en": line, "zh": line},
        "state": "paid",
        "shown": {},
    }
    with either.page.expect_response(lambda answer: "/queue" in answer.url):
        held.answer_one(0, json={"ends": {node: end}})
    assert line not in str(either.painted())
    held.answer_one(1, json={"ends": {node: end}})
    either.until(lambda: line in str(either.painted()))


# The panel and the settings


def test_an_order_whose_answer_was_lost_is_not_ordered_again_twice(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node, _ = either.painting()
    text = "a reply lost " + ("旧" if either.classic else "new")
    either.set_widget(node, "6.text", text)
    either.run()
    panel = Panel(either)
    panel.open("history")
    search = panel.view.get_by_role("searchbox")
    search.fill(text)
    either.until(lambda: panel.orders.count() == 1)
    panel.orders.first.click()
    either.forgive("Failed to load resource")
    before = emulator.counters.orders

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    either.change_page().route("**/runninghub/history/again", lose, times=1)
    panel.button("again").click()
    panel.button("again_sure").click()
    panel.view.locator(".answer.bad").first.wait_for()
    either.picture("lost")
    assert emulator.counters.orders == before + 1
    # Also after a look at the list.
    panel.view.locator(".back").click()
    search.fill(f"{text} ")
    either.until(lambda: panel.orders.count() == 2)
    panel.orders.last.click()
    panel.button("again").click()
    panel.button("again_sure").click()
    panel.view.locator(".overview").wait_for()
    assert emulator.counters.orders == before + 1


def test_an_order_that_may_have_started_is_sent_again_by_a_second_press(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    canvas.set_widget(node, "6.text", "an order without a reply")
    canvas.run()
    panel = Panel(canvas)
    panel.open("history")
    panel.view.get_by_role("searchbox").fill("without a reply")
    canvas.until(lambda: panel.orders.count() == 1)
    panel.orders.first.click()
    canvas.forgive("Failed to load resource")
    before = emulator.counters.orders
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    panel.button("again").click()
    panel.button("again_sure").click()
    panel.view.get_by_text("may be running").wait_for()
    assert emulator.counters.orders == before + 1
    # The user has read that it may cost twice.
    panel.button("again").click()
    panel.button("again_sure").click()
    panel.view.locator(".overview").wait_for()
    assert emulator.counters.orders == before + 2
    panel.open("now")  # until it is over: the service forgets its tasks after a test
    panel.view.get_by_text(panel.words["none"]).wait_for()


def test_an_order_that_cannot_be_shown_leaves_a_way_back(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    canvas.run()
    panel = Panel(canvas)
    panel.open("history")
    canvas.forgive("Failed to load resource")
    held = Held(canvas, "history/order")
    panel.orders.first.click()
    held.wait_for()
    canvas.picture("loading")
    back = panel.view.locator(".back")
    back.click()
    panel.orders.first.click()
    held.wait_for(2)
    held.answer_one(1, status=500, body="<html>")
    panel.view.locator(".bad").first.wait_for()
    canvas.picture("failed")
    # The answer to the first comes when nobody waits for it.
    held.answer_one(0)
    assert panel.view.locator(".bad").count() == 1
    back.click()
    panel.orders.first.wait_for()


def test_the_view_that_was_opened_last_stays(canvas: Canvas) -> None:
    held = Held(canvas, "panel/now.mjs")
    panel = Panel(canvas)
    held.wait_for()
    panel.open("spend")
    panel.view.get_by_role("combobox").first.wait_for()
    held.answer()
    assert panel.view.get_by_role("combobox").count() == 1


def test_covers_that_do_not_come_leave_connections_to_run(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    held = Held(canvas, "apps/cover")
    Panel(canvas).open("add")
    held.wait_for()
    frames = canvas.page.locator(".runninghub-panel .cover")
    assert frames.count() > 3
    held.settle()
    assert len(held.open) == 3
    held.answer()
    canvas.until(lambda: frames.locator("img").count() > 3)


def test_limits_are_those_of_the_account_that_is_chosen(canvas: Canvas) -> None:
    page = canvas.settings("Limits of cost")
    held = Held(canvas, "limits")
    account = page.get_by_role("combobox").first
    limit = page.get_by_role("textbox").first
    account.select_option(index=1)
    held.wait_for()
    limit.wait_for(state="detached")  # those of another account
    account.select_option(index=0)
    held.wait_for(2)
    held.answer_one(1, json={**LIMITS, "order": "5 coins"})
    limit.wait_for()
    held.answer_one(0, json={**LIMITS, "order": "999 coins"})
    assert limit.input_value() == "5 coins"
