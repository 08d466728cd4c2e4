"""What cannot be right: it is said where the person looks, harms no graph and orders nothing."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.catalog import App
from tests.browser.canvas import Canvas
from tests.browser.test_programs import APP, big

if TYPE_CHECKING:
    from playwright.sync_api import Response

REFUSED = r"api/runninghub/program|status of 400"
GRAPH_ROUTE = "/api/openapi/getJsonApiFormat"
SITE_KEY = "abcd" * 8

_numbers = itertools.count(1)


def text_to_image() -> dict[str, Any]:
    return catalog.workflows()[catalog.TEXT_TO_IMAGE].graph


def refused(canvas: Canvas, node: str, text: str, *words: str) -> None:
    """Types an id or a link that cannot be read, and closes the dialog that says so in words."""
    canvas.type_into(node, "workflow", text)
    canvas.dialog.wait_for()
    canvas.until(lambda: all(word in canvas.dialog.inner_text() for word in words))
    canvas.picture(f"told {words[0][:20]}")
    canvas.page.keyboard.press("Escape")
    canvas.dialog.wait_for(state="detached")


def keeps(canvas: Canvas, node: str, before: dict[str, Any]) -> None:
    """All that a node had is there but what was typed; no run takes it for what it shows."""

    def shown(prompt: dict[str, Any]) -> dict[str, Any]:
        inputs = {k: v for k, v in prompt[node]["inputs"].items() if k != "workflow"}
        form = json.loads(inputs["form"])
        return {**prompt, node: {**inputs, "form": {k: form[k] for k in form if k != "unread"}}}

    now = canvas.prompt()
    assert shown(now) == shown(before)
    assert json.loads(now[node]["inputs"]["form"])["unread"] is True


def test_a_program_that_cannot_be_read_is_named_and_the_node_stays(
    canvas: Canvas, emulator: Emulator
) -> None:
    never_run = emulator.add_workflow(text_to_image(), never_run=True)
    half = emulator.add_workflow(text_to_image())
    deleted = emulator.add_workflow(text_to_image())
    del emulator.workflows[deleted]
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    before = canvas.prompt()
    for text, words in (
        ("a lighthouse, please", "neither the id nor the link"),
        (f"https://example.com/workflow/{half}", "example.com, which is not RunningHub"),
        (deleted, "has no such workflow"),  # a private one is answered alike
        (never_run, "run it there once"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    ):
        refused(canvas, node, text, words)
    # The graph is cut in its middle, or the answer that holds it.
    answer = {"code": 0, "msg": "SUCCESS", "data": {"prompt": '{"3": {"class_type": "KSam'}}
    cut = Fault(GRAPH_ROUTE, "body", count=None, value=json.dumps(answer))
    for fault in (cut, Fault(GRAPH_ROUTE, "half_json", count=None)):
        emulator.faults = [fault]
        refused(canvas, node, half, "cannot be read")
        canvas.set_widget(node, "workflow", "")
    keeps(canvas, node, before)
    # What was wrong once is no matter later.
    emulator.faults = []
    canvas.paste(node, half)
    canvas.primary()
    assert canvas.prompt()[node]["inputs"]["6.text"] == "a lighthouse at dusk"
    assert canvas.node(preview)["inputs"]["images"]["linked"]
    assert emulator.counters.orders == 0
    canvas.forgive(REFUSED)


def test_a_run_of_a_wrong_id_is_over_once_the_right_one_is_chosen(either: Canvas) -> None:
    """Neither the ring nor the notice stays, which would belong to a workflow that is not there."""
    either.clear()
    node = either.add("RunningHubRemoteWorkflow")
    refused(either, node, "1234567890123456789", "WORKFLOW_NOT_EXISTS")
    either.run("execution_error")
    alert = either.page.locator(".runninghub-notices").get_by_role("alert")
    alert.wait_for()
    outlined = "() => String(app.lastExecutionError?.node_id ?? '')"
    assert either.run_js(outlined) == node
    either.paste(node, catalog.TEXT_TO_IMAGE)
    either.primary()
    assert either.run_js(outlined) == ""
    alert.wait_for(state="detached")
    either.until(lambda: any("0.2" in text for text in either.painted()))  # coins a second
    either.forgive(REFUSED)


def test_a_node_that_another_pack_made_anew_by_its_values_orders_nothing(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    canvas.set_widget(node, "6.text", "words that would be lost")
    preview = canvas.add("PreviewImage", 800, 150)
    rebuilt = canvas.run_js(
        """(id) => {
            const graph = app.canvas.graph;
            const old = graph.nodes.find((node) => String(node.id) === id);
            const fresh = LiteGraph.createNode(old.type);
            graph.add(fresh);
            fresh.properties = {...old.properties};
            for (const widget of fresh.widgets) {
                const before = old.widgets.find(({name}) => name === widget.name);
                if (before) widget.value = before.value;
            }
            graph.remove(old);
            return String(fresh.id);
        }""",
        node,
    )
    canvas.connect(rebuilt, "images", preview, "images")
    assert "6.text" not in canvas.prompt()[rebuilt]["inputs"]
    assert "choose again" in str(canvas.refused()["node_errors"][rebuilt])
    assert emulator.counters.orders == 0


def test_a_link_of_the_other_site_and_a_profile_that_is_not_here(
    canvas: Canvas, emulator: Emulator
) -> None:
    name = f"overseas {next(_numbers)}"
    page = canvas.settings("Keys and sites")
    page.get_by_label("Site").select_option(label="www.runninghub.ai")
    page.get_by_label("API key").fill(SITE_KEY)
    page.get_by_label("Profile name").fill(name)
    page.get_by_label("Profile name").press("Enter")
    stored = page.locator(".card", has_text=name)
    stored.get_by_role("button", name="Test").wait_for()
    close_settings(canvas)
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    canvas.set_widget(node, "6.text", "of another site")
    canvas.set_widget(node, "profile", name)
    before = canvas.prompt()
    foreign = f"https://www.runninghub.cn/workflow/{catalog.IMAGE_TO_IMAGE}"
    refused(canvas, node, foreign, "belongs to www.runninghub.cn", "is for www.runninghub.ai")
    keeps(canvas, node, before)
    canvas.set_widget(node, "workflow", catalog.TEXT_TO_IMAGE)
    shared = canvas.workflow()
    page = canvas.settings("Keys and sites")
    stored = page.locator(".card", has_text=name)
    stored.get_by_role("button", name="Delete").click()
    stored.get_by_role("button", name="Really delete?").click()
    stored.wait_for(state="detached")
    close_settings(canvas)

    # As somebody else gets it, who has no profile of that name.
    canvas.load(shared)
    assert canvas.prompt() == before
    preview = canvas.add("PreviewImage", 800, 150)
    canvas.connect(node, "out_1", preview, "images")
    missing = f'no stored profile "{name}"'
    canvas.node_menu(node, "Choose fields")
    canvas.dialog.get_by_text(missing).wait_for()
    canvas.picture("no such profile")
    canvas.page.keyboard.press("Escape")
    canvas.refused()
    canvas.page.get_by_text(missing).first.wait_for()
    canvas.picture("run without the profile")
    assert canvas.node(node)["widgets"]["6.text"] == "of another site"
    assert emulator.counters.orders == 0
    canvas.forgive(REFUSED)


def close_settings(canvas: Canvas) -> None:
    canvas.page.keyboard.press("Escape")
    canvas.page.locator(".runninghub-setting").wait_for(state="detached")


def test_what_was_refused_for_want_of_a_workflow_is_over_once_one_is_chosen(
    either: Canvas, emulator: Emulator
) -> None:
    for has_other in (False, True):
        either.clear()
        node = either.add("RunningHubRemoteWorkflow")
        preview = either.add("PreviewImage", 800, 150)
        either.connect(node, "images", preview, "images")
        # It lacks an input, which no workflow gives it.
        others = {either.add("PreviewImage", 800, 600)} if has_other else set()
        either.refused()
        shown_as_refused(either, {node, *others})
        either.generic_error.wait_for()
        either.picture("refused")
        # A dialog is closed by whoever goes on.
        is_dialog = either.generic_error.get_attribute("role") == "dialog"
        if is_dialog:
            either.page.keyboard.press("Escape")
            either.generic_error.wait_for(state="detached")
        either.paste(node, catalog.TEXT_TO_IMAGE)
        either.primary()
        shown_as_refused(either, others)
        stays = has_other and not is_dialog
        either.generic_error.wait_for(state="visible" if stays else "detached")
        either.picture("chosen")
    assert emulator.counters.orders == 0


def shown_as_refused(canvas: Canvas, nodes: set[str]) -> None:
    """Waits until ComfyUI outlines these nodes and no other."""
    outlined = "() => Object.keys(app.lastNodeErrors ?? {})"
    canvas.until(lambda: set(canvas.run_js(outlined)) == nodes)


@pytest.mark.parametrize("program", ["workflow", "app"])
def test_a_password_is_asked_for_and_kept_out_of_the_graph(
    canvas: Canvas, emulator: Emulator, program: str
) -> None:
    secret, wrong = f"open sesame {next(_numbers)}", "open poppy"
    own = emulator.add_workflow(text_to_image(), password=secret if program == "workflow" else None)
    name = own
    if program == "app":
        name = emulator.next_id()
        fields = emulator.apps[APP].fields
        emulator.apps[name] = App(name, "Behind a door", own, fields, password=secret)
    answers: list[Response] = []
    canvas.page.on("response", lambda answer: answers.append(answer))
    canvas.clear()
    node = canvas.add("RunningHubAIApp" if program == "app" else "RunningHubRemoteWorkflow")
    canvas.type_into(node, program, name)
    canvas.dialog.get_by_label("Password").wait_for()
    canvas.picture("asked")
    assert canvas.prompt()[node]["inputs"].get("6.text") is None
    enter(canvas, wrong)
    if program == "workflow":
        # The service says so at once; of an app it says so when it is run.
        canvas.dialog.get_by_text("accessPassword is wrong").wait_for()
        canvas.picture("wrong")
        enter(canvas, secret)
    canvas.dialog.get_by_role("tree").first.wait_for()
    canvas.primary()
    preview = canvas.add("PreviewImage", 800, 150)
    # Of an app nobody knows the outputs; the workflow's only one is its own.
    canvas.connect(node, "out_1" if program == "workflow" else "images", preview, "images")
    canvas.set_widget(node, "6.text", f"a door that needs {program}s")
    if program == "app":
        canvas.run("execution_error")
        canvas.page.get_by_text("accessPassword is wrong").first.wait_for()
        assert emulator.counters.orders == 0
        canvas.node_menu(node, "Password")
        canvas.picture("again")
        canvas.dialog.get_by_label("Password").fill(secret)
        canvas.primary()
    prompt_id = canvas.run()
    canvas.shows_picture(preview)
    (task,) = emulator.tasks.values()
    assert task.status == "SUCCESS"
    texts = [json.dumps(canvas.workflow()), json.dumps(canvas.finished(prompt_id))]
    texts += [answer.text() for answer in answers if "/runninghub/" in answer.url]
    texts.append(canvas.run_js("async () => (await fetch('/api/runninghub/settings')).text()"))
    texts.append(canvas.host.said())
    assert not [text for text in texts if secret in text or wrong in text]
    canvas.forgive(REFUSED)


def enter(canvas: Canvas, password: str) -> None:
    """Answers the question for a password; returns when the program was asked for again."""
    with canvas.page.expect_response("**/runninghub/program"):
        canvas.dialog.get_by_label("Password").fill(password)
        canvas.dialog.get_by_label("Password").press("Enter")
    canvas.dialog.wait_for()


def test_two_thousand_nodes_are_searched_and_chosen_from(
    canvas: Canvas, emulator: Emulator
) -> None:
    name = emulator.add_workflow(big(2000))
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, name)
    rows = canvas.dialog.get_by_role("tree").first.get_by_role("treeitem")
    assert rows.count() < 100  # of thousands
    canvas.picture("chooser")
    canvas.dialog.get_by_role("searchbox").press_sequentially("step 1999")
    canvas.tick("1999.scale_by")
    canvas.picture("found")
    canvas.dialog.get_by_role("searchbox").fill("")
    canvas.dialog.get_by_role("tree").first.press("End")
    canvas.dialog.get_by_text("#2002").first.wait_for()
    canvas.primary()
    assert canvas.node(node)["widgets"]["1999.scale_by"] == 1
    assert emulator.counters.orders == 0


HTML = '<img src=x onerror="window.harmed = 1"><b>bold</b>'
FROM_RIGHT = "\u202eexe.\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
EMOJI = "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3dd\ufe0f input"


def strange() -> dict[str, Any]:
    """A workflow with titles, ids, fields and classes that nobody expects."""
    graph = text_to_image()
    graph["3"]["_meta"]["title"] = HTML
    graph["6"]["_meta"]["title"] = FROM_RIGHT
    graph["7"]["_meta"]["title"] = "W" * 10_000 + "\n\t"
    for number in ("12:3", "12:4:5"):
        text = {"class_type": "CLIPTextEncode", "_meta": {"title": EMOJI}}
        graph[number] = {**text, "inputs": {"text": number, "clip": ["4", 1]}}
    graph["20"] = {
        "class_type": "Nobody's <i>Node</i>",
        "inputs": {"format.codec": "h264", "a long name": 5, "__proto__": True, "of.7.3": 0.25},
    }
    graph["21"] = {**graph["9"], "_meta": {"title": "Save Image"}}
    return graph


def test_strange_titles_fields_and_classes_are_shown_as_what_they_are(
    canvas: Canvas, emulator: Emulator
) -> None:
    name = emulator.add_workflow(strange())
    canvas.clear()
    node = canvas.add("RunningHubRemoteWorkflow")
    canvas.paste(node, name)
    canvas.picture("chooser")
    dialog = canvas.dialog
    assert dialog.get_by_text(HTML).count() >= 1
    assert dialog.locator("img, b, i").count() == 0
    assert canvas.run_js("() => window.harmed") is None
    for row in dialog.get_by_role("treeitem").all():
        assert row.bounding_box()["height"] == 30  # nothing breaks the line
    sideways = "(all) => all.some((box) => box.scrollWidth > box.clientWidth)"
    assert not dialog.get_by_role("tree").evaluate_all(sideways)
    dialog.get_by_role("searchbox").fill("nobody")
    canvas.picture("found")
    canvas.tick("20.format.codec", "20.a long name", "20.__proto__", "20.of.7.3")
    canvas.primary()
    canvas.picture("built")
    built = canvas.node(node)
    fields = {k: v for k, v in built["widgets"].items() if k[0].isdigit() and "control" not in k}
    assert fields["12:3.text"] == "12:3"
    assert fields["12:4:5.text"] == "12:4:5"
    assert fields["20.format.codec"] == "h264"
    labels = [built["labels"][field] for field in fields]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) <= 80
    assert not [label for label in labels if "\u202e" in label]
    outputs = [output["label"] for output in built["outputs"]]
    assert len(set(outputs)) == len(outputs)
    preview = canvas.add("PreviewImage", 100, 900)
    canvas.connect(node, "out_2", preview, "images")
    canvas.set_widget(node, "20.a long name", 6)
    canvas.set_widget(node, "12:3.text", "deep inside")
    before = canvas.prompt()
    canvas.load(canvas.workflow())
    assert canvas.prompt() == before
    # The emulator knows no such class; what reached it is what was set.
    canvas.run("execution_error")
    canvas.page.get_by_text("Nobody's <i>Node</i>").first.wait_for()
    canvas.picture("refused")
    assert canvas.run_js("() => window.harmed") is None
    (sent,) = [entry.json for entry in emulator.journal if entry.path.endswith("/openapi/create")]
    values = {(row["nodeId"], row["fieldName"]): row["fieldValue"] for row in sent["nodeInfoList"]}
    assert values["20", "a long name"] == 6
    assert values["20", "format.codec"] == "h264"
    assert values["20", "of.7.3"] == 0.25
    assert values["20", "__proto__"] is True
    assert values["12:3", "text"] == "deep inside"
    assert emulator.tasks == {}


def test_an_edited_file_brings_no_wrong_values(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    saved = canvas.workflow()
    before = canvas.prompt()
    for wrong in (None, {}, [1, 2], "abc", True, -(10**30), "<script>"):
        canvas.load(edited(saved, values=wrong))
        inputs = canvas.prompt()[node]["inputs"]
        assert isinstance(inputs["6.text"], str)
        assert type(inputs["5.width"]) is int
        assert type(inputs["3.seed"]) is int
        assert inputs["5.width"] >= 16
    canvas.picture("wrong values")
    for wrong in (None, 5, '{"v": 1, "fields": [', {"v": 1, "fields": "all", "sockets": "none"}):
        canvas.load(edited(saved, form=wrong))
        assert canvas.nodes("RunningHubRemoteWorkflow") == [node]
        assert canvas.node(node)["widgets"]["workflow"] == catalog.TEXT_TO_IMAGE
        assert "6.text" not in canvas.prompt()[node]["inputs"]
    canvas.picture("no form")
    # It is whole again by its chooser.
    canvas.node_menu(node, "Choose fields")
    canvas.primary()
    assert canvas.prompt()[node]["inputs"]["6.text"] == before[node]["inputs"]["6.text"]
    assert emulator.counters.orders == 0


def edited(saved: dict[str, Any], **wrong: Any) -> dict[str, Any]:
    """A file in which somebody wrote over the node's values or its form."""
    file = json.loads(json.dumps(saved))
    (node,) = file["nodes"]
    stored = node["properties"]["runninghub"]
    if "form" in wrong:
        # It is there twice, the second time as text.
        texts = [json.dumps(stored["form"], separators=(",", ":"), ensure_ascii=False)]
        values = [wrong["form"] if value in texts else value for value in node["widgets_values"]]
        assert values != node["widgets_values"]
        node["widgets_values"] = values
        stored["form"] = wrong["form"]
    else:
        stored["values"] = dict.fromkeys(stored["values"], wrong["values"])
    return file
