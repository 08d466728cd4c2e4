"""Standard models on the canvas: found, chosen, switched, run, and the same on every way back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.support.service import bodies

if TYPE_CHECKING:
    from playwright.sync_api import Locator

PAINTER = "rhart-image-n-pro/text-to-image"
EDITOR = "rhart-image-n-pro/edit"
SEVERAL = "alibaba/wan-2.6/reference-to-video"
GONE = "rhart-video-s/image-to-video-deprecated"
SUCCESSOR = "rhart-video-s/image-to-video"
MOTION = "kling-v3.0-std/motion-control"  # whose film's length is not among the values
KLING = "kling-v3.0-pro/image-to-video"


pytestmark = pytest.mark.usefixtures("models_account")


def options(canvas: Canvas) -> Locator:
    """The rows of the choice that is open."""
    return canvas.dialog.get_by_role("listbox").get_by_role("option")


def built(canvas: Canvas, node: str, endpoint: str) -> dict[str, Any]:
    """A node once it is one of this model."""
    canvas.wait_for(
        """([id, endpoint]) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
            .properties.runninghub?.form?.id === endpoint""",
        [node, endpoint],
    )
    return canvas.node(node)


def model(canvas: Canvas, endpoint: str, x: float = 500, y: float = 60, kind: str = "") -> str:
    """A node of a model, whose endpoint was put into the choice."""
    node = canvas.add(kind or "RunningHubModel", x, y)
    canvas.dialog.get_by_role("combobox").first.fill(endpoint)
    canvas.dialog.locator("button.primary").click()
    built(canvas, node, endpoint)
    return node


def items(canvas: Canvas, node: str, name: str) -> list[str]:
    return [socket for socket in canvas.node(node)["inputs"] if socket.startswith(f"{name}.")]


def test_a_node_just_placed_opens_its_choice_and_becomes_a_picture(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = either.add("RHTextToImage", 500, 160)
    options(either).first.wait_for()
    either.picture("choice")
    words = "全能图片PRO" if either.classic else "nano-banana-pro low price"
    either.page.keyboard.type(words)
    row = options(either).filter(has_text="nano-banana-pro/text-to-image-channel-low-price").first
    row.wait_for()
    either.picture("searched")
    row.click()
    either.dialog.wait_for(state="detached")
    view = built(either, node, PAINTER)
    assert view["widgets"]["model"] == PAINTER
    assert view["widgets"]["resolution"] == "1k"
    assert [output["name"] for output in view["outputs"]] == ["images"]
    either.set_widget(node, "prompt", "a boat in the fog")
    either.set_widget(node, "aspectRatio", "16:9")
    preview = either.add("PreviewImage", 960, 160)
    either.draw_link(node, view["outputs"][0]["label"], preview, "images")
    either.picture("built")
    either.run()
    either.shows_picture(preview)
    either.picture("ran")
    body = {"prompt": "a boat in the fog", "aspectRatio": "16:9", "resolution": "1k"}
    assert bodies(emulator, PAINTER) == [body]


def test_the_choice_by_keyboard_alone(canvas: Canvas) -> None:
    canvas.clear()
    node = canvas.add("RunningHubModel", 500, 60)
    options(canvas).first.wait_for()
    keys = canvas.page.keyboard
    keys.type("kling 3.0 pro image")
    canvas.dialog.get_by_text("kling-v3.0-pro-image-to-video").wait_for()
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    box = canvas.dialog.get_by_role("combobox").first
    active = box.get_attribute("aria-activedescendant")
    assert canvas.page.locator(f'[id="{active}"]').get_attribute("aria-selected") == "true"
    keys.press("Enter")
    canvas.dialog.wait_for(state="detached")
    assert built(canvas, node, KLING)["widgets"]["duration"] == "5"

    # Enter means what was typed, however quick.
    canvas.menu_entry(node, "Choose a model")
    options(canvas).first.wait_for()
    keys.type("kling 3.0 std image")
    keys.press("Enter")
    built(canvas, node, "kling-v3.0-std/image-to-video")

    # A row that was walked to is meant, also behind the beginning of an endpoint.
    canvas.menu_entry(node, "Choose a model")
    options(canvas).first.wait_for()
    keys.type("kling-v3.0-std/")
    second = options(canvas).nth(1)  # the first one may be that of the list before
    second.locator('xpath=self::*[starts-with(@title, "kling-v3.0-std/")]').wait_for()
    keys.press("ArrowDown")
    second.locator('xpath=self::*[@aria-selected="true"]').wait_for()
    endpoint = (second.get_attribute("title") or "").split()[0]
    keys.press("Enter")
    assert endpoint.startswith("kling-v3.0-std/")
    built(canvas, node, endpoint)

    # Escape leaves a new node as it is, and it says how to go on.
    another = canvas.add("RunningHubModel", 60, 60)
    options(canvas).first.wait_for()
    keys.press("Escape")
    canvas.dialog.wait_for(state="detached")
    assert canvas.node(another)["labels"]["choose_fields"] == "Choose a model…"


def test_a_pasted_endpoint_name_or_link_chooses(either: Canvas) -> None:
    name = "nano-banana-pro/text-to-image-channel-low-price"
    for text in (PAINTER, name, f"/openapi/v2/{PAINTER}"):
        either.clear()
        node = either.add("RunningHubModel", 500, 60)
        options(either).first.wait_for()
        either.page.keyboard.press("Escape")
        either.type_into(node, "model", text)
        view = built(either, node, PAINTER)
        assert view["widgets"]["model"] == PAINTER
        assert "prompt" in view["widgets"]


def test_words_that_name_several_open_the_choice_with_them(either: Canvas) -> None:
    either.clear()
    either.forgive(r"api/runninghub/program|status of 40\d")
    node = either.add("RunningHubModel", 500, 60)
    options(either).first.wait_for()
    either.page.keyboard.press("Escape")
    either.type_into(node, "model", "kling")
    options(either).first.wait_for()
    assert either.dialog.get_by_role("combobox").first.input_value() == "kling"
    either.picture("several")
    options(either).first.click()
    either.wait_for(
        """(id) => app.canvas.graph.nodes.find((node) => String(node.id) === id)
            .properties.runninghub.form.id.startsWith("kling")""",
        node,
    )


def test_sockets_of_a_list_grow_as_they_are_linked(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = model(either, SEVERAL, 700, 60)
    first, second = either.add("LoadImage", 60, 60), either.add("EmptyImage", 60, 460)
    either.set_widget(second, "width", 64)
    either.set_widget(second, "height", 64)
    assert items(either, node, "imageUrls") == ["imageUrls.1"]
    either.draw_link(first, "IMAGE", node, "imageUrls.1")
    either.draw_link(second, "IMAGE", node, "imageUrls.2")
    assert items(either, node, "imageUrls") == ["imageUrls.1", "imageUrls.2", "imageUrls.3"]
    names = list(either.node(node)["inputs"])
    assert names.index("imageUrls.3") == names.index("imageUrls") + 3  # below its sisters
    either.picture("grown")
    linked = {"imageUrls.1": [first, 0], "imageUrls.2": [second, 0]}
    assert either.prompt()[node]["inputs"].items() >= linked.items()

    before = either.prompt()
    either.load(either.workflow())
    assert either.prompt() == before
    assert items(either, node, "imageUrls") == ["imageUrls.1", "imageUrls.2", "imageUrls.3"]
    either.select(node, first, second)
    either.press("Control+c")
    either.press("Control+v")
    either.wait_for("() => app.canvas.graph.nodes.length === 6")
    (copy,) = {*either.nodes("RunningHubModel")} - {node}
    assert {*either.prompt()[copy]["inputs"]} == {*before[node]["inputs"]}

    # As a prompt in API format and back.
    either.clear()
    either.drop("api.json", "application/json", json.dumps(before).encode())
    either.wait_for("() => app.graph.nodes.length === 3")
    (node,) = either.nodes("RunningHubModel")
    # While it loads there are as many as there may be.
    three = ["imageUrls.1", "imageUrls.2", "imageUrls.3"]
    either.until(lambda: items(either, node, "imageUrls") == three)
    assert _without_ids(either.prompt()) == _without_ids(before)

    # Pulled off the last, there is one free socket again.
    either.picture("imported")
    either.drag(either.socket(node, "inputs", "imageUrls.2"), (420.0, 850.0))
    either.picture("pulled off")
    either.until(lambda: items(either, node, "imageUrls") == ["imageUrls.1", "imageUrls.2"])


def test_a_model_with_a_parameter_that_waits_for_another_is_copied(either: Canvas) -> None:
    either.clear()
    node = model(either, KLING, 700, 60)
    either.set_widget(node, "prompt", "a harbour")
    either.set_widget(node, "multiShot", True)
    either.select(node)
    either.press("Control+c")
    either.press("Control+v")
    either.until(lambda: len(either.nodes("RunningHubModel")) == 2)
    (copy,) = {*either.nodes("RunningHubModel")} - {node}
    assert either.prompt()[copy] == either.prompt()[node]


def test_a_list_goes_into_a_subgraph_and_out_again(either: Canvas) -> None:
    either.clear()
    node = model(either, SEVERAL, 700, 60)
    first, second = either.add("LoadImage", 60, 60), either.add("EmptyImage", 60, 460)
    either.draw_link(first, "IMAGE", node, "imageUrls.1")
    either.draw_link(second, "IMAGE", node, "imageUrls.2")
    either.set_widget(node, "prompt", "a fair")
    before = _without_ids(either.prompt())
    either.settle()
    either.select(node)
    either.command("Comfy.Graph.ConvertToSubgraph")
    either.wait_for("() => app.graph.nodes.some((node) => node.subgraph)")
    assert _without_ids(either.prompt()) == before
    either.load(either.workflow())
    assert _without_ids(either.prompt()) == before
    (outer,) = either.run_js(
        "() => app.graph.nodes.filter((node) => node.subgraph).map((node) => String(node.id))"
    )
    either.select(outer)
    either.command("Comfy.Graph.UnpackSubgraph")
    either.wait_for("() => !app.graph.nodes.some((node) => node.subgraph)")
    (node,) = either.nodes("RunningHubModel")
    either.picture("unpacked")
    assert _without_ids(either.prompt()) == before


def _without_ids(prompt: dict[str, Any]) -> list[Any]:
    """Nodes and links without their ids."""
    return sorted(
        (
            entry["class_type"],
            sorted(
                (name, [prompt[value[0]]["class_type"], value[1]] if _is_link(value) else value)
                for name, value in entry["inputs"].items()
            ),
        )
        for entry in prompt.values()
    )


def _is_link(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2


def test_another_model_keeps_what_still_fits(either: Canvas) -> None:
    either.clear()
    node = model(either, KLING, 700, 60)
    picture, text = either.add("LoadImage", 60, 60), either.add("PrimitiveString", 60, 460)
    slots = either.run_js(
        "(id) => app.canvas.graph.getNodeById(id).inputs.map(({ name, label }) => [name, label])",
        node,
    )
    assert ["firstImageUrl", "首帧" if either.classic else "First frame"] in slots
    assert ["lastImageUrl", "尾帧" if either.classic else "Last frame"] in slots
    either.picture("labels")
    either.draw_link(picture, "IMAGE", node, "firstImageUrl")
    either.connect(text, "STRING", node, "prompt")
    either.set_widget(node, "negativePrompt", "fog")
    either.set_widget(node, "duration", "8")
    either.set_widget(node, "cfgScale", 0.7)
    either.settle()
    before = either.prompt()
    endpoint = "kling-v3.0-std/image-to-video"
    either.menu_entry(node, "选择模型" if either.classic else "Choose a model")
    either.dialog.get_by_role("combobox").first.fill(endpoint)
    either.dialog.locator("button.primary").click()
    built(either, node, endpoint)
    inputs = either.prompt()[node]["inputs"]
    assert inputs["firstImageUrl"] == [picture, 0]
    assert inputs["prompt"] == [text, 0]
    assert (inputs["negativePrompt"], inputs["duration"], inputs["cfgScale"]) == ("fog", "8", 0.7)
    either.picture("switched")

    # A number of seconds is one, in a list or not; and a switch is one step of undo.
    whole = "kling-v3-4k/image-to-video"
    either.settle()
    either.set_widget(node, "model", whole)
    assert built(either, node, whole)["widgets"]["duration"] == 8
    either.settle()
    either.command("Comfy.Undo")
    either.wait_for(
        """([id, endpoint]) => app.graph.nodes.find((node) => String(node.id) === id)
            ?.properties.runninghub.form.id === endpoint""",
        [node, endpoint],
    )
    assert either.prompt()[node]["inputs"] == inputs
    assert before[node]["inputs"]["duration"] == "8"

    # A link that finds no socket is named: the next run would cost as much without the picture.
    either.settle()
    either.set_widget(node, "model", "kling-v3.0-std/text-to-video")
    message = "找不到对应的插槽" if either.classic else "found no matching input or output"
    either.page.get_by_text(message).first.wait_for()
    either.picture("lost")


def test_a_condition_is_told_at_the_field(either: Canvas) -> None:
    either.clear()
    node = model(either, KLING)
    waits = "仅当 多镜头 = true" if either.classic else "only with Multi shot = true"
    assert either.node(node)["labels"]["shotType"].endswith(waits)
    either.set_widget(node, "multiShot", True)
    shot = "镜头类型" if either.classic else "Shot type"
    assert either.node(node)["labels"]["shotType"] == shot
    either.set_widget(node, "multiShot", False)
    either.load(either.workflow())
    assert either.node(node)["labels"]["shotType"].count(waits) == 1


def test_a_condition_is_told_once_in_whatever_language_it_was_saved(either: Canvas) -> None:
    either.clear()
    node = model(either, KLING)

    def label() -> str:
        (saved,) = either.workflow()["nodes"]
        (slot,) = (socket for socket in saved["inputs"] if socket["name"] == "shotType")
        return slot["label"]

    before = label()
    either.reload()  # the graph is there before the texts
    either.until(lambda: "form." not in either.node(node)["labels"]["shotType"])
    assert label() == before
    waits = before[before.index(" ·") :]
    saved = json.dumps(either.workflow(), ensure_ascii=False).replace(waits, " · seulement avec")
    either.load(json.loads(saved))
    assert label() == before


def test_a_node_without_a_model_has_its_buttons_after_a_reload(either: Canvas) -> None:
    either.clear()
    node = either.add("RunningHubModel")
    options(either).first.wait_for()
    either.page.keyboard.press("Escape")
    before = either.node(node)["labels"]
    either.reload()
    # Each has its text once all are there: one without a text may have its name until then.
    either.until(lambda: either.node(node)["labels"] == before)


def test_a_model_that_is_gone_loads_and_names_its_successor(either: Canvas) -> None:
    either.clear()
    node = model(either, SUCCESSOR, 700, 60)
    picture = either.add("LoadImage", 60, 60)
    either.draw_link(picture, "IMAGE", node, "imageUrl")
    either.set_widget(node, "prompt", "waves")
    before = either.prompt()
    old = json.loads(json.dumps(either.workflow()).replace(SUCCESSOR, GONE))
    either.clear()
    either.load(old)
    assert either.prompt()[node]["inputs"]["imageUrl"] == [picture, 0]
    notice = "已不再提供" if either.classic else "No longer offered"
    either.until(lambda: notice in either.node(node)["labels"]["choose_fields"])
    either.picture("gone")
    press(either, node, "choose_fields")
    either.dialog.locator("button.primary").wait_for()
    either.picture("notice")
    either.dialog.locator("button.primary").click()
    built(either, node, SUCCESSOR)
    after = either.prompt()[node]["inputs"]
    assert {**after, "form": ""} == {**before[node]["inputs"], "form": ""}


def press(canvas: Canvas, node: str, widget: str) -> None:
    """A button of a node, with the mouse."""
    if canvas.classic:
        canvas.page.mouse.click(*canvas.widget_at(node, widget))
    else:
        label = canvas.node(node)["labels"][widget]
        canvas.shown(node).get_by_role("button", name=label, exact=True).click()


def test_the_price_stands_on_the_node_and_nothing_of_mine_goes_out(
    either: Canvas, emulator: Emulator
) -> None:
    emulator.preview_placeholders = "accepted"
    either.clear()
    node = model(either, KLING)
    either.set_widget(node, "prompt", "my own secret words")
    either.until(lambda: "1.04" in either.node(node)["labels"]["price"])
    either.set_widget(node, "sound", False)
    either.until(lambda: "0.69" in either.node(node)["labels"]["price"])
    either.picture("price")
    entries = [entry for entry in emulator.journal if "price-preview" in entry.path]
    assert entries == []
    press(either, node, "price")
    answered = "刚刚答复" if either.classic else "just now"
    either.until(lambda: answered in either.node(node)["labels"]["price"])
    either.picture("asked")
    (entry,) = [entry for entry in emulator.journal if "price-preview" in entry.path]
    assert "secret" not in json.dumps(entry.json)
    assert not emulator.counters.orders


def test_a_doubtful_value_is_sent_when_a_person_says_so(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = model(either, PAINTER)
    either.set_widget(node, "prompt", "x" * 20_001)
    painter = emulator.models[PAINTER]
    prompt, *others = painter.parameters
    newer = (replace(prompt, max_length=30_000), *others)
    emulator.models[PAINTER] = replace(painter, parameters=newer)
    preview = either.add("PreviewImage", 960, 60)
    either.connect(node, "images", preview, "images")
    either.refused()
    button = "仍然发送" if either.classic else "Send anyway"
    card = either.page.locator(".runninghub-notices").get_by_role("button", name=button)
    card.wait_for()
    either.picture("doubtful")
    card.click()
    either.shows_picture(preview)
    assert len(bodies(emulator, PAINTER)) == 1


def test_a_search_in_one_kind_tells_of_the_others(either: Canvas) -> None:
    either.clear()
    either.add("RunningHubModel", 60, 60)
    options(either).first.wait_for()
    either.dialog.locator("select").select_option("RHMusic")
    either.dialog.get_by_role("combobox").first.fill("kling 3.0 pro")
    others = re.compile(r"其他类别中有 \d+ 个" if either.classic else r"\d+ of other kinds do")
    either.dialog.get_by_text(others).wait_for()
    either.picture("other kinds")
    either.page.keyboard.press("Escape")


def test_favourites_come_first_and_are_entries_of_the_search(either: Canvas) -> None:
    either.clear()
    node = either.add("RunningHubModel", 60, 60)
    options(either).first.wait_for()
    either.page.keyboard.type("kling 3.0 pro image")
    row = options(either).filter(has_text="kling-v3.0-pro-image-to-video").first
    row.locator(".star").click()
    either.page.keyboard.press("Escape")
    either.dialog.wait_for(state="detached")
    either.menu_entry(node, "选择模型" if either.classic else "Choose a model")
    first = options(either).first
    first.wait_for()
    assert "kling-v3.0-pro-image-to-video" in first.inner_text()
    either.picture("favourites")
    either.page.keyboard.press("Escape")

    kept = "async () => (await (await fetch('api/settings')).json())['runninghub.favourites']"
    either.until(lambda: [liked["id"] for liked in either.run_js(kept) or []] == [KLING])
    either.open()
    either.clear()
    either.run_js("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    box = either.page.get_by_role("combobox").or_(either.page.get_by_role("textbox")).last
    box.fill("kling-v3.0-pro")
    name = "可灵图生视频3.0-pro" if either.classic else "kling-v3.0-pro-image-to-video"
    rows = either.search_results
    chosen = rows.first.and_(either.page.locator(".p-focus, [aria-selected=true]"))
    chosen.filter(has_text=name).wait_for()
    assert rows.count() > 1  # nodes that offer this model among others come after it
    either.picture("search")
    either.page.keyboard.press("Enter")
    either.wait_for("() => app.graph.nodes.length === 1")
    rows.first.wait_for(state="detached")  # or the click is for one of its rows
    either.page.mouse.click(700, 400)  # a new node may hang on the mouse until it is put down
    (placed,) = either.nodes("RunningHubModel")
    built(either, placed, KLING)
    assert either.dialog.count() == 0
    assert either.prompt()[placed]["class_type"] == "RunningHubModel"
    assert [entry["type"] for entry in either.workflow()["nodes"]] == ["RunningHubModel"]
    either.picture("preset")


def test_a_newer_model_is_found_without_a_restart(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    fresh = f"brand-new-{'old' if either.classic else 'new'}/text-to-image"
    painter = emulator.models[PAINTER]
    emulator.models[fresh] = replace(painter, endpoint=fresh, name=fresh, name_cn=fresh)
    either.command("runninghub.models.refresh")
    either.page.get_by_text("模型已更新" if either.classic else "Models refreshed").first.wait_for()
    node = either.add("RHTextToImage", 500, 60)
    either.dialog.get_by_role("combobox").first.fill("brand new")
    options(either).filter(has_text=fresh).first.click()
    view = built(either, node, fresh)
    assert "prompt" in view["widgets"]


def test_a_task_of_models_offers_its_own_among_favourites_and_those_used_lately(
    canvas: Canvas,
) -> None:
    canvas.clear()
    canvas.run_js(
        """([painter, kling]) => {
            const kept = (id) => ({ kind: "model", id, name: id });
            const { setting } = app.extensionManager;
            setting.set("runninghub.recent", [kept(kling), kept(painter)]);
            setting.set("runninghub.favourites", [kept(kling)]);
        }""",
        [PAINTER, KLING],
    )
    node = canvas.add("RHTextToImage", 500, 60)
    options(canvas).first.wait_for()
    canvas.picture("its own")
    parts = canvas.dialog.locator(".runninghub-models .part")
    assert parts.all_inner_texts() == ["Recently used", "All"]
    assert options(canvas).filter(has_text="kling-v3.0-pro").count() == 0
    # Of another kind, once that is asked for.
    canvas.dialog.get_by_label("Kind").select_option("RHImageToVideo")
    options(canvas).filter(has_text="kling-v3.0-pro-image-to-video").wait_for()
    assert parts.first.inner_text() == "Favourites"
    canvas.dialog.get_by_label("Kind").select_option("RHTextToImage")
    parts.first.get_by_text("Recently used").wait_for()
    canvas.page.keyboard.press("Enter")
    built(canvas, node, PAINTER)


def test_a_price_that_could_not_be_asked_for_is_told_under_a_plain_headline(canvas: Canvas) -> None:
    canvas.clear()
    node = model(canvas, PAINTER)
    canvas.forgive("Failed to load resource")
    canvas.change_page().route("**/runninghub/models/preview", lambda route: route.abort())
    press(canvas, node, "price")
    canvas.page.get_by_text("The price could not be fetched", exact=True).first.wait_for()
    canvas.picture("no price")


def test_a_price_that_placeholders_are_refused_for_says_what_was_asked(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    either.forgive("status of 400")
    node = model(either, KLING)
    picture = either.add("EmptyImage", 60, 60)
    either.connect(picture, "IMAGE", node, "firstImageUrl")
    press(either, node, "price")
    words = "文件以占位内容代替" if either.classic else "It was asked with placeholders"
    either.page.get_by_text(words).first.wait_for()
    either.picture("placeholders refused")


def test_a_price_a_second_is_the_same_on_the_node_and_beside_run(either: Canvas) -> None:
    either.clear()
    node = model(either, MOTION)
    price = "0.81"
    either.until(lambda: price in either.node(node)["labels"]["price"])
    orders = "1 个任务" if either.classic else "1 order"
    total = either.page.get_by_role("button", name=orders)
    either.until(lambda: total.count() == 1 and price in total.inner_text())
    either.picture("price a second")
