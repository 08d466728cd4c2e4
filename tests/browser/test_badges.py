"""What stands on and around nodes is seen whole, by nodes and toolboxes beside it."""

from __future__ import annotations

from typing import Any

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.marks import by_command, inverting

# Boxes with round corners that the canvas paints: where on the page, and the text in each.
PAINTED = """() => {
    const brush = CanvasRenderingContext2D.prototype;
    const { roundRect, fillText } = brush;
    const boxes = [];
    const page = app.canvas.canvas.getBoundingClientRect();
    brush.roundRect = function (x, y, width, height, radius) {
        const { a: scale, e, f } = this.getTransform();
        const [left, top] = [page.x + x * scale + e, page.y + y * scale + f];
        boxes.push({ radius, text: "", left, top, right: left + width * scale, bottom: top + height * scale });
        roundRect.call(this, x, y, width, height, radius);
    };
    brush.fillText = function (text, ...more) {
        if (boxes.length) boxes.at(-1).text ||= String(text);
        fillText.call(this, text, ...more);
    };
    app.canvas.draw(true, true);
    Object.assign(brush, { roundRect, fillText });
    return boxes;
}"""
FRAME = 10  # its corners' radius

# What is seen of a node on the page, as each renderer has it.
NODE = """(id) => {
    const element = document.querySelector(`[data-node-id="${id}"]`);
    if (element) {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return { left, top, right, bottom };
    }
    const { boundingRect: [x, y, width, height] } = app.graph.nodes.find((node) => String(node.id) === id);
    const page = app.canvas.canvas.getBoundingClientRect();
    const [left, top] = app.canvas.ds.convertOffsetToCanvas([x, y]);
    const [right, bottom] = app.canvas.ds.convertOffsetToCanvas([x + width, y + height]);
    return { left: page.x + left, top: page.y + top, right: page.x + right, bottom: page.y + bottom };
}"""

# The badges of ours on nodes that do not show all of their text, or are not within their node.
CUT = """() => [...document.querySelectorAll("[data-node-id] [style*=color]")]
    .filter((badge) => /usually|done in/.test(badge.textContent) && badge.children.length === 0)
    .filter((badge) => {
        const [own, node] = [badge, badge.closest("[data-node-id]")].map((each) => each.getBoundingClientRect());
        const isWhole = badge.scrollWidth <= badge.clientWidth && badge.scrollHeight <= badge.clientHeight;
        return !isWhole || own.right > node.right || own.bottom > node.bottom;
    })
    .map((badge) => badge.outerHTML)"""

# In how many lines each unit stands, at any width of the text that it ends.
UNIT_LINES = """() => {
    const walker = document.createTreeWalker(document.querySelector(".graph-canvas-container, body"), NodeFilter.SHOW_TEXT);
    const lines = [];
    for (let text; (text = walker.nextNode());) {
        const box = text.parentElement;
        const at = text.data.search(/RH币/u);
        if (at === -1 || !box.closest(".dom-widget")) continue;
        const { width } = box.style;
        for (let wide = 88; wide < 200; wide += 4) {
            box.style.width = `${wide}px`;
            const range = document.createRange();
            range.setStart(text, at);
            range.setEnd(text, text.data.indexOf("币", at) + 1);
            lines.push(new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size);
        }
        box.style.width = width;
    }
    return lines.length && lines;
}"""


def box_of(canvas: Canvas, text: str) -> dict[str, float]:
    """Where the canvas paints a label that begins so."""
    return next(box for box in canvas.run_js(PAINTED) if box["text"].startswith(text))


def frame_fits(canvas: Canvas, node: str) -> bool:
    """The one frame stands around that node, and is no larger."""
    (frame,) = (box for box in canvas.run_js(PAINTED) if box["radius"] == FRAME)
    around = canvas.run_js(NODE, node)
    return all(abs(frame[side] - around[side]) < 8 for side in ("left", "top", "right", "bottom"))


def is_apart(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return (
        first["right"] <= second["left"]
        or second["right"] <= first["left"]
        or first["bottom"] <= second["top"]
        or second["bottom"] <= first["top"]
    )


def toolbox_of(canvas: Canvas) -> dict[str, float]:
    """What ComfyUI shows above a node that is selected."""
    toolbox = canvas.page.locator(".selection-toolbox")
    toolbox.wait_for()
    box = toolbox.bounding_box()
    assert box
    return {
        "left": box["x"],
        "top": box["y"],
        "right": box["x"] + box["width"],
        "bottom": box["y"] + box["height"],
    }


def test_an_estimate_is_read_whole_within_its_node(
    canvas: Canvas, emulator: Emulator, models_account: None
) -> None:
    canvas.clear()
    canvas.painting()
    canvas.run()
    canvas.program(catalog.TEXT_TO_IMAGE, 450, 150)
    for text in ("done in", "usually"):
        canvas.page.locator("[data-node-id]").get_by_text(text).first.wait_for()
    canvas.picture("badges")
    assert canvas.run_js(CUT) == []


def test_the_toolbox_of_a_selected_node_covers_no_label(either: Canvas, emulator: Emulator) -> None:
    _, inverted, _ = inverting(either)
    by_command(either, inverted)
    either.select(inverted)
    toolbox = toolbox_of(either)
    either.picture("marked")
    assert is_apart(box_of(either, "RunningHub 1"), toolbox)
    either.run_js("() => app.canvas.deselectAll()")
    assert box_of(either, "RunningHub 1")["bottom"] <= either.run_js(NODE, inverted)["top"]


def test_the_toolbox_of_a_selected_node_covers_no_estimate(
    classic: Canvas, emulator: Emulator
) -> None:
    classic.clear()
    node, _ = classic.painting()
    classic.run()
    classic.until(lambda: any("约 1" in text for text in classic.painted()))
    classic.select(node)
    toolbox = toolbox_of(classic)
    classic.picture("estimate")
    (estimate,) = (box for box in classic.run_js(PAINTED) if "约 1" in box["text"])
    assert is_apart(estimate, toolbox)


def test_a_frame_is_as_large_as_its_node_after_undo(either: Canvas, emulator: Emulator) -> None:
    source, inverted, _ = inverting(either)
    by_command(either, inverted)
    either.settle()
    either.until(lambda: frame_fits(either, inverted))
    either.set_widget(source, "width", 128)
    either.settle()
    either.command("Comfy.Undo")
    either.until(lambda: either.prompt()[source]["inputs"]["width"] == 64)
    either.picture("undone")
    either.until(lambda: frame_fits(either, inverted))


def test_a_unit_stays_in_one_line(classic: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(classic)
    by_command(classic, inverted)
    classic.run()
    classic.shows_picture(saver)
    classic.says(inverted, "RH")
    # However narrow the node is.
    classic.wait_for(UNIT_LINES)
    classic.picture("cost")
    assert set(classic.run_js(UNIT_LINES)) == {1}
