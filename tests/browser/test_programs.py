"""From a link to a picture, and a node that stays what it is on every way into a canvas."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import requests
from PIL import Image

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas

APP = "1900000000000000201"
# Between the lowest a letter of the label above a box may hang and that box, on the page.
ROOM_BELOW_LABEL = """([id, name]) => {
    const node = app.canvas.graph.nodes.find((node) => String(node.id) === id);
    const { element, label } = node.widgets.find((widget) => widget.name === name);
    const brush = CanvasRenderingContext2D.prototype;
    const { fillText } = brush;
    let lowest = Infinity;
    brush.fillText = function (text, x, y, ...more) {
        const { d, f } = this.getTransform();
        if (text === label) lowest = (y + this.measureText("gj").actualBoundingBoxDescent) * d + f;
        fillText.call(this, text, x, y, ...more);
    };
    app.canvas.draw(true, true);
    brush.fillText = fillText;
    const { top } = app.canvas.canvas.getBoundingClientRect();
    return element.getBoundingClientRect().top - top - lowest / devicePixelRatio;
}"""
LINK = f"https://www.runninghub.ai/workflow/{catalog.TEXT_TO_IMAGE}"


def redrawing(canvas: Canvas, workflow: str = catalog.IMAGE_TO_IMAGE) -> tuple[str, str, str]:
    """A picture that goes through a workflow: loader, program and saver."""
    canvas.clear()
    loader = canvas.add("LoadImage", 60, 160)
    node = canvas.program(workflow, 420, 160)
    saver = canvas.add("SaveImage", 860, 160)
    canvas.connect(loader, "IMAGE", node, "10.image")
    canvas.connect(node, "out_1", saver, "images")
    canvas.set_widget(node, "3.text", "a woodcut, 木刻")
    canvas.set_widget(node, "12.seed", 1234567890123)
    canvas.set_widget(node, "12.seed control_after_generate", "fixed")
    return loader, node, saver


def inputs_of(prompt: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A prompt's nodes without their ids."""
    return sorted(
        ((node["class_type"], _unlinked(node["inputs"])) for node in prompt.values()), key=str
    )


def _unlinked(inputs: dict[str, Any]) -> dict[str, Any]:
    return {k: ["link", v[1]] if isinstance(v, list) else v for k, v in inputs.items()}


def ordered(emulator: Emulator) -> list[dict[str, Any]]:
    """What each order set, by field, oldest first."""
    return [
        {f"{row['nodeId']}.{row['fieldName']}": row["fieldValue"] for row in task.order.node_info}
        for task in emulator.tasks.values()
    ]


@pytest.mark.every_frontend
def test_a_pasted_link_becomes_a_picture(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = either.add("RunningHubRemoteWorkflow")
    either.paste(node, LINK)
    either.picture("chooser")
    either.primary()
    built = either.node(node)
    assert built["widgets"]["6.text"] == "a lighthouse at dusk"
    assert built["widgets"]["5.width"] == 512
    # The one picture of the workflow has one socket.
    assert [out["label"] for out in built["outputs"]] == ["Save Image"]
    assert built["labels"]["6.text"] == "Positive"
    if either.classic:
        # Above its box, where ComfyUI writes none; the box would cover what hangs into it.
        assert "Positive" in either.painted()
        assert either.run_js(ROOM_BELOW_LABEL, [node, "6.text"]) > -1
    preview = either.add("PreviewImage", 800, 150)
    either.connect(node, "out_1", preview, "images")
    either.set_widget(node, "6.text", "a boat in the fog")
    either.set_widget(node, "5.width", 256)
    either.run()
    either.shows_picture(preview)
    either.picture("ran")
    (order,) = ordered(emulator)
    assert order["6.text"] == "a boat in the fog"
    assert order["5.width"] == 256
    assert order["3.seed"] == 42


@pytest.mark.every_frontend
def test_a_fresh_node_says_how_to_begin(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = either.add("RunningHubRemoteWorkflow")
    hint = "粘贴工作流的链接" if either.classic else "paste the link of a workflow"
    either.until(lambda: any(hint in text for text in either.painted()))
    button = "从这里开始" if either.classic else "Start here"
    assert either.node(node)["labels"]["choose_fields"].startswith(button)
    either.picture("fresh")
    either.node_menu(node, "选择字段" if either.classic else "Choose fields")
    either.dialog.locator("button.primary").click()
    either.dialog.get_by_text("请先粘贴" if either.classic else "Paste a link").wait_for()
    either.picture("empty")
    either.dialog.get_by_role("textbox").fill(LINK)
    either.dialog.locator("button.primary").click()
    either.dialog.get_by_role("tree").first.wait_for()
    either.primary()
    assert either.node(node)["widgets"]["6.text"] == "a lighthouse at dusk"
    assert not any(hint in text for text in either.painted())

    second = either.add("RunningHubRemoteWorkflow", 700, 150)
    either.node_menu(second, "选择字段" if either.classic else "Choose fields")
    either.picture("used lately")
    either.dialog.locator(f'button[title="{catalog.TEXT_TO_IMAGE}"]').click()
    either.dialog.get_by_role("tree").first.wait_for()
    either.primary()
    assert either.node(second)["widgets"]["6.text"] == "a lighthouse at dusk"


def test_the_search_shows_what_a_person_can_use(either: Canvas) -> None:
    either.clear()
    either.run_js("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    search = either.page.get_by_role("combobox").or_(either.page.get_by_role("textbox")).last
    box = search.element_handle()  # the preview brings others
    name = "RunningHub 远程工作流" if either.classic else "RunningHub Remote Workflow"
    entries = either.search_results
    for word in ("remote", "workflow"):
        box.fill(word)
        # What was found first for the word before may be there for a moment.
        entries.first.filter(has_text=name).wait_for()
    either.until(lambda: entries.count() < 9)
    assert name in entries.first.inner_text()
    either.page.get_by_text("task_id").last.wait_for()
    either.picture("search")
    for unseen in ("link_0", "out_12", "max_orders"):
        assert either.page.get_by_text(unseen).count() == 0


@pytest.mark.every_frontend
def test_rows_of_the_chooser_decide_what_the_node_has(canvas: Canvas) -> None:
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, LINK)
    canvas.tick("3.seed", "3.cfg", "typed 6")
    canvas.primary()
    built = canvas.node(node)
    assert "3.seed" not in built["widgets"]
    assert built["widgets"]["3.cfg"] == 7
    assert [out["label"] for out in built["outputs"]] == ["task_id", "Save Image"]


def test_a_chooser_by_keyboard_alone(canvas: Canvas) -> None:
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, LINK)
    # What a screen reader says of a row is its texts, and no drawn triangle.
    canvas.dialog.get_by_role("treeitem", name="KSampler 2 / 6 · #3", exact=True).wait_for()
    keys = canvas.page.keyboard
    keys.type("cfg")
    canvas.dialog.get_by_role("treeitem", name="steps").wait_for(state="detached")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Space")
    canvas.picture("found")
    keys.press("Enter")
    canvas.dialog.wait_for(state="detached")
    assert canvas.node(node)["widgets"]["3.cfg"] == 7


def test_escape_leaves_the_node_as_it_was(canvas: Canvas) -> None:
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, LINK)
    canvas.page.keyboard.press("Escape")
    canvas.dialog.wait_for(state="detached")
    assert "6.text" not in canvas.node(node)["widgets"]


@pytest.mark.every_frontend
def test_a_saved_file_and_a_reloaded_page_bring_the_same_node(either: Canvas) -> None:
    redrawing(either)
    before = either.prompt()
    saved = either.workflow()
    either.load(saved)
    assert either.prompt() == before
    either.press("Control+s")
    either.name_file("mine")
    either.open()
    either.wait_for("() => app.graph.nodes.length === 3")
    either.would_send(before)
    either.picture("reloaded")


def test_a_file_of_other_options_and_outputs_keeps_fields_and_sockets(either: Canvas) -> None:
    """As one of a version with fewer options, which ComfyUI reads by their places."""
    _, node, _ = redrawing(either)
    before, outputs = either.prompt()[node]["inputs"], either.node(node)["outputs"]
    saved = either.workflow()
    (older,) = [entry for entry in saved["nodes"] if str(entry["id"]) == node]
    older.pop("widgets_values_named", None)
    del older["widgets_values"][4]
    older["outputs"][0].update(name="result", label="", type="*")
    either.clear()
    either.load(saved)
    now = either.prompt()[node]["inputs"]
    assert {k: v for k, v in now.items() if "." in k} == {
        k: v for k, v in before.items() if "." in k
    }
    assert either.node(node)["outputs"] == outputs


def test_an_emptied_program_stays_empty_until_one_is_named(either: Canvas) -> None:
    _, node, _ = redrawing(either)
    former = either.node(node)
    either.type_into(node, "workflow", "")
    either.settle()
    for _ in range(2):
        saved = either.workflow()
        either.clear()
        either.load(saved)
        either.until(lambda: either.nodes("RunningHubRemoteWorkflow") == [node])
        assert either.node(node)["widgets"] == {**former["widgets"], "workflow": ""}
    either.picture("empty")
    # Its fields are there when the program is named again.
    either.type_into(node, "workflow", catalog.IMAGE_TO_IMAGE)
    either.load(either.workflow())
    either.until(lambda: either.node(node)["widgets"] == former["widgets"])


def test_a_dropped_picture_brings_its_workflow(either: Canvas) -> None:
    _, node, _ = redrawing(either)
    before = either.prompt()
    prompt_id = either.run()
    (picture,) = [
        entry
        for outputs in either.finished(prompt_id)["outputs"].values()
        for entry in outputs.get("images", ())
        if entry["type"] == "output"
    ]
    data = requests.get(f"{either.host.url}/view", params=picture, timeout=10).content
    assert Image.open(io.BytesIO(data)).info.keys() >= {"workflow", "prompt"}
    either.clear()
    either.drop("saved.png", "image/png", data)
    either.wait_for("() => app.graph.nodes.length === 3")
    either.would_send(before)
    assert either.node(node)["widgets"]["3.text"] == "a woodcut, 木刻"


def test_a_prompt_in_api_format_brings_fields_values_and_links(either: Canvas) -> None:
    redrawing(either)
    before = either.prompt()
    either.clear()
    either.drop("api.json", "application/json", json.dumps(before).encode())
    either.wait_for("() => app.graph.nodes.length === 3")
    (node,) = either.nodes("RunningHubRemoteWorkflow")
    either.until(lambda: inputs_of(either.prompt()) == inputs_of(before))
    assert either.node(node)["inputs"]["10.image"]["linked"]
    either.picture("imported")
    assert either.node(node)["widgets"]["12.seed"] == 1234567890123


def test_copies_and_undone_changes_are_whole_nodes(either: Canvas) -> None:
    _, node, _ = redrawing(either)
    before = either.prompt()
    either.settle()
    either.select(node)
    either.press("Control+c")
    either.press("Control+v")
    either.wait_for("() => app.graph.nodes.length === 4")
    (copy,) = set(either.nodes("RunningHubRemoteWorkflow")) - {node}
    either.picture("copied")
    assert either.node(copy)["widgets"]["3.text"] == "a woodcut, 木刻"
    assert either.node(copy)["outputs"] == [
        {**output, "links": 0} for output in either.node(node)["outputs"]
    ]
    either.settle()
    either.command("Comfy.Undo")
    either.wait_for("() => app.graph.nodes.length === 3")
    assert either.prompt() == before
    either.command("Comfy.Redo")
    either.wait_for("() => app.graph.nodes.length === 4")
    (copy,) = set(either.nodes("RunningHubRemoteWorkflow")) - {node}
    assert either.node(copy)["widgets"]["12.seed"] == 1234567890123


def test_choosing_fields_is_one_step_of_undo(either: Canvas) -> None:
    either.clear()
    node = either.add("RunningHubRemoteWorkflow")
    either.settle()
    either.paste(node, LINK)
    either.primary()
    either.settle()
    either.command("Comfy.Undo")
    either.wait_for(
        """(id) => !app.graph.nodes.find((n) => String(n.id) === id)
            .widgets.some((widget) => widget.name === "6.text")""",
        node,
    )
    either.command("Comfy.Redo")
    either.wait_for(
        """(id) => app.graph.nodes.find((n) => String(n.id) === id)
            .widgets.some((widget) => widget.name === "6.text")""",
        node,
    )
    assert either.node(node)["outputs"][0]["label"] == "Save Image"


def test_into_a_subgraph_twice_and_out_again(either: Canvas, emulator: Emulator) -> None:
    _, node, saver = redrawing(either)
    before = either.prompt()
    either.select(node)
    either.command("Comfy.Graph.ConvertToSubgraph")
    either.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    inner = [i for i, n in either.prompt().items() if n["class_type"] == "RunningHubRemoteWorkflow"]
    assert ":" in inner[0]
    assert inputs_of(either.prompt()) == inputs_of(before)
    (outer,) = either.run_js(
        "() => app.graph.nodes.filter((node) => node.subgraph).map((node) => String(node.id))"
    )
    either.settle()
    either.select(outer, saver)
    either.press("Control+c")
    either.press("Control+v")
    either.wait_for("() => app.graph.nodes.filter((node) => node.subgraph).length === 2")
    either.picture("two instances")
    both = either.prompt()
    kinds = [n["class_type"] for n in both.values()]
    assert kinds.count("RunningHubRemoteWorkflow") == 2
    either.run()
    assert len(ordered(emulator)) >= 1
    assert all(order["3.text"] == "a woodcut, 木刻" for order in ordered(emulator))
    either.select(outer)
    either.command("Comfy.Graph.UnpackSubgraph")
    either.wait_for("() => app.graph.nodes.filter((node) => node.subgraph).length === 1")
    (out,) = either.nodes("RunningHubRemoteWorkflow")
    assert either.node(out)["widgets"]["3.text"] == "a woodcut, 木刻"
    assert either.node(out)["inputs"]["10.image"]["linked"]


def test_primitive_and_reroute_reach_a_field(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node = canvas.program(LINK, 500, 150)
    primitive = canvas.add("PrimitiveNode", 60, 150)
    canvas.connect(primitive, "connect to widget input", node, "5.width")
    canvas.wait_for(
        "(id) => app.graph.nodes.find((n) => String(n.id) === id).widgets?.length", primitive
    )
    canvas.set_widget(primitive, "value", 320)
    text = canvas.add("PrimitiveString", 60, 350)
    canvas.set_widget(text, "value", "through a reroute")
    reroute = canvas.add("Reroute", 300, 350)
    canvas.connect(text, "STRING", reroute, "")
    canvas.run_js(
        """([from, to]) => {
            const find = (id) => app.graph.nodes.find((node) => String(node.id) === id);
            find(from).connect(0, find(to), find(to).findInputSlot("6.text"));
        }""",
        [reroute, node],
    )
    canvas.picture("linked")
    canvas.run()
    (order,) = ordered(emulator)
    assert order["5.width"] == 320
    assert order["6.text"] == "through a reroute"


def test_a_seed_counts_up_over_three_runs(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = either.program(LINK)
    # Inputs of its own: what another test had made is kept and would not be ordered again.
    either.set_widget(node, "6.text", "one seed after the other")
    either.set_widget(node, "3.seed", 7)
    either.set_widget(node, "3.seed control_after_generate", "increment")
    for _ in range(3):
        either.run()
    assert [order["3.seed"] for order in ordered(emulator)] == [7, 8, 9]


def test_no_stored_picture_takes_the_place_of_one_that_is_muted(
    canvas: Canvas, emulator: Emulator
) -> None:
    loader, node, _ = redrawing(canvas)
    canvas.select(loader)
    for way in ("Mute", "Bypass"):
        canvas.command(f"Comfy.Canvas.ToggleSelectedNodes.{way}")
        assert "muted or bypassed" in str(canvas.refused()["node_errors"][node])
        assert emulator.counters.orders == 0
        canvas.command(f"Comfy.Canvas.ToggleSelectedNodes.{way}")
    canvas.run()
    (order,) = ordered(emulator)
    assert "10.image" in order


def test_a_field_that_has_a_link_is_removed_with_it(canvas: Canvas) -> None:
    loader, node, _ = redrawing(canvas)
    canvas.node_menu(node, "Choose fields")
    canvas.tick("10.image")
    canvas.picture("removing")
    canvas.primary()
    assert "10.image" not in canvas.node(node)["inputs"]
    assert canvas.node(loader)["outputs"][0]["links"] == 0
    assert "10.image" not in canvas.prompt()[node]["inputs"]
    assert canvas.node(node)["widgets"]["3.text"] == "a woodcut, 木刻"


def test_an_app_has_its_own_fields_and_a_link_finds_the_right_node(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = either.add("RunningHubRemoteWorkflow")
    either.type_into(node, "workflow", f"https://www.runninghub.ai/ai-detail/{APP}")
    either.dialog.wait_for()
    either.picture("wrong kind")
    either.dialog.locator("button.primary").click()
    either.wait_for("() => app.graph.nodes.some((node) => node.type === 'RunningHubAIApp')")
    either.dialog.get_by_role("tree").first.wait_for()
    either.picture("chooser")
    either.primary()
    (node,) = either.nodes("RunningHubAIApp")
    assert either.node(node)["widgets"]["6.text"] == "a cat"
    either.set_widget(node, "6.text", "a dog on the beach")
    either.run()
    (order,) = ordered(emulator)
    assert order["6.text"] == "a dog on the beach"
    either.forgive("status of 400")


def test_a_workflow_that_changed_says_so_and_is_followed(
    canvas: Canvas, emulator: Emulator
) -> None:
    # One of its own: the server remembers a workflow's JSON for the tests that follow.
    own = emulator.add_workflow(catalog.workflows()[catalog.IMAGE_TO_IMAGE].graph)
    loader, node, saver = redrawing(canvas, own)
    saved = canvas.workflow()
    graph = emulator.workflows[own].graph
    graph["12"]["inputs"]["steps"] = 25
    del graph["3"]["inputs"]["text"]
    graph["5"] = {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "second", "images": ["10", 0]},
        "_meta": {"title": "As it came"},
    }
    canvas.load(saved)
    canvas.page.get_by_text("was changed").first.wait_for()
    canvas.picture("told")
    canvas.shown(node).get_by_text("review").click()
    canvas.dialog.wait_for()
    canvas.picture("review")
    canvas.primary()
    built = canvas.node(node)
    assert "3.text" not in built["widgets"]
    assert built["widgets"]["12.seed"] == 1234567890123
    assert built["inputs"]["10.image"]["linked"]
    assert canvas.node(saver)["inputs"]["images"]["linked"]
    assert canvas.node(loader)["outputs"][0]["links"] == 1


def test_a_link_stays_where_a_changed_program_has_another_box(
    either: Canvas, emulator: Emulator
) -> None:
    own = emulator.add_workflow(catalog.workflows()[catalog.TEXT_TO_IMAGE].graph)
    either.clear()
    node, number = either.program(own, 500, 150), either.add("PrimitiveInt", 60, 150)
    # As of many a pack's node, which fits a whole number's input and another's.
    either.run_js("() => { app.graph.nodes.at(-1).outputs[0].type = '*'; }")
    either.connect(number, "INT", node, "3.steps")
    either.settle()
    emulator.workflows[own].graph["3"]["inputs"]["steps"] = 20.5
    either.node_menu(node, "检查 RunningHub" if either.classic else "Look for changes")
    either.primary()
    built = either.node(node)["inputs"]["3.steps"]
    assert built == {"type": "FLOAT", "linked": True}


def test_a_node_is_called_as_its_app_is_unless_a_person_gave_a_name(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = either.add("RunningHubAIApp")

    def titled(app: str) -> str:
        either.paste(node, app, "app")
        either.primary()
        return either.node(node)["title"]

    assert titled(APP) == "Example app"
    assert titled("1900000000000000202") == "Invert a picture"
    either.run_js("(id) => void (app.graph.getNodeById(Number(id)).title = 'Mine')", node)
    assert titled(APP) == "Mine"


def test_a_workflow_of_300_nodes(canvas: Canvas, emulator: Emulator) -> None:
    name = emulator.add_workflow(big(300))
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, name)
    canvas.picture("chooser")
    search = canvas.dialog.get_by_role("searchbox")
    search.fill("#299 scale_by")
    search.press("Enter")  # the one that was found
    canvas.dialog.locator('[data-key="299.scale_by"][aria-checked=true]').wait_for()
    search.press("Enter")  # OK
    canvas.dialog.wait_for(state="detached")
    assert canvas.node(node)["widgets"]["299.scale_by"] == 1
    assert canvas.node(node)["widgets"]["6.text"] == "a lighthouse at dusk"


def big(count: int) -> dict[str, Any]:
    """A text to image whose picture goes through a long chain of small steps."""
    graph = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    saver = graph.pop("9")
    last = "8"
    for number in range(10, 10 + count - len(graph) - 1):
        graph[str(number)] = {
            "class_type": "ImageScaleBy",
            "inputs": {"upscale_method": "bilinear", "scale_by": 1.0, "image": [last, 0]},
            "_meta": {"title": f"Step {number}"},
        }
        last = str(number)
    saver["inputs"]["images"] = [last, 0]
    return {**graph, "9": saver}
