"""A node in a subgraph: its promoted widgets, progress and price,
and what a person does to both."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel
from tests.browser.test_auto_runs import NEVER_ORDERED
from tests.browser.test_models import model

promotes_by_menu = pytest.mark.later("promotes a box by its menu in the classic canvas")

TEXT = "a boat, 木刻"
SWITCHES = 20


def packed(canvas: Canvas) -> tuple[str, str]:
    """A painting node in a subgraph that shows its seed and its text; its node, and the preview."""
    canvas.clear()
    node, preview = canvas.painting()
    canvas.set_widget(node, "6.text", TEXT)
    canvas.settle()
    canvas.select(node)
    canvas.command("Comfy.Graph.ConvertToSubgraph")
    canvas.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    outer = canvas.run_js("() => String(app.graph.nodes.find((node) => node.subgraph).id)")
    canvas.open_subgraph()
    (inner,) = canvas.nodes("RunningHubRemoteWorkflow")
    promote(canvas, inner, "3.seed", "seed · KSampler")
    # As when a link is drawn from the subgraph's own inputs to the box.
    canvas.run_js(
        """(id) => {
            const graph = app.canvas.graph;
            const node = graph.nodes.find((node) => String(node.id) === id);
            const input = graph.addInput("prompt", "STRING");
            input.connect(node.inputs[node.findInputSlot("6.text")], node);
        }""",
        inner,
    )
    canvas.command("Comfy.Graph.ExitSubgraph")
    canvas.wait_for("() => app.canvas.graph === app.rootGraph")
    canvas.settle()
    return outer, preview


def within(canvas: Canvas, node: str, **promoted: str) -> tuple[str, str]:
    """Such a node in a new subgraph, with links from the subgraph's own inputs to boxes: by the box
    the name of its input. The id of the subgraph's node, and that of the node inside."""
    canvas.select(node)
    canvas.command("Comfy.Graph.ConvertToSubgraph")
    canvas.wait_for("(id) => !app.graph.nodes.some((node) => String(node.id) === id)", node)
    outer, inner = canvas.run_js(
        """(promoted) => {
            const [outer] = app.graph.nodes.filter((node) => node.subgraph);
            const graph = outer.subgraph;
            const [node] = graph.nodes;
            for (const [box, name] of Object.entries(promoted)) {
                const slot = node.inputs[node.findInputSlot(box)];
                graph.addInput(name, slot.type).connect(slot, node);
            }
            return [String(outer.id), String(node.id)];
        }""",
        promoted,
    )
    canvas.settle()
    return outer, inner


def promote(canvas: Canvas, node: str, widget: str, label: str) -> None:
    """By the widget's own menu, with the mouse."""
    if canvas.classic:
        x, y = canvas.run_js(
            """([id, name]) => {
                const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
                const widget = node.widgets.find((widget) => widget.name === name);
                app.canvas.draw(true, true);
                const at = [node.pos[0] + 60, node.pos[1] + widget.last_y + 10];
                const [x, y] = app.canvas.ds.convertOffsetToCanvas(at);
                const box = app.canvas.canvas.getBoundingClientRect();
                return [box.x + x, box.y + y];
            }""",
            [node, widget],
        )
        canvas.page.mouse.click(x, y, button="right")
    else:
        canvas.shown(node).get_by_text(label).first.click(button="right")
    # The older front end has no Chinese for it.
    canvas.page.get_by_text(re.compile("提升组件|^Promote Widget")).first.click()


def sent(canvas: Canvas) -> list[dict[str, Any]]:
    """The inputs of the nodes of ours that Run would send."""
    nodes = canvas.prompt().values()
    return [node["inputs"] for node in nodes if node["class_type"] == "RunningHubRemoteWorkflow"]


def subgraphs(canvas: Canvas) -> list[str]:
    return canvas.run_js(
        "() => app.graph.nodes.filter((node) => node.subgraph).map((node) => String(node.id))"
    )


def undo(canvas: Canvas) -> None:
    """Back to one subgraph: 1.49 may count what was shown anew as a step of its own."""
    for _ in range(4):
        canvas.command("Comfy.Undo")
        if len(subgraphs(canvas)) == 1:
            return
    assert len(subgraphs(canvas)) == 1


@promotes_by_menu
def test_promoted_widgets_progress_and_price_stand_on_the_subgraph(
    either: Canvas, emulator: Emulator
) -> None:
    outer, preview = packed(either)
    widgets = either.node(outer)["widgets"]
    assert widgets["prompt"] == TEXT
    either.set_widget(outer, "3.seed", 777)
    either.set_widget(outer, "prompt", "a red boat")
    (inputs,) = sent(either)
    assert (inputs["3.seed"], inputs["6.text"]) == (777, "a red boat")
    emulator.hold_at = "3"
    prompt_id = either.start()
    either.wait_for(
        "(id) => app.graph.nodes.find((node) => String(node.id) === id).progress > 0", outer
    )
    either.picture("running")
    emulator.hold_at = None
    either.finished(prompt_id)
    either.shows_picture(preview)
    paid = "用时" if either.classic else "done in"
    either.until(lambda: any(paid in line for line in either.painted()))
    either.picture("done")


@promotes_by_menu
def test_a_subgraph_that_was_looked_into_says_how_its_run_ended(
    either: Canvas, emulator: Emulator
) -> None:
    packed(either)
    emulator.hold_at = "3"
    prompt_id = either.start()
    either.open_subgraph()
    (inner,) = either.nodes("RunningHubRemoteWorkflow")
    either.says(inner, "KSampler")
    either.command("Comfy.Graph.ExitSubgraph")
    emulator.hold_at = None
    either.finished(prompt_id)
    paid = "用时" if either.classic else "done in"
    either.until(lambda: any(paid in line for line in either.painted()))
    either.picture("done")


def test_what_a_run_usually_costs_stands_on_the_subgraph(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node, _ = either.painting()
    either.run()
    either.select(node)
    either.command("Comfy.Graph.ConvertToSubgraph")
    either.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    # Nothing of it ran: what is said is what the journal knows of such runs.
    cost = "约 1 RH币" if either.classic else "about 1 coin"
    either.until(lambda: any(cost in line for line in either.painted()))
    either.picture("usually")


def test_the_price_of_a_model_stands_on_the_subgraph(either: Canvas) -> None:
    either.clear()
    node = either.add("RHTextToImage")
    either.dialog.wait_for()  # the choice of models, as for anybody who places one
    either.page.keyboard.press("Escape")
    either.type_into(node, "model", "rhart-image-n-pro/text-to-image")
    price = "约 0.4 元" if either.classic else "about 0.4 CNY"
    either.until(lambda: either.node(node)["labels"]["price"].startswith(price))
    either.select(node)
    either.command("Comfy.Graph.ConvertToSubgraph")
    either.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    # After how long former runs took, where there were any.
    either.until(lambda: any(text.endswith(price) for text in either.painted()))
    either.picture("price")


@pytest.mark.usefixtures("models_account")
def test_a_promoted_value_counts_in_a_models_price(either: Canvas) -> None:
    either.clear()
    node = model(either, NEVER_ORDERED)
    either.set_widget(node, "prompt", "a boat in the fog")
    preview = either.add("PreviewImage", 960, 60)
    either.connect(node, "images", preview, "images")
    either.settle()
    outer, _ = within(either, node, resolution="size")
    # Two deep: there the inner one's own is linked.
    outermost, middle = within(either, outer, size="how large")
    assert middle == outer
    bar = either.bar
    for size, price in ("4k", 1.5), ("1k", 0.8):
        either.set_widget(outermost, "how large", size)
        either.settle()
        # For sure one order: none of its values comes from another node.
        said = f"约 {price} 元" if either.classic else f"about {price} CNY"
        order = "，1 个任务" if either.classic else ", 1 order"  # noqa: RUF001
        bar.get_by_text(said + order, exact=True).wait_for()
        either.until(lambda said=said: said in either.painted())
    either.picture("price")


def test_a_program_that_changed_keeps_promoted_values(either: Canvas, emulator: Emulator) -> None:
    own = emulator.add_workflow(catalog.workflows()[catalog.TEXT_TO_IMAGE].graph)
    either.clear()
    node = either.program(own)
    preview = either.add("PreviewImage", 800, 150)
    either.connect(node, "out_1", preview, "images")
    outer, _ = within(either, node, **{"3.steps": "steps", "6.text": "prompt"})
    either.set_widget(outer, "steps", 33)
    either.set_widget(outer, "prompt", TEXT)
    either.settle()
    # A number with another kind of box, and a text whose box stays.
    emulator.workflows[own].graph["3"]["inputs"]["steps"] = 20.5
    either.open_subgraph()
    (inner,) = either.nodes("RunningHubRemoteWorkflow")
    either.node_menu(inner, "检查 RunningHub" if either.classic else "Look for changes")
    either.picture("review")
    either.primary()
    either.command("Comfy.Graph.ExitSubgraph")
    either.wait_for("() => app.canvas.graph === app.rootGraph")
    assert either.node(outer)["widgets"] == {"steps": 33, "prompt": TEXT}
    (inputs,) = sent(either)
    assert (inputs["3.steps"], inputs["6.text"]) == (33, TEXT)


@pytest.mark.parametrize("selected", ["node", "subgraph"])
def test_a_past_orders_inputs_arrive_at_promoted_widgets(either: Canvas, selected: str) -> None:
    either.clear()
    node, _ = either.painting()
    text = f"a ferry {selected}"
    either.set_widget(node, "6.text", text)
    outer, inner = within(either, node, **{"3.seed": "seed", "6.text": "prompt"})
    either.run()
    (ordered,) = sent(either)
    either.set_widget(outer, "seed", 5)
    either.set_widget(outer, "prompt", "another")
    either.settle()
    if selected == "node":
        either.open_subgraph()
        either.select(inner)
    else:
        either.select(outer)
    Panel(either).use_inputs(text)
    either.until(lambda: sent(either) == [ordered])
    either.picture("used")
    if selected == "subgraph":
        assert either.node(outer)["widgets"]["prompt"] == text
        either.command("Comfy.Undo")
        either.until(lambda: sent(either)[0]["6.text"] == "another")


def test_a_past_orders_inputs_that_cannot_be_set_are_named(canvas: Canvas) -> None:
    canvas.clear()
    node, _ = canvas.painting()
    canvas.set_widget(node, "6.text", "a ferry at noon")
    canvas.run()
    source = canvas.add("PrimitiveStringMultiline", 100, 800)
    canvas.set_widget(source, "value", "another")
    canvas.connect(source, "STRING", node, "6.text")
    canvas.select(node)
    Panel(canvas).use_inputs("a ferry at noon")
    told = canvas.page.get_by_text("Left as they are, since other nodes set them: Positive.")
    told.first.wait_for()


def test_a_part_gives_its_values_back_to_promoted_widgets(either: Canvas) -> None:
    source, _, _ = either.marked_part(488)
    outer, inner = within(either, source, width="how wide")
    either.run()
    either.set_widget(outer, "how wide", 64)
    Panel(either).use_inputs("488 emptyimage")
    either.until(lambda: either.prompt()[f"{outer}:{inner}"]["inputs"]["width"] == 488)


def test_a_promoted_program_and_size_are_what_is_estimated(either: Canvas) -> None:
    either.clear()
    node, _ = either.painting()
    outer, _ = within(either, node, workflow="program", instance="size")

    def asked(route: str, program: str, size: str) -> Callable[[Any], bool]:
        def fits(request: Any) -> bool:
            about = request.post_data_json if request.url.endswith(f"/runninghub/{route}") else {}
            (about,) = about.get("programs", [about])
            return (about.get("id"), about.get("instance")) == (program, size)

        return fits

    for program, size in ((catalog.INVERT, "default"), (catalog.TEXT_TO_IMAGE, "plus")):
        with (
            either.page.expect_request(asked("quote", program, size)),
            either.page.expect_request(asked("estimate", program, size)),
        ):
            either.set_widget(outer, "program", program)
            either.set_widget(outer, "size", size)
            either.settle()


def test_what_is_added_within_a_subgraph_is_selected_there(either: Canvas) -> None:
    either.clear()
    within(either, either.add("EmptyImage"))
    either.open_subgraph()
    panel = Panel(either)
    panel.open("add")
    panel.view.get_by_label(panel.words["paste"]).fill(catalog.INVERT)
    panel.view.locator("form").get_by_role("button").click()
    either.wait_for(
        """() => app.canvas.graph !== app.rootGraph
            && [...app.canvas.selectedItems].some(({ type }) => type === "RunningHubRemoteWorkflow")"""
    )


def test_a_workflow_that_becomes_an_app_stays_linked_to_the_subgraphs_output(
    canvas: Canvas,
) -> None:
    canvas.clear()
    node, preview = canvas.add("RunningHubRemoteWorkflow"), canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "images", preview, "images")
    within(canvas, node)
    canvas.open_subgraph()
    canvas.menu_entry(node, "Use an AI App node")
    canvas.until(lambda: canvas.nodes("RunningHubAIApp") != [])
    (app,) = canvas.nodes("RunningHubAIApp")
    linked = "() => app.canvas.graph.nodes[0].isOutputConnected(0)"
    assert canvas.run_js(linked), app


@promotes_by_menu
def test_a_subgraph_keeps_links_and_values_whatever_is_done_to_it(either: Canvas) -> None:
    outer, _ = packed(either)
    either.set_widget(outer, "3.seed", 4321)
    either.settle()
    before = either.prompt()
    (inputs,) = sent(either)

    for _ in range(SWITCHES):
        either.command("Workspace.NextOpenedWorkflow")
        either.wait_for("() => app.graph.nodes.length !== 2 || app.graph.nodes.length === 0")
        either.command("Workspace.PreviousOpenedWorkflow")
        either.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    assert either.prompt() == before

    either.select(outer)
    for command in ("ToggleSelectedNodes.Mute", "ToggleSelectedNodes.Bypass"):
        either.command(f"Comfy.Canvas.{command}")
        assert sent(either) == []
        either.command(f"Comfy.Canvas.{command}")
        assert either.prompt() == before
    either.command("Comfy.Canvas.ToggleSelectedNodes.Collapse")
    assert either.prompt() == before
    either.command("Comfy.Canvas.ToggleSelectedNodes.Collapse")
    either.settle()

    either.select(outer)
    either.press("Control+c")
    either.press("Control+v")
    either.until(lambda: len(subgraphs(either)) == 2)
    # Nothing reads the copy's picture; but what it has is the same.
    assert all(sent_inputs == inputs for sent_inputs in sent(either))
    either.settle()
    undo(either)
    assert either.prompt() == before

    either.select(outer)
    either.command("Comfy.Graph.UnpackSubgraph")
    either.until(lambda: not subgraphs(either))
    (unpacked,) = sent(either)
    if either.classic:
        # 1.49 unpacks every node with its inner values, and says so.
        either.forgive("Missing Link ID when unpacking")
        assert unpacked["3.seed"] != inputs["3.seed"]
        unpacked["3.seed"] = inputs["3.seed"]
    assert unpacked == inputs
    either.settle()
    undo(either)
    assert either.prompt() == before
    either.select(outer)
    either.command("Comfy.Graph.GroupSelectedNodes")
    assert either.prompt() == before
    either.picture("undone")
