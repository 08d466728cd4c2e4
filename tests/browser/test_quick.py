"""A pasted call example grows a node; its key is in nothing that the page keeps or sends."""

from __future__ import annotations

import json

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel

PAINT, REDRAW, BLEND = catalog.modules().values()
KEY = "0123456789abcdef0123456789abcdef"
CURL = (
    "curl --location --request POST 'https://www.runninghub.cn/task/openapi/quick-ai-app/run' "
    f"--header 'Authorization: Bearer {KEY}' --data-raw '{json.dumps(json.loads(PAINT.example(KEY)))}'"
)


def test_a_pasted_example_becomes_a_picture(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = either.add("RunningHubQuickCreate")
    either.paste(node, CURL, "module")
    either.picture("quick chooser")
    either.primary()
    built = either.node(node)
    assert built["widgets"]["6.text"] == "a cat"
    assert built["widgets"]["5.batch_size"] == 1
    assert KEY not in str(built)
    preview = either.add("PreviewImage", 800, 150)
    either.connect(node, "images", preview, "images")
    either.set_widget(node, "6.text", "a boat in the fog")
    either.run()
    either.shows_picture(preview)
    either.picture("quick ran")
    (task,) = emulator.tasks.values()
    sent = {f"{e['nodeId']}.{e['fieldName']}": e["fieldValue"] for e in task.order.node_info}
    assert sent["6.text"] == "a boat in the fog"
    assert sent["3.sampler_name"] == "euler"
    assert KEY not in str(emulator.journal)
    assert KEY not in json.dumps(either.page.evaluate("() => app.graph.serialize()"))


def test_an_order_of_the_history_is_used_and_run_again(either: Canvas, emulator: Emulator) -> None:
    either.clear()
    node = either.add("RunningHubQuickCreate")
    either.paste(node, CURL, "module")
    either.primary()
    preview = either.add("PreviewImage", 800, 150)
    either.connect(node, "images", preview, "images")
    text = "a heron " + ("旧" if either.classic else "new")
    either.set_widget(node, "6.text", text)
    either.run()
    either.clear()
    panel = Panel(either)
    panel.use_inputs(text)
    either.until(lambda: len(either.nodes("RunningHubQuickCreate")) == 1)
    (added,) = either.nodes("RunningHubQuickCreate")
    either.until(lambda: either.node(added)["widgets"].get("6.text") == text)
    assert PAINT.webapp_id in either.node(added)["widgets"]["module"]
    either.picture("used")
    panel.button("again").click()
    panel.button("again_sure").click()
    either.until(lambda: emulator.counters.orders == 2)
    either.until(lambda: panel.orders.locator(".dot.done").count() == 2)


def test_another_module_takes_the_place_and_a_closed_dialog_leaves_it(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = either.add("RunningHubQuickCreate")
    either.paste(node, REDRAW.example(KEY), "module")
    either.primary()
    before = either.node(node)["widgets"]["module"]
    either.paste(node, BLEND.example(), "module")
    either.page.keyboard.press("Escape")
    either.until(lambda: either.node(node)["widgets"]["module"] == before)
    assert "12.steps" in either.node(node)["widgets"]
    either.paste(node, BLEND.example(), "module")
    either.primary()
    assert "12.steps" not in either.node(node)["widgets"]
    assert "5.crop" in either.node(node)["widgets"]


def test_a_style_is_chosen_by_its_picture(either: Canvas) -> None:
    either.clear()
    node = either.add("RunningHubQuickCreate")
    either.paste(node, REDRAW.example(KEY), "module")
    either.primary()
    assert either.node(node)["widgets"]["2.lora_name"] == "ink_v1.safetensors"
    either.pick(node, "2.lora_name", "在云端查找" if either.classic else "Find a model")
    styles = either.dialog.locator(".styles button")
    for name in ("ink", "watercolor"):
        styles.filter(has_text=name).locator("img").wait_for()
    assert styles.filter(has_text="ink").get_attribute("aria-pressed") == "true"
    styles.filter(has_text="watercolor").click()
    either.until(lambda: styles.filter(has_text="ink").get_attribute("aria-pressed") == "false")
    assert styles.filter(has_text="watercolor").get_attribute("aria-pressed") == "true"
    either.picture("quick styles")
    either.primary()
    assert either.prompt()[node]["inputs"]["2.lora_name"] == "watercolor_v2.safetensors"
    # Typing looks for one, and the pictures are those that fit.
    either.pick(node, "2.lora_name", "在云端查找" if either.classic else "Find a model")
    either.dialog.get_by_role("searchbox").fill("ink")
    styles.filter(has_text="watercolor").wait_for(state="detached")
    styles.filter(has_text="ink").dblclick()
    either.dialog.wait_for(state="detached")
    assert either.prompt()[node]["inputs"]["2.lora_name"] == "ink_v1.safetensors"
