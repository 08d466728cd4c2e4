"""Lists that a person chooses from with the mouse: accounts, and the cloud's models."""

from __future__ import annotations

import requests

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas

PROFILES = "/api/runninghub/profiles/"


def store(canvas: Canvas, name: str, key: str) -> None:
    """A profile, stored by another page of this ComfyUI."""
    url = canvas.host.url
    token = requests.post(url + "/api/runninghub/session", json={}, timeout=10).json()["token"]
    body = {"name": name, "origin": "https://www.runninghub.ai", "key": key}
    headers = {"X-RunningHub-Token": token}
    saved = requests.post(url + PROFILES + "save", json=body, headers=headers, timeout=10)
    saved.raise_for_status()


def test_a_node_lists_the_stored_accounts(either: Canvas) -> None:
    store(either, "studio", "0123456789abcdef0123456789abcdef")
    either.open()
    either.clear()
    with either.page.expect_response("**/runninghub/settings"):
        node = either.add("RunningHubRemoteWorkflow", 300, 60)
    either.show_advanced(node)
    entries = either.open_list(node, "profile")
    shown = entries.all_inner_texts()
    either.picture("accounts")
    assert any("studio" in entry for entry in shown), shown
    assert any(("沙盒" if either.classic else "sandbox") in entry for entry in shown), shown
    entries.filter(has_text="studio").first.click()
    entries.first.wait_for(state="detached")
    assert either.prompt()[node]["inputs"]["profile"] == "studio"

    # A name that is not stored here stays, and is in the list.
    either.set_widget(node, "profile", "from another machine")
    saved = either.workflow()
    either.load(saved)
    assert either.prompt()[node]["inputs"]["profile"] == "from another machine"
    shown = either.open_list(node, "profile").all_inner_texts()
    assert any("from another machine" in entry for entry in shown), shown
    either.page.keyboard.press("Escape")

    # It still takes a text from another node.
    text = either.add("PrimitiveString", 20, 60)
    either.connect(text, "STRING", node, "profile")
    assert either.prompt()[node]["inputs"]["profile"] == [text, 0]


def test_a_checkpoint_is_found_in_the_cloud(either: Canvas) -> None:
    either.clear()
    node = either.add("RunningHubRemoteWorkflow", 300, 60)
    either.paste(node, catalog.IMAGE_TO_IMAGE)
    either.dialog.get_by_role("searchbox").fill("ckpt")
    either.tick("1.ckpt_name")
    either.primary()
    stored = either.node(node)["widgets"]["1.ckpt_name"]
    find = "在云端查找" if either.classic else "Find a model"
    either.pick(node, "1.ckpt_name", find)
    assert either.node(node)["widgets"]["1.ckpt_name"] == stored
    box = either.dialog.get_by_role("listbox")
    box.get_by_role("option", name="second_model").wait_for()
    either.dialog.get_by_role("searchbox").fill("second")
    box.get_by_role("option", name="example_model").wait_for(state="detached")
    either.picture("found")
    box.get_by_role("option", name="second_model").dblclick()
    either.dialog.wait_for(state="detached")
    assert either.prompt()[node]["inputs"]["1.ckpt_name"] == "second_model.safetensors"

    # What was seen stands in the list itself.
    either.pick(node, "1.ckpt_name", "example_model")
    assert either.prompt()[node]["inputs"]["1.ckpt_name"] == "example_model.safetensors"

    # A name that nobody lists is taken as it is typed, and stays.
    either.pick(node, "1.ckpt_name", find)
    either.dialog.get_by_role("searchbox").fill("my own.safetensors")
    either.dialog.locator("button.primary").click()
    either.dialog.wait_for(state="detached")
    either.load(either.workflow())
    assert either.prompt()[node]["inputs"]["1.ckpt_name"] == "my own.safetensors"
    either.picture("typed")

    text = either.add("PrimitiveString", 20, 60)
    either.connect(text, "STRING", node, "1.ckpt_name")
    assert either.prompt()[node]["inputs"]["1.ckpt_name"] == [text, 0]


def test_a_lora_is_found_in_the_cloud(either: Canvas, emulator: Emulator) -> None:
    graph = catalog.workflows()[catalog.LORA_TEXT_TO_IMAGE].graph
    loader = graph["20"]["inputs"]
    del loader["file_name"]
    loaded = {"lora_name": "ink_v1.safetensors", "strength_model": 1.0, "strength_clip": 1.0}
    graph["20"] = {"class_type": "LoraLoader", "inputs": {**loader, **loaded}}
    either.clear()
    node = either.add("RunningHubRemoteWorkflow", 300, 60)
    either.paste(node, emulator.add_workflow(graph))
    either.dialog.get_by_role("searchbox").fill("lora_name")
    row = either.dialog.locator('[data-key="20.lora_name"]')
    if row.get_attribute("aria-checked") != "true":
        row.click()
    either.primary()
    find = "在云端查找" if either.classic else "Find a model"
    for _ in range(2):  # the second time what was listed is at hand
        either.pick(node, "20.lora_name", find)
        either.dialog.get_by_role("listbox").get_by_role("option", name="watercolor_v2").wait_for()
        either.page.keyboard.press("Escape")
        either.dialog.wait_for(state="detached")
    assert emulator.counters.under("/openapi/v2/resource") <= 1
    either.pick(node, "20.lora_name", "watercolor_v2")
    assert either.prompt()[node]["inputs"]["20.lora_name"] == "watercolor_v2.safetensors"
    either.pick(node, "20.lora_name", find)
    either.dialog.get_by_role("searchbox").fill("mine.safetensors")
    either.dialog.locator("button.primary").click()
    either.dialog.wait_for(state="detached")
    assert either.prompt()[node]["inputs"]["20.lora_name"] == "mine.safetensors"


def test_a_marked_loader_names_a_model_that_this_machine_lacks(either: Canvas) -> None:
    either.clear()
    loader = either.add("CheckpointLoaderSimple", 300, 200)
    either.select(loader)
    either.command("runninghub.segments.mark")
    either.menu_entry(loader, "在云端查找" if either.classic else "Find a model")
    box = either.dialog.get_by_role("listbox")
    box.get_by_role("option", name="second_model").dblclick()
    chosen = "second_model.safetensors"
    either.until(lambda: either.prompt()[loader]["inputs"]["ckpt_name"] == chosen)
    either.picture("named")
