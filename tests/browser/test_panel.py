"""The panel in the sidebar: what runs, what ran, what it cost, what can be added;
by mouse and keyboard."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas, is_prompt
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host
from tests.browser.panel import Panel
from tests.browser.tab import GONE
from tests.browser.test_models import model

SAMPLER = "3"  # of catalog.TEXT_TO_IMAGE


def covering(canvas: Canvas) -> list[str]:
    """Classes of nodes that lie on one another, as they are shown."""
    return canvas.run_js(
        """() => {
            const shown = ({ id, boundingRect: [x, y, width, height] }) => {
                const element = document.querySelector(`[data-node-id="${id}"]`);
                return [x, y, element?.offsetWidth || width, element?.offsetHeight || height];
            };
            const on = ([x, y, width, height], [left, top, wide, high]) =>
                x < left + wide && left < x + width && y < top + high && top < y + height;
            const { nodes } = app.canvas.graph;
            return nodes.filter((node) =>
                nodes.some((other) => other !== node && on(shown(node), shown(other)))).map(({ type }) => type);
        }"""
    )


def test_what_is_under_way_is_shown_and_stopped(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    either.painting()
    panel = Panel(either)
    panel.open("now")
    panel.view.get_by_text(panel.words["none"]).wait_for()
    emulator.hold_at = SAMPLER
    either.start()
    bar = panel.view.get_by_role("progressbar")
    bar.wait_for()
    panel.view.locator(".line").get_by_text(re.compile(r"\S")).first.wait_for()
    panel.button("show").click()
    either.picture("now")
    either.forgive("execution_error|cancelled")
    panel.button("cancel").click()
    panel.button("sure").click()
    panel.view.get_by_text(panel.words["none"]).wait_for()
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"


@pytest.mark.every_frontend
def test_an_order_is_found_shown_used_and_deleted(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    text = "a lighthouse " + ("旧" if either.classic else "new")
    either.set_widget(node, "6.text", text)
    either.run()
    panel = Panel(either)
    panel.open("history")
    panel.orders.first.wait_for()
    search = panel.view.get_by_role("searchbox")
    search.fill("lighthouse nothing-like-it")
    panel.orders.first.wait_for(state="detached")
    search.fill(text)
    panel.orders.first.wait_for()
    assert panel.orders.count() == 1
    panel.orders.first.locator("img").wait_for()
    either.picture("list")

    search.press("ArrowDown")
    either.page.keyboard.press("Enter")
    panel.view.locator(".result img").wait_for()
    # As on the node, not 6.text.
    panel.view.locator("dt:text-is('Positive') + dd").get_by_text(text).wait_for()
    either.picture("order")
    panel.button("loader").click()
    either.until(lambda: len(either.nodes("LoadImage")) == 1)
    (loader,) = either.nodes("LoadImage")
    either.set_widget(loader, "image", "example.png")
    panel.button("into").click()
    either.until(lambda: "runninghub-" in either.node(loader)["widgets"]["image"])
    assert len(either.nodes("LoadImage")) == 1

    either.clear()
    panel.button("into").click()
    panel.view.get_by_text("LoadImage").or_(panel.view.get_by_text("Load Image")).or_(
        panel.view.get_by_text("加载图像")
    ).first.wait_for()
    panel.button("use").click()
    either.until(lambda: len(either.nodes("RunningHubRemoteWorkflow")) == 1)
    (added,) = either.nodes("RunningHubRemoteWorkflow")
    either.until(lambda: either.node(added)["widgets"].get("6.text") == text)
    either.picture("used")
    panel.button("loader").click()
    either.until(lambda: len(either.nodes("LoadImage")) == 1)
    assert covering(either) == []
    either.picture("beside it")

    orders = emulator.counters.orders
    panel.button("again").click()
    panel.button("again_sure").click()
    either.until(lambda: emulator.counters.orders == orders + 1)
    either.until(lambda: panel.orders.locator(".dot.done").count() == 2)
    panel.orders.first.click()
    panel.button("delete").click()
    either.dialog.get_by_role("button", name=panel.words["delete"], exact=True).click()
    either.until(lambda: panel.orders.count() == 1)
    # The keyboard is where the order was.
    assert panel.view.get_by_role("listbox").evaluate("(list) => list === document.activeElement")


def test_the_options_of_an_order_come_back_with_its_inputs(either: Canvas) -> None:
    """With others it would be another order."""
    either.clear()
    node, _ = either.painting()
    text = "a moth " + ("旧" if either.classic else "new")
    either.set_widget(node, "6.text", text)
    either.set_widget(node, "add_metadata", value=False)
    either.run()
    either.clear()
    panel = Panel(either)
    panel.use_inputs(text)
    either.until(lambda: len(either.nodes("RunningHubRemoteWorkflow")) == 1)
    (added,) = either.nodes("RunningHubRemoteWorkflow")
    either.until(lambda: either.node(added)["widgets"].get("6.text") == text)
    assert either.node(added)["widgets"]["add_metadata"] is False


def test_a_picture_comes_back_in_a_loader_and_the_view_stays(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = either.program(catalog.INVERT)
    loader = either.add("LoadImage", 100, 500)
    either.connect(loader, "IMAGE", node, "10.image")
    either.connect(node, "out_1", either.add("PreviewImage", 800, 150), "images")
    either.run()
    either.clear()
    panel = Panel(either)
    panel.open("history")
    # The time is not what a narrow row cuts; its tooltip has the date.
    line = panel.orders.first.locator(".muted")
    assert re.match(r"(done|完成) · \d+:\d\d", line.inner_text())
    assert re.search(r"20\d\d.*\d:\d\d", line.get_attribute("title") or "")
    panel.orders.first.click()
    either.run_js("() => Object.assign(app.canvas.ds, { scale: 0.5 })")
    view = "() => [...app.canvas.ds.offset, app.canvas.ds.scale]"
    before = either.run_js(view)
    panel.button("use").click()
    either.until(lambda: len(either.nodes("LoadImage")) == 1)
    (loader,) = either.nodes("LoadImage")
    (node,) = either.nodes("RunningHubRemoteWorkflow")
    assert either.node(node)["inputs"]["10.image"]["linked"]
    either.picture("used")
    assert either.run_js(view) == before
    # Out of sight it is brought into view.
    either.select(node)
    either.run_js("() => { app.canvas.ds.offset[0] -= 5000; }")
    moved = either.run_js(view)
    panel.button("use").click()
    either.until(lambda: either.run_js(view) != moved)
    either.connect(node, "out_1", either.add("PreviewImage", 800, 150), "images")
    sent = emulator.counters.upload_bytes
    either.run()
    assert emulator.counters.upload_bytes == sent  # the same picture, byte for byte


@pytest.mark.usefixtures("models_account")
def test_two_pictures_come_back_beside_what_is_there_with_their_labels(either: Canvas) -> None:
    either.clear()
    node = model(either, "alibaba/wan-2.7/image-to-video")
    for field, color in (("firstImageUrl", 77), ("lastImageUrl", 400)):
        source = either.add("EmptyImage", 60, color)
        either.set_widget(source, "color", color)
        either.connect(source, "IMAGE", node, field)
    either.set_widget(node, "prompt", "a boat")
    either.run()
    labels = {"首帧", "尾帧"} if either.classic else {"First frame", "Last frame"}
    panel = Panel(either)
    panel.open("history")
    panel.orders.first.click()
    panel.view.locator("dt").first.wait_for()
    assert labels < set(panel.view.locator("dt").all_inner_texts())
    panel.button("use").click()
    either.until(lambda: len(either.nodes("LoadImage")) == 2)
    loaders = either.nodes("LoadImage")
    assert {either.node(loader)["title"] for loader in loaders} == labels
    for loader in loaders:
        either.shows_picture(loader)
    either.picture("used")
    assert covering(either) == []


def test_a_marked_part_gives_its_values_back_and_is_ordered_anew(
    either: Canvas, emulator: Emulator
) -> None:
    canvas = either
    source, _, _ = canvas.marked_part(472)
    canvas.run_js("(id) => app.canvas.graph.getNodeById(id).title = 'before/after: *'", int(source))
    canvas.run()
    canvas.set_widget(source, "width", 64)
    panel = Panel(canvas)
    panel.open("history")
    panel.view.get_by_role("searchbox").fill("472 emptyimage")
    canvas.until(lambda: panel.orders.count() == 1)
    panel.orders.first.click()
    panel.view.locator("dd").get_by_text("472").wait_for()
    panel.button("use").click()
    canvas.until(lambda: canvas.node(source)["widgets"]["width"] == 472)
    canvas.picture("a part's values")
    canvas.clear()
    # Where its workflow is not open, the part opens as one of its own.
    panel.button("use").click()
    canvas.until(lambda: len(canvas.nodes("ImageInvert")) == 1)
    (source,) = canvas.nodes("EmptyImage")
    assert canvas.node(source)["widgets"]["width"] == 472
    # ComfyUI takes a slash of a tab's name for a folder.
    # Its tab has its name once its nodes are there.
    path = "() => app.extensionManager.workflow.activeWorkflow.path"
    canvas.until(lambda: canvas.run_js(path).startswith("workflows/before after"))
    assert canvas.run_js(path).count("/") == 1
    # Nothing of it is marked, and the next run would order nothing.
    bar = canvas.bar
    bar.get_by_text("1 个任务" if canvas.classic else "1 order").wait_for(state="detached")
    canvas.picture("a part in a workflow of its own")
    panel.button("again").click()
    panel.button("again_sure").click()
    canvas.until(lambda: panel.orders.count() == 2)
    first, second = (
        json.loads(entry.json["workflow"])
        for entry in emulator.journal
        if entry.path == "/task/openapi/create"
    )
    assert first == second
    panel.orders.first.locator("img").wait_for()
    canvas.picture("a part ordered anew")


def test_a_crash_and_another_browser_change_no_list(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
) -> None:
    def listed(canvas: Canvas) -> list[str]:
        panel = Panel(canvas)
        panel.open("history")
        panel.orders.nth(1).wait_for()
        return panel.orders.all_inner_texts()

    host = new_host(**account)
    canvas = opened(host)
    canvas.clear()
    node, _ = canvas.painting()
    canvas.run()
    canvas.ask_anew(node)
    canvas.run()
    orders = listed(canvas)
    assert len(orders) == 2
    second = opened(host)
    assert listed(second) == orders
    for tab in (canvas, second):
        tab.forgive(GONE)
    host.stop()
    assert listed(opened(new_host(**account))) == orders
    assert emulator.counters.orders == 2


def test_what_was_spent_is_summed_and_saved(either: Canvas) -> None:
    either.clear()
    either.painting()
    either.run()
    panel = Panel(either)
    panel.open("spend")
    panel.view.get_by_role("listitem").first.wait_for()
    assert panel.view.get_by_role("listitem").count() % 30 == 0
    label = panel.view.get_by_role("listitem").first.get_attribute("aria-label") or ""
    assert label.endswith(f": {panel.words['nothing']}")
    name = "文生图" if either.classic else "Text to image"
    panel.view.get_by_role("cell", name=name, exact=True).wait_for()
    either.picture("spend")
    with either.page.expect_download() as saved:
        panel.view.get_by_role("link", name=panel.words["csv"]).click()
    assert saved.value.suggested_filename == "runninghub-days.csv"


def test_an_app_is_put_on_the_canvas(either: Canvas) -> None:
    either.clear()
    panel = Panel(either)
    panel.open("add")
    cards = panel.view.locator(".gallery .program")
    cards.nth(5).wait_for()
    cards.first.locator(".cover img").wait_for()
    either.picture("add")
    panel.view.get_by_label(panel.words["search"]).fill("INVERT picture")
    either.until(lambda: cards.count() == 1)
    panel.view.get_by_label(panel.words["search"]).fill("")
    cards.first.get_by_role("button").first.click()
    either.until(lambda: len(either.nodes("RunningHubAIApp")) == 1)
    (added,) = either.nodes("RunningHubAIApp")
    either.until(lambda: either.node(added)["widgets"].get("app") in catalog.apps())
    either.picture("added")
    panel.view.get_by_label(panel.words["paste"]).fill(catalog.INVERT)
    panel.view.locator("form").get_by_role("button").click()
    either.until(lambda: len(either.nodes("RunningHubRemoteWorkflow")) == 1)


def test_the_keyboard_reaches_every_view(either: Canvas) -> None:
    panel = Panel(either)
    panel.open("now")
    tabs = panel.view.get_by_role("tab")
    for key, at in (
        ("ArrowRight", 1),
        ("End", 3),
        ("ArrowRight", 0),
        ("ArrowLeft", 3),
        ("Home", 0),
    ):
        either.page.keyboard.press(key)
        either.wait_for(
            "(at) => document.activeElement?.getAttribute('role') === 'tab'"
            " && document.activeElement === document.querySelectorAll('.runninghub-panel [role=tab]')[at]"
            " && document.activeElement.ariaSelected === 'true'",
            at,
        )
    assert tabs.count() == 4


def test_run_and_save_are_these_from_the_panel(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    either.run()
    panel = Panel(either)
    panel.open("history")
    panel.orders.first.wait_for()
    for place in ("listbox", "searchbox"):
        either.ask_anew(node)
        panel.view.get_by_role(place).focus()
        with either.page.expect_response(is_prompt) as answer:
            either.page.keyboard.press("Control+Enter")
        either.finished(answer.value.json()["prompt_id"])
    assert emulator.counters.orders == 3
    panel.view.get_by_role("searchbox").press("Control+s")
    either.name_file(f"saved from the panel {either.classic}")


def test_a_result_is_dragged_onto_the_canvas(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    canvas.run()
    panel = Panel(canvas)
    panel.open("history")
    panel.orders.first.wait_for()
    box = canvas.page.locator("#graph-canvas").bounding_box()
    assert box is not None
    panel.orders.first.drag_to(
        canvas.page.locator("#graph-canvas"), target_position={"x": box["width"] - 200, "y": 500}
    )
    canvas.until(lambda: len(canvas.nodes("LoadImage")) == 1)


def test_ten_thousand_orders_scroll_and_nothing_polls_while_it_is_closed(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    canvas.run()
    _fill(canvas, 10_000)
    panel = Panel(canvas)
    panel.open("history")
    panel.orders.first.wait_for()
    assert panel.orders.count() < 60
    canvas.page.keyboard.press("Tab")
    panel.view.get_by_role("listbox").focus()
    for _ in range(3):
        canvas.page.keyboard.press("End")
        canvas.page.wait_for_timeout(300)
    panel.view.get_by_role("searchbox").press_sequentially("prompt number 4711")
    canvas.until(lambda: panel.orders.count() == 1)
    canvas.picture("found among ten thousand")
    urls: list[str] = []
    canvas.command("runninghub.panel.open")
    panel.view.wait_for(state="detached")
    canvas.page.on("request", lambda request: urls.append(request.url))
    canvas.page.wait_for_timeout(6_000)
    assert [url for url in urls if "/runninghub/" in url] == []


def test_views_that_were_left_are_forgotten(canvas: Canvas) -> None:
    canvas.clear()
    canvas.painting()
    canvas.run()
    panel = Panel(canvas)
    browser = canvas.change_page().context.new_cdp_session(canvas.page)

    def look_around() -> None:
        for name, content in (("history", ".order"), ("spend", ".sums"), ("add", ".gallery img")):
            panel.open(name)
            panel.view.locator(content).first.wait_for()

    def nodes() -> int:
        """Of the page, those that it only remembers included."""
        panel.open("now")
        panel.view.get_by_text(panel.words["none"]).wait_for()
        for _ in range(2):
            browser.send("HeapProfiler.collectGarbage")
        return browser.send("Memory.getDOMCounters")["nodes"]

    look_around()
    before = nodes()
    for _ in range(6):
        look_around()
    assert nodes() - before < 500  # a view has hundreds


def _fill(canvas: Canvas, count: int) -> None:
    """Orders of long ago, as other processes left them, beside one that is there."""
    (file,) = canvas.host.base.rglob("orders.sqlite3")
    with closing(sqlite3.connect(file, timeout=30)) as db, db:
        row = db.execute("SELECT * FROM orders ORDER BY id DESC LIMIT 1")
        names = [column[0] for column in row.description]
        values = dict(zip(names, row.fetchone(), strict=True))
        del values["id"]
        marks = ", ".join("?" for _ in values)
        for number in range(count):
            inputs = json.dumps({"inputs": {"6.text": f"prompt number {number}"}, "name": ""})
            order = {
                **values,
                "identity_digest": f"x{number}",
                "what": inputs,
                "task_id": f"7{number}",
            }
            db.execute(
                f"INSERT INTO orders ({', '.join(order)}) VALUES ({marks})", tuple(order.values())
            )


@pytest.mark.parametrize("width", [320, 900])
def test_hostile_titles_are_text_at_any_width(canvas: Canvas, width: int) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    hostile = "<img src=x onerror='document.title=1'>\u202egnp.exe" + "W" * 300
    canvas.set_widget(node, "6.text", hostile)
    canvas.run()
    panel = Panel(canvas)
    canvas.run_js(
        """(width) => {
            const panel = document.querySelector(".runninghub-panel");
            panel.style.width = `${width}px`;
        }""",
        width,
    )
    for name in ("history", "spend", "add", "now"):
        panel.open(name)
        canvas.page.wait_for_timeout(500)
        wide = canvas.run_js(
            """() => [...document.querySelectorAll(".runninghub-panel *")].filter((element) =>
                element.getBoundingClientRect().right >
                document.querySelector(".runninghub-panel").getBoundingClientRect().right + 1
                && getComputedStyle(element).position !== "absolute" && !element.closest(".what, pre, .line"))
                .map((element) => element.className)"""
        )
        assert wide == []
        canvas.picture(f"{name} {width}")
    panel.open("history")
    panel.orders.first.click()
    panel.view.locator("dd").get_by_text("onerror").first.wait_for()
    assert panel.view.locator("dd img").count() == 0


@pytest.mark.parametrize("classic", [False, True], ids=["newest", "classic"])
def test_without_a_key_the_panel_offers_one_and_the_sandbox(
    new_host: Callable[..., Host], opened: Callable[..., Canvas], classic: bool
) -> None:
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    canvas.clear()
    panel = Panel(canvas)
    for name in ("now", "history", "spend", "add"):
        panel.open(name)
        panel.button("enter").wait_for()
        canvas.page.wait_for_load_state("networkidle")
        canvas.picture(f"no key {name}")
        assert panel.view.locator(".bad").count() == 0
        panel.button("more").wait_for(state="hidden")
        if name == "spend":
            assert panel.view.get_by_role("combobox").count() == 0  # nobody has an account
        assert "?" not in panel.view.inner_text()
    canvas.forgive("status of 400")
    panel.button("enter").click()
    canvas.dialog.locator("input[type=password]").wait_for()
    canvas.page.keyboard.press("Escape")
    panel.button("sandbox").click()
    canvas.until(lambda: canvas.nodes("RunningHubRemoteWorkflow") != [])
    (node,) = canvas.nodes("RunningHubRemoteWorkflow")
    assert canvas.node(node)["widgets"]["profile"] == "sandbox"
    canvas.picture("sample of the sandbox")


def test_in_the_sandbox_neither_a_repeat_nor_a_deletion_speaks_of_costs(
    new_host: Callable[..., Host], opened: Callable[..., Canvas]
) -> None:
    canvas = opened(new_host())
    canvas.clear()
    panel = Panel(canvas)
    panel.button("sandbox").click()
    canvas.until(lambda: len(canvas.nodes("RunningHubRemoteWorkflow")) == 1)
    # A short badge is not broken for a long one beside it.
    badges = canvas.page.locator(".lg-node .runninghub-badge")
    badges.get_by_text("nothing is paid").wait_for()
    canvas.picture("badges")
    line = badges.get_by_text("sandbox", exact=True).bounding_box()
    assert line is not None
    assert line["height"] < 30
    canvas.run()
    panel.open("history")
    panel.orders.first.click()
    panel.button("again").click()
    canvas.until(lambda: panel.orders.locator(".dot.done").count() == 2)
    panel.orders.first.click()
    panel.button("delete").click()
    assert "paid" not in canvas.dialog.inner_text()
    canvas.picture("deletion in the sandbox")
