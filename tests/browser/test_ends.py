"""How a run ended stands on its node, in each renderer, and on pages and starts that come later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.hosts import Host
from tests.browser.tab import GONE
from tests.browser.test_subgraphs import within

LORA = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"


def stands(canvas: Canvas, text: str) -> None:
    """Waits until a node says this of itself."""
    canvas.until(lambda: any(text in line for line in canvas.painted()))


def test_results_failures_and_uploads_stand_after_a_restart(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
    kind: str,
    tmp_path: Path,
) -> None:
    loras = tmp_path / kind / "models" / "loras"
    loras.mkdir(parents=True)
    (loras / "my-style.safetensors").write_bytes(LORA)
    environment = {**account, "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT}
    host = new_host(**environment)
    canvas = opened(host)
    canvas.clear()
    node, _ = canvas.painting()
    uploader = canvas.add("RHLoraUploader", 100, 700)
    marked = canvas.add("EmptyImage", 500, 700)
    inverted = canvas.add("ImageInvert", 800, 700)
    shown = canvas.add("PreviewImage", 1000, 700)
    canvas.connect(marked, "IMAGE", inverted, "image")
    canvas.connect(inverted, "IMAGE", shown, "images")
    canvas.select(inverted)
    canvas.command("runninghub.segments.mark")
    canvas.settle()
    canvas.run()
    stands(canvas, "done in")
    stands(canvas, "at RunningHub as")
    failing, _ = canvas.painting(1100)
    canvas.settle()
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "too big"}
    canvas.run("execution_error")
    stands(canvas, "The cloud task failed")
    # One card about it, which is ours.
    alert = canvas.page.locator(".runninghub-notices").get_by_role("alert")
    alert.get_by_text("too big").wait_for()
    canvas.page.get_by_text("This node threw an error").wait_for(state="detached")
    canvas.picture("failed")
    workflow = canvas.workflow()
    host.stop()
    canvas.forgive(GONE)
    shutil.rmtree(host.base / "temp", ignore_errors=True)

    later = opened(new_host(**environment))
    later.load(workflow)
    later.shows_picture(node)
    for text in ("done in", "at RunningHub as", "The cloud task failed"):
        stands(later, text)
    # The program's own, and the marked node's.
    later.until(lambda: sum(line.startswith("done in") for line in later.painted()) == 2)
    later.picture("later")
    assert later.node(failing)["images"] == 0
    assert uploader in later.nodes("RHLoraUploader")


def test_one_card_tells_of_a_failure(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "too big"}
    either.run("execution_error")
    alert = either.page.locator(".runninghub-notices").get_by_role("alert")
    alert.get_by_text("too big").wait_for()
    # ComfyUI's own is in each front end.
    either.generic_error.wait_for(state="detached")
    either.picture("one card")
    # An undone change leaves it; another workflow has nothing to do with it.
    either.settle()
    either.set_widget(node, "3.seed", 9)
    either.settle()
    either.command("Comfy.Undo")
    either.until(lambda: either.node(node)["widgets"]["3.seed"] != 9)
    assert alert.count() == 1
    either.clear()
    alert.wait_for(state="detached")


def test_a_failure_stays_told_when_the_run_is_answered_after_it(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    either.painting()
    either.answer_late()
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "too big"}
    either.run("execution_error")
    alert = either.page.locator(".runninghub-notices").get_by_role("alert")
    alert.get_by_text("too big").wait_for()
    either.wait_for("() => answered > 0")
    assert alert.get_by_text("too big").count() == 1
    either.generic_error.wait_for(state="detached")
    either.picture("one card")


def test_a_stopped_run_stands_after_a_restart(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    account: dict[str, str],
    emulator: Emulator,
) -> None:
    host = new_host(**account)
    canvas = opened(host)
    canvas.clear()
    node, _ = canvas.painting()
    canvas.settle()
    emulator.hold_at = "3"  # its sampler
    canvas.start()
    canvas.says(node, "KSampler")
    canvas.command("Comfy.Interrupt")
    stands(canvas, "cancelled in the cloud")
    workflow = canvas.workflow()
    host.stop()
    canvas.forgive(GONE)
    later = opened(new_host(**account))
    later.load(workflow)
    stands(later, "cancelled in the cloud")


def test_what_a_node_says_stands_among_comfyuis_badges(either: Canvas, emulator: Emulator) -> None:
    """Those never cover each other: above the node in the classic canvas, inside it in 2.0."""
    either.clear()
    node = either.add("RunningHubRemoteWorkflow", 300, 200)
    hint = "粘贴工作流的链接" if either.classic else "paste the link of a workflow"
    stands(either, hint)
    if either.classic:
        badges = either.run_js(
            """(id) => {
                const node = app.graph.nodes.find((node) => String(node.id) === id);
                return node.badges.map((tag) => (typeof tag === "function" ? tag() : tag).text);
            }""",
            node,
        )
        assert any(hint in text for text in badges)
    else:
        either.shown(node).get_by_text(hint).wait_for()


def test_a_long_end_stays_inside_its_node(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    message = "the machine had no memory left for it"
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": message}
    canvas.run("execution_error")
    canvas.shown(node).get_by_text("The cloud task").wait_for()
    canvas.picture("cut")
    right = """(id) => {
        const node = document.querySelector(`[data-node-id="${id}"]`);
        const badge = [...node.querySelectorAll("*")].find(
            (box) => box.children.length === 0 && box.textContent.startsWith("The cloud task"));
        return [badge, node].map((element) => element.getBoundingClientRect().right);
    }"""
    badge, edge = canvas.run_js(right, node)
    assert badge <= edge


@pytest.mark.parametrize("either", ["classic"], indirect=True)
def test_a_long_end_is_no_wider_than_its_subgraph(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node, _ = either.painting()
    outer, _ = within(either, node)
    message = "机器内存不足" * 12
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": message}
    either.run("execution_error")
    stands(either, "云端任务")
    either.picture("cut")
    either.run_js("() => app.canvas.deselectAll()")  # a selected one has its label below
    widths = """(id) => {
        const node = app.graph.nodes.find((node) => String(node.id) === id);
        const tags = node.badges.map((tag) => (typeof tag === "function" ? tag() : tag));
        const tag = tags.find(({ text }) => text.includes("云端任务"));
        return [tag.getWidth(app.canvas.ctx), node.size[0]];
    }"""
    badge, width = either.run_js(widths, outer)
    assert badge <= max(width, 180)  # as wide as a label may always be
