"""Lists that a person chooses from with the mouse: accounts, and the cloud's models."""

from __future__ import annotations

import requests

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.test_subgraphs import within

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


CLOUD = ["example_model.safetensors", "second_model.safetensors", "nocturne_xl_fp16.safetensors"]
"""Checkpoints that the emulator lists, in its order."""


def texts(canvas: Canvas, node: str, widget: str) -> list[str]:
    """What the list of a box offers; it is closed again."""
    entries = canvas.open_list(node, widget)
    shown = [text.strip() for text in entries.all_inner_texts()]
    if canvas.classic:
        canvas.page.mouse.click(900, 650)
    else:
        canvas.page.keyboard.press("Escape")
    entries.first.wait_for(state="detached")
    return shown


def local_names(canvas: Canvas, node: str) -> list[str]:
    """What this machine has for a loader that was never marked."""
    return canvas.run_js(
        "(id) => app.graph.nodes.find((node) => String(node.id) === id).widgets[0].options.values",
        node,
    )


def offered(canvas: Canvas, local: list[str], cloud: list[str]) -> list[str]:
    """The list of a marked loader's box."""
    both = "本机和 RunningHub 都有" if canvas.classic else "here and on RunningHub"
    find = "在云端查找模型…" if canvas.classic else "Find a model in the cloud…"
    own = [f"{name} · {both}" if name in cloud else name for name in local]
    return [*own, *(f"{name} · RunningHub" for name in cloud if name not in local), find]


def test_a_marked_loaders_box_offers_the_clouds_models(either: Canvas, emulator: Emulator) -> None:
    """After the local ones, each says where it is; without the mark the plain list is back."""
    either.clear()
    loader = either.add("CheckpointLoaderSimple", 300, 200)
    local = local_names(either, loader)
    either.select(loader)
    either.command("runninghub.segments.mark")
    listed = offered(either, local, CLOUD)
    either.until(lambda: listed == texts(either, loader, "ckpt_name"))
    either.open_list(loader, "ckpt_name")
    either.picture("offered")
    chosen = "second_model.safetensors"
    entry = either.page.locator(".litemenu-entry, [role=option]").filter(has_text=chosen)
    entry.first.click()
    either.until(lambda: either.prompt()[loader]["inputs"]["ckpt_name"] == chosen)
    either.picture("chosen")
    # A ComfyUI that was there before may have asked for another test.
    assert emulator.counters.under("/openapi/v2/resource") <= 1
    assert not emulator.counters.orders

    # What the list does not have is looked for, and a name that nobody lists is taken as typed.
    either.pick(loader, "ckpt_name", "在云端查找" if either.classic else "Find a model")
    either.dialog.get_by_role("searchbox").fill("my own.safetensors")
    either.dialog.locator("button.primary").click()
    either.dialog.wait_for(state="detached")
    assert either.prompt()[loader]["inputs"]["ckpt_name"] == "my own.safetensors"
    either.pick(loader, "ckpt_name", chosen)
    either.until(lambda: either.prompt()[loader]["inputs"]["ckpt_name"] == chosen)

    # A page that opens the saved graph asks for the list anew; ComfyUI looks for the file here.
    either.forgive("folder_paths")
    saved = either.workflow()
    either.open()
    either.load(saved)
    either.until(lambda: listed == texts(either, loader, "ckpt_name"))
    either.picture("opened")

    either.select(loader)
    either.command("runninghub.segments.unmark")
    only = "仅 RunningHub 有" if either.classic else "only on RunningHub"
    either.until(lambda: texts(either, loader, "ckpt_name") == [*local, f"{chosen} · {only}"])
    either.picture("unmarked")


def test_loaders_of_a_graph_that_is_switched_over_offer_them(
    either: Canvas, emulator: Emulator
) -> None:
    """Those that are added later too; a LoRA that is only here says that it is uploaded."""
    mine = "ink_v1.safetensors"
    emulator.unlisted = (*emulator.unlisted, mine)
    folder = either.host.base / "models" / "loras"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / mine).write_bytes(b"\0" * 64)
    either.command("Comfy.RefreshNodeDefinitions")
    either.clear()
    either.command("runninghub.segments.whole")
    lora = either.add("LoraLoader", 300, 60)
    either.set_widget(lora, "lora_name", mine)
    either.settle()
    up = "仅本机有 · 会上传" if either.classic else "only here · is uploaded"
    cloud = "watercolor_v2.safetensors · RunningHub"
    either.until(lambda: texts(either, lora, "lora_name")[:2] == [f"{mine} · {up}", cloud])
    either.open_list(lora, "lora_name")
    either.picture("goes up")
    either.page.locator(".litemenu-entry, [role=option]").filter(has_text=cloud).first.click()
    chosen = "watercolor_v2.safetensors"
    either.until(lambda: either.prompt()[lora]["inputs"]["lora_name"] == chosen)
    either.command("runninghub.segments.whole")
    only = "仅 RunningHub 有" if either.classic else "only on RunningHub"
    either.until(lambda: texts(either, lora, "lora_name") == [mine, f"{chosen} · {only}"])
    either.pick(lora, "lora_name", mine)
    either.until(lambda: texts(either, lora, "lora_name") == [mine])


def test_a_promoted_box_of_a_machine_without_models_offers_them(either: Canvas) -> None:
    # ComfyUI's classic canvas fails to draw a promoted box whose list is empty.
    either.forgive("reading 'length'")
    either.clear()
    loader = either.add("CheckpointLoaderSimple", 300, 200)
    outer, inner = within(either, loader, ckpt_name="model")
    # As ComfyUI sets it when it reads its lists anew.
    either.run_js(
        """() => {
            const [outer] = app.graph.nodes;
            const [box] = outer.subgraph.nodes[0].widgets;
            box.options.values = [];
            box.value = outer.widgets[0].value = "";
        }"""
    )
    either.select(outer)
    either.command("runninghub.segments.mark")
    # An older front end opens an empty list, which stays so.
    either.wait_for(
        """() => {
            const { values } = app.graph.nodes[0].widgets[0].options;
            return (typeof values === "function" ? values() : values).length > 0;
        }"""
    )
    listed = offered(either, [], CLOUD)
    either.until(lambda: texts(either, outer, "model") == listed)
    either.pick(outer, "model", "second_model")
    chosen = "second_model.safetensors"
    key = f"{outer}:{inner}"
    either.until(lambda: either.prompt()[key]["inputs"]["ckpt_name"] == chosen)
    # To look for one leaves the box as it is until one is chosen.
    either.pick(outer, "model", "在云端查找" if either.classic else "Find a model")
    box = either.dialog.get_by_role("listbox")
    box.get_by_role("option", name="nocturne").wait_for()
    assert either.prompt()[key]["inputs"]["ckpt_name"] == chosen
    box.get_by_role("option", name="nocturne").dblclick()
    either.dialog.wait_for(state="detached")
    other = "nocturne_xl_fp16.safetensors"
    either.until(lambda: either.prompt()[key]["inputs"]["ckpt_name"] == other)
    either.picture("promoted")
