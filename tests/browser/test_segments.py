"""A marked part of the graph runs on RunningHub, and looks as if it had run here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests
from PIL import Image

from rh_api.emulator import Account, Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host
from tests.browser.marks import by_command, colors, inverting, mark_of, menu_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator


# The frame of a node as it was drawn last, each kept by its place and the node's present height.
FRAMES = """() => {
    window.frames_drawn = new Map();
    const context = app.canvas.ctx, draw = context.roundRect;
    context.roundRect = function (x, y, width, height, radius) {
        if (radius === 10) window.frames_drawn.set(Math.round(x), height);
        return draw.call(this, x, y, width, height, radius);
    };
}"""
FITS = """(id) => {
    const node = app.graph.nodes.find((node) => String(node.id) === id);
    const height = Math.min(node.boundingRect[3], node.height ?? Infinity);
    const drawn = [...window.frames_drawn].filter(([x]) => Math.abs(x - node.pos[0]) < 10);
    return drawn.length > 0 && drawn.every(([, size]) => Math.abs(size - height) < 12);
}"""


def saved(canvas: Canvas, prompt_id: str, node_id: str) -> bytes:
    """The one file that a saver saved in a run."""
    (entry,) = canvas.finished(prompt_id)["outputs"][node_id]["images"]
    return requests.get(f"{canvas.host.url}/view", params=entry, timeout=10).content


def pixels(canvas: Canvas, prompt_id: str, node_id: str) -> np.ndarray:
    with Image.open(io.BytesIO(saved(canvas, prompt_id, node_id))) as picture:
        return np.asarray(picture.convert("RGB"))


def within_subgraph(canvas: Canvas, *node_ids: str) -> str:
    """Puts nodes into a new subgraph; the id of its node."""
    canvas.select(*node_ids)
    canvas.command("Comfy.Graph.ConvertToSubgraph")
    canvas.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    return canvas.run_js("() => String(app.graph.nodes.find((node) => node.subgraph).id)")


def fails(canvas: Canvas) -> Locator:
    """Runs into a failure of the inverting node; the notice of it."""
    canvas.run("execution_error")
    alert = canvas.page.locator(".runninghub-notices").get_by_role("alert")
    alert.get_by_role("heading", name="Invert Image").wait_for()
    alert.get_by_text("no room for this picture").wait_for()
    return alert


def by_shortcut(canvas: Canvas, node_id: str, _: bool) -> None:
    canvas.select(node_id)
    canvas.press("Alt+r")


def by_toolbox(canvas: Canvas, node_id: str, on: bool) -> None:
    if on:
        canvas.select(node_id)
    canvas.page.locator(".selection-toolbox .pi-cloud").click()


def by_menu(canvas: Canvas, node_id: str, on: bool) -> None:
    canvas.menu_entry(node_id, "Run on RunningHub" if on else "Run locally again")


def test_every_way_of_marking_marks_and_unmarks(canvas: Canvas) -> None:
    _, inverted, _ = inverting(canvas)
    for way in (by_shortcut, by_command, by_toolbox, by_menu):
        for on in (True, False):
            way(canvas, inverted, on)
            canvas.wait_for(
                """([id, on]) => on === Boolean(app.graph.nodes
                    .find((node) => String(node.id) === id).properties.runninghub?.segment)""",
                [inverted, on],
            )
            canvas.picture(f"{way.__name__} {'marked' if on else 'unmarked'}")


@pytest.mark.every_frontend
def test_a_marked_node_runs_there_and_unmarked_here_with_the_same_picture(
    either: Canvas, emulator: Emulator
) -> None:
    source, inverted, saver = inverting(either)
    here = pixels(either, either.run(), saver)
    assert emulator.tasks == {}
    by_command(either, inverted)
    either.set_widget(source, "color", next(colors))
    emulator.hold_at = inverted
    either.watch_progress()
    either.run_js(FRAMES)
    prompt_id = either.start()
    either.until(lambda: inverted in either.progressed())
    emulator.hold_at = None
    either.finished(prompt_id)
    either.shows_picture(saver)
    either.page.wait_for_function(FITS, arg=inverted)
    either.picture("ran there")
    there = pixels(either, prompt_id, saver)
    (task,) = emulator.tasks.values()
    assert task.order.inline
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}
    either.select(inverted)
    either.command("runninghub.segments.unmark")
    again = pixels(either, either.run(), saver)
    assert np.array_equal(there, again)
    assert not np.array_equal(here, there)
    assert len(emulator.tasks) == 1


def test_a_part_goes_by_the_route_of_its_mark(either: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(either)
    by_command(either, inverted)
    either.select(inverted)
    either.command("runninghub.segments.options")
    label, apply = ("提交路由", "应用") if either.classic else ("How the graph is sent", "Apply")
    route = either.dialog.get_by_label(label)
    assert route.input_value() == ""
    route.select_option("native")
    either.picture("route of a part")
    either.press_button(apply)
    assert either.node(inverted)["properties"]["runninghub"]["route"] == "native"
    either.load(either.workflow())
    either.run()
    either.shows_picture(saver)
    (task,) = emulator.tasks.values()
    assert task.order.route == "native"
    either.settle()
    either.select(inverted)
    either.command("runninghub.segments.options")
    either.dialog.get_by_label(label).select_option("")
    either.press_button(apply)
    assert "route" not in either.node(inverted)["properties"]["runninghub"]


@pytest.mark.every_frontend
def test_marks_survive_saving_copying_and_undo(either: Canvas) -> None:
    _, inverted, _ = inverting(either)
    by_command(either, inverted)
    name = mark_of(either, inverted)
    assert name
    either.load(either.workflow())
    assert mark_of(either, inverted) == name
    either.settle()
    either.select(inverted)
    either.press("Control+c")
    either.press("Control+v")
    either.wait_for("() => app.graph.nodes.length === 4")
    (copy,) = set(either.nodes("ImageInvert")) - {inverted}
    assert mark_of(either, copy) == name
    either.settle()
    either.select(inverted)
    either.command("runninghub.segments.unmark")
    assert mark_of(either, inverted) is None
    either.settle()
    either.command("Comfy.Undo")
    either.wait_for(
        """(id) => app.graph.nodes.find((node) => String(node.id) === id)
            .properties.runninghub?.segment""",
        inverted,
    )
    either.picture("undone")


def test_a_mark_of_a_node_that_is_not_installed_is_saved(either: Canvas) -> None:
    _, inverted, _ = either.marked_part(64)
    workflow = either.workflow()
    (lost,) = [node for node in workflow["nodes"] if str(node["id"]) == inverted]
    lost.update(type="NotInstalled", properties={"Node name for S&R": "NotInstalled"})
    either.forgive(r"api\.comfy\.org")  # asked for the pack of the missing class
    either.load(workflow)
    either.page.keyboard.press("Escape")  # ComfyUI's list of missing nodes
    for command, segment in (("mark", "1"), ("unmark", None)):
        either.select(inverted)
        either.command(f"runninghub.segments.{command}")
        (saved,) = [node for node in either.workflow()["nodes"] if str(node["id"]) == inverted]
        assert saved["properties"].get("runninghub", {}).get("segment") == segment
    either.command("runninghub.segments.mark")
    either.command("runninghub.segments.explain")
    either.dialog.get_by_text("NotInstalled").first.wait_for()
    either.picture("explained")


def test_the_whole_graph_is_switched_over_and_all_of_it_back(canvas: Canvas) -> None:
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    whole = "() => Boolean(app.rootGraph.extra.runninghub?.whole)"
    for is_on in (True, False, True):
        canvas.command("runninghub.segments.whole")
        assert canvas.run_js(whole) == is_on
        assert mark_of(canvas, inverted)
    canvas.command("runninghub.segments.unmark_all")
    assert not canvas.run_js(whole)
    assert mark_of(canvas, inverted) is None


def grouped(canvas: Canvas, node_id: str) -> tuple[float, float]:
    """Puts a group around a node; where on the page its title is."""
    x, y = canvas.run_js(
        """(id) => {
            const node = app.graph.nodes.find((node) => String(node.id) === id);
            const group = new LiteGraph.LGraphGroup("there");
            app.graph.add(group);
            group.pos = [node.pos[0] - 20, node.pos[1] - 90];
            group.size = [node.size[0] + 40, node.size[1] + 130];
            app.canvas.draw(true, true);
            const [x, y] = app.canvas.ds.convertOffsetToCanvas([group.pos[0] + 110, group.pos[1] + 14]);
            const box = app.canvas.canvas.getBoundingClientRect();
            return [box.x + x, box.y + y];
        }""",
        node_id,
    )
    return x, y


def test_a_marked_group_means_its_members(either: Canvas, emulator: Emulator) -> None:
    source, inverted, saver = inverting(either)
    x, y = grouped(either, inverted)

    def on_group(entry: str) -> None:
        """From its context menu, or where that is closed to us, from the toolbox above it."""
        if either.classic:
            either.page.mouse.click(x, y, button="right")
            either.page.locator(".litecontextmenu").get_by_text(entry).click()
        else:
            either.page.mouse.click(x, y)
            either.page.locator(".selection-toolbox .pi-cloud").click()

    on_group("在 RunningHub 上运行")
    either.wait_for("() => app.graph.groups[0].flags.runninghub?.segment")
    either.picture("marked")
    either.run()
    either.shows_picture(saver)
    (task,) = emulator.tasks.values()
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}
    on_group("改回本地运行")
    either.wait_for("() => !app.graph.groups[0].flags.runninghub?.segment")
    either.set_widget(source, "color", next(colors))
    either.run()
    assert len(emulator.tasks) == 1


def test_a_marked_subgraph_means_all_inside(canvas: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(canvas)
    by_command(canvas, within_subgraph(canvas, inverted))
    canvas.picture("marked")
    canvas.run()
    canvas.shows_picture(saver)
    (task,) = emulator.tasks.values()
    assert "ImageInvert" in {node["class_type"] for node in task.order.graph.values()}
    canvas.until(lambda: any("done in" in line for line in canvas.painted()))
    canvas.picture("done")


def offered(menu: Locator) -> list[str]:
    """What of it is ours, if it is what follows another mark."""
    menu.wait_for()
    lines = menu.inner_text().split("\n")
    return [line for line in lines if "RunningHub" in line or "local" in line or "本地" in line]


def leave(canvas: Canvas, menu: Locator) -> None:
    canvas.page.mouse.click(700, 760)  # where nothing is
    menu.wait_for(state="detached")


def test_a_subgraph_with_fewer_outputs_than_inputs_joins_the_part_it_reads(
    either: Canvas,
) -> None:
    source, *rest = inverting(either)
    outer = within_subgraph(either, *rest)
    by_command(either, source)
    by_command(either, outer)
    assert mark_of(either, outer) == mark_of(either, source) == "1"
    by_command(either, source, on=False)
    by_command(either, outer, on=False)


def test_a_node_inside_a_marked_group_or_subgraph_is_not_marked_again(either: Canvas) -> None:
    title = "反转图像" if either.classic else "Invert Image"
    here = "“there”改回本地运行" if either.classic else "Run “there” locally again"
    options = "RunningHub 片段 1" if either.classic else "RunningHub segment 1"
    explained = "哪些会在 RunningHub 上运行…" if either.classic else "What would run on RunningHub…"
    mark = "在 RunningHub 上运行" if either.classic else "Run on RunningHub"
    _, inverted, _ = inverting(either)
    grouped(either, inverted)
    either.run_js("() => app.canvas.selectItems([app.graph.groups[0]])")
    either.command("runninghub.segments.mark")
    group = "() => app.graph.groups[0].flags.runninghub?.segment ?? null"
    assert either.run_js(group) == "1"
    # By command and shortcut neither.
    by_command(either, inverted)
    assert mark_of(either, inverted) is None
    menu = menu_of(either, inverted, title)
    assert offered(menu) == [here, options, explained]
    either.picture("within a group")
    menu.get_by_text(here).click()
    either.until(lambda: either.run_js(group) is None)
    menu = menu_of(either, inverted, title)
    assert offered(menu) == [mark]
    leave(either, menu)

    either.run_js("() => app.graph.remove(app.graph.groups[0])")
    outer = within_subgraph(either, inverted)
    by_command(either, outer)
    either.open_subgraph()
    (inner,) = either.nodes("ImageInvert")
    by_shortcut(either, inner, True)
    either.command("Comfy.Graph.ExitSubgraph")
    either.wait_for("() => app.canvas.graph === app.rootGraph")
    assert mark_of(either, outer) is None
    by_command(either, outer)
    either.open_subgraph()
    # Last: where this is asked for right after a graph was opened, 1.58 may take no key any more.
    menu = menu_of(either, inner, title)
    assert offered(menu)[1:] == [options, explained]


def test_a_part_cannot_be_cancelled_after_less_than_no_time(canvas: Canvas) -> None:
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    canvas.node_menu(inverted, "RunningHub segment")
    seconds = canvas.dialog.get_by_label("Cancel after so many seconds")
    seconds.fill("-5")
    canvas.dialog.get_by_role("button", name="Apply").click()
    assert seconds.is_visible()
    seconds.fill("5")
    canvas.primary()
    assert canvas.node(inverted)["properties"]["runninghub"]["timeout"] == 5


def test_an_order_is_placed_as_the_dialog_of_its_part_says(
    either: Canvas, emulator: Emulator
) -> None:
    _, inverted, _ = inverting(either)
    by_command(either, inverted)
    either.select(inverted)
    either.command("runninghub.segments.options")
    seconds, queue, workflow, apply = (
        ("运行多少秒后取消", "独占密钥", "提交时使用", "应用")
        if either.classic
        else ("Cancel after", "Dedicated keys", "Saved workflow that the graph", "Apply")
    )
    either.dialog.get_by_label(seconds).fill("1")
    either.dialog.get_by_label(queue).check()
    either.dialog.get_by_label(workflow).fill(catalog.TEXT_OUT)
    either.press_button(apply)
    either.load(either.workflow())
    emulator.run_seconds = 60
    either.run("execution_error")
    either.until(lambda: [task.status for task in emulator.tasks.values()] == ["CANCEL"])
    (order,) = [entry.json for entry in emulator.journal if entry.path.endswith("/create")]
    assert (order["usePersonalQueue"], order["workflowId"]) == (True, catalog.TEXT_OUT)


@pytest.mark.parametrize("classic", [False, True])
def test_a_part_is_paid_by_the_account_that_its_dialog_names(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    cloud: tuple[Emulator, str],
    emulator: Emulator,
    classic: bool,
) -> None:
    studio_key = "b" * len(emulator.default_key)
    emulator.accounts[studio_key] = Account()
    host = new_host(OLDEST if classic else NEWEST)
    keys = {"main": emulator.default_key, "studio": studio_key}
    stored = {"origin": cloud[1], "workflow": catalog.INVERT}
    profiles = {name: {**stored, "key": key} for name, key in keys.items()}
    folder = host.base / "user" / "__runninghub"
    folder.mkdir(exist_ok=True)
    contents = {"v": 1, "default": "main", "profiles": profiles}
    (folder / "profiles.json").write_text(json.dumps(contents))
    canvas = opened(host, classic=classic)
    _, inverted, saver = inverting(canvas)
    by_command(canvas, inverted)
    canvas.select(inverted)
    canvas.command("runninghub.segments.options")
    accounts = canvas.dialog.locator("select", has=canvas.page.locator("option[value=studio]"))
    accounts.select_option("studio")
    canvas.press_button("应用" if classic else "Apply")
    canvas.run()
    canvas.shows_picture(saver)
    assert [task.key for task in emulator.tasks.values()] == [studio_key]


def test_what_would_run_is_explained_before(canvas: Canvas, emulator: Emulator) -> None:
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    canvas.command("runninghub.segments.explain")
    canvas.dialog.get_by_text("Uploads").wait_for()
    canvas.picture("explained")
    assert emulator.tasks == {}
    canvas.page.keyboard.press("Escape")


def test_a_dropped_picture_brings_the_marks_it_was_saved_with(
    canvas: Canvas, emulator: Emulator
) -> None:
    _, inverted, saver = inverting(canvas)
    by_command(canvas, inverted)
    name, before = mark_of(canvas, inverted), canvas.prompt()
    prompt_id = canvas.run()
    data = saved(canvas, prompt_id, saver)
    canvas.clear()
    canvas.drop("saved.png", "image/png", data)
    canvas.wait_for("() => app.graph.nodes.length === 3")
    canvas.would_send(before)
    canvas.picture("dropped")
    assert mark_of(canvas, inverted) == name
    assert len(emulator.tasks) == 1


def test_what_fails_there_is_shown_on_its_twin_here_and_within_a_subgraph(
    canvas: Canvas, emulator: Emulator
) -> None:
    source, inverted, _ = nodes = inverting(canvas)
    for node in nodes:
        by_command(canvas, node)
    emulator.fail_next = {"node_id": inverted, "exception_message": "no room for this picture"}
    alert = fails(canvas)
    # ComfyUI's own mark of an error, too.
    canvas.shown(inverted).get_by_text("Error", exact=True).wait_for()
    assert canvas.shown(source).get_by_text("Error", exact=True).count() == 0
    canvas.picture("failed")
    # On that node alone, whichever gave the part its name.
    about = [text for text in canvas.painted() if "failed" in text]
    assert about == ["failed on RunningHub"]
    alert.get_by_role("button", name="Show the node").click()
    chosen = "() => [...app.canvas.selectedItems].map((node) => String(node.id))"
    assert canvas.run_js(chosen) == [inverted]
    alert.get_by_role("button", name="Close").click()
    canvas.reload()
    canvas.until(lambda: "failed on RunningHub" in canvas.painted())
    canvas.picture("reloaded")

    outer = within_subgraph(canvas, inverted)
    within = f"{outer}:{inverted}"
    emulator.fail_next = {"node_id": within, "exception_message": "no room for this picture"}
    alert = fails(canvas)
    alert.get_by_role("button", name="Show the node").click()
    canvas.wait_for("() => app.canvas.graph !== app.rootGraph")
    canvas.shown(inverted).get_by_text("Error", exact=True).wait_for()
    canvas.picture("shown within")
    assert canvas.run_js(chosen) == [inverted]
    assert "failed on RunningHub" in canvas.painted()
    # What was told of a failure goes when the part runs.
    canvas.run()
    alert.wait_for(state="detached")
    canvas.until(lambda: "failed on RunningHub" not in canvas.painted())


def test_a_marked_node_that_cannot_go_says_why_and_nothing_is_ordered(
    canvas: Canvas, emulator: Emulator
) -> None:
    _, inverted, _ = inverting(canvas)
    ours = canvas.add("RunningHubTask", 420, 420)
    canvas.set_widget(ours, "task_id", "1900000000000000301")
    outer = within_subgraph(canvas, inverted, ours)
    by_command(canvas, outer)
    answer = canvas.refused()
    ((node_id, refused),) = answer["node_errors"].items()
    assert node_id == f"{outer}:{ours}"
    assert "is a RunningHub node itself" in str(refused)
    canvas.page.get_by_text("is a RunningHub node itself").first.wait_for()
    canvas.picture("refused")
    assert emulator.counters.orders == emulator.counters.upload_bytes == 0
    # ComfyUI's own mark of it goes with ours, whichever way that goes.
    error = canvas.shown(outer).get_by_text("Error", exact=True)
    error.wait_for()
    by_command(canvas, outer, on=False)
    error.wait_for(state="detached")
    canvas.settle()
    by_command(canvas, outer)
    canvas.settle()
    canvas.refused()
    error.wait_for()
    canvas.press("Control+z")
    error.wait_for(state="detached")
    assert mark_of(canvas, outer) is None
    canvas.picture("undone")
    canvas.generic_error.wait_for(state="detached")
    # That of another node stays.
    _, inverted, _ = inverting(canvas)
    by_command(canvas, inverted)
    alone = canvas.add("SaveImage", 700, 500)
    canvas.run()
    canvas.shown(alone).get_by_text("Error", exact=True).wait_for()
    by_command(canvas, inverted, on=False)
    assert canvas.run_js("() => Object.keys(app.lastNodeErrors)") == [alone]
