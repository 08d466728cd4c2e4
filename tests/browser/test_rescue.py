"""A part that fails on this machine is offered to RunningHub, with its price; a click runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas, is_prompt
from tests.browser.frontends import NEWEST, OLDEST
from tests.browser.hosts import Host
from tests.browser.marks import inverting, mark_of
from tests.browser.test_subgraphs import within

if TYPE_CHECKING:
    from playwright.sync_api import Locator

CLOUD = "second_model.safetensors"


def out_of_memory(canvas: Canvas, *classes: str) -> None:
    """From now on this machine's memory runs out at these classes, or "class: message" of an error
    that is none of torch's own; at none it has enough."""
    canvas.forgive("OutOfMemory|Allocation|out of memory")
    small = canvas.host.base / "out_of_memory"
    if classes:
        small.write_text("\n".join(classes))
    else:
        small.unlink(missing_ok=True)


def offer(canvas: Canvas) -> Locator:
    """The notice, once it is there."""
    notice = canvas.page.locator(".runninghub-notices [role=alert]")
    notice.wait_for()
    return notice


def take(canvas: Canvas, button: str) -> str:
    """Presses a button of the notice that runs the part; the id of the prompt."""
    with canvas.page.expect_response(
        lambda answer: answer.url.endswith("/api/prompt") and answer.request.method == "POST"
    ) as answer:
        offer(canvas).get_by_role("button", name=re.compile(button)).click()
    body = answer.value.json()
    assert answer.value.status == 200, body
    return body["prompt_id"]


def words(canvas: Canvas) -> tuple[str, str]:
    """What the two buttons begin with."""
    if canvas.classic:
        return "在 RunningHub 上运行这部分", "此节点总是如此"
    return "Run this part on RunningHub", "Always for this node"


def cached(entry: dict[str, object]) -> list[str]:
    """The nodes that did not run again, of a prompt's entry of the history."""
    messages = entry["status"]["messages"]  # type: ignore[index]
    return [
        node for event, data in messages if event == "execution_cached" for node in data["nodes"]
    ]


def test_what_ran_out_of_memory_runs_there_with_one_click(
    either: Canvas, emulator: Emulator
) -> None:
    source, inverted, saver = inverting(either)
    out_of_memory(either, "ImageInvert")
    either.run("execution_error")
    once, _ = words(either)
    up = "图像" if either.classic else "goes up: Picture"
    offer(either).get_by_role("button", name=re.compile(f"{once}.*{up}")).wait_for()
    either.picture("offered")
    assert not emulator.counters.orders

    entry = either.finished(take(either, once))
    assert entry["status"]["status_str"] == "success"
    assert emulator.counters.orders == 1
    assert source in cached(entry)
    either.shows_picture(saver)
    offer_is_gone = either.page.locator(".runninghub-notices [role=alert]")
    offer_is_gone.wait_for(state="detached")
    either.picture("done")
    # For that run alone.
    assert mark_of(either, inverted) is None
    out_of_memory(either)
    either.set_widget(source, "width", 80)
    either.run()
    assert emulator.counters.orders == 1


def test_a_run_of_one_output_stays_one_of_that_output(either: Canvas, emulator: Emulator) -> None:
    source, _, saver = inverting(either)
    other = either.add("SaveImage", 700, 500)
    either.connect(source, "IMAGE", other, "images")
    out_of_memory(either, "ImageInvert")
    either.select(saver)
    with either.page.expect_response(is_prompt) as answer:
        either.command("Comfy.QueueSelectedOutputNodes")
    either.finished(answer.value.json()["prompt_id"])
    once, _ = words(either)

    entry = either.finished(take(either, once))
    assert entry["status"]["status_str"] == "success"
    assert other not in entry["outputs"]
    assert emulator.counters.orders == 1


def test_always_keeps_the_mark(either: Canvas, emulator: Emulator) -> None:
    source, inverted, saver = inverting(either)
    out_of_memory(either, "ImageInvert: CUDA error: out of memory")
    either.run("execution_error")
    _, always = words(either)
    either.finished(take(either, always))
    assert mark_of(either, inverted) == "1"
    either.set_widget(source, "width", 80)
    either.run()
    out_of_memory(either)
    either.shows_picture(saver)
    assert emulator.counters.orders == 2


def test_a_model_that_is_only_in_the_cloud(either: Canvas, emulator: Emulator) -> None:
    """The loader is refused here; what reads its model goes along."""
    either.clear()
    loader = either.add("CheckpointLoaderSimple", 20, 160)
    latent = either.add("EmptyLatentImage", 20, 420)
    texts = [either.add("CLIPTextEncode", 360, y) for y in (60, 320)]
    sampler = either.add("KSampler", 700, 100)
    decoder = either.add("VAEDecode", 700, 560)
    saver = either.add("SaveImage", 1000, 100)
    for text, field in zip(texts, ("positive", "negative"), strict=True):
        either.connect(loader, "CLIP", text, "clip")
        either.connect(text, "CONDITIONING", sampler, field)
    either.connect(loader, "MODEL", sampler, "model")
    either.connect(latent, "LATENT", sampler, "latent_image")
    either.connect(sampler, "LATENT", decoder, "samples")
    either.connect(loader, "VAE", decoder, "vae")
    either.connect(decoder, "IMAGE", saver, "images")
    either.set_widget(loader, "ckpt_name", CLOUD)
    either.refused()
    once, _ = words(either)
    assert CLOUD in offer(either).inner_text()
    either.picture("only there")
    assert not emulator.counters.orders
    entry = either.finished(take(either, once))
    assert entry["status"]["status_str"] == "success", entry
    either.shows_picture(saver)
    assert emulator.counters.orders == 1
    assert mark_of(either, loader) is None


def test_where_the_part_cannot_go_the_reason_is_said(either: Canvas, emulator: Emulator) -> None:
    """A saver runs where its files are to be."""
    _, _, saver = inverting(either)
    out_of_memory(either, "SaveImage")
    either.run("execution_error")
    cannot = (
        "也不能在 RunningHub 上运行" if either.classic else "It cannot run on RunningHub either"
    )
    notice = offer(either)
    notice.get_by_text(cannot).wait_for()
    either.picture("cannot")
    once, always = words(either)
    for button in (once, always):
        assert notice.get_by_role("button", name=re.compile(button)).count() == 0
    assert not emulator.counters.orders
    assert mark_of(either, saver) is None


def test_a_part_that_was_rescued_stays_there_when_the_next_one_fails(
    canvas: Canvas, emulator: Emulator
) -> None:
    """Two nodes, one after the other, that are both too much for this machine."""
    _, first, saver = inverting(canvas)
    second = canvas.add("ImageInvert", 560, 400)
    canvas.connect(first, "IMAGE", second, "image")
    canvas.connect(second, "IMAGE", saver, "images")
    out_of_memory(canvas, "ImageInvert")
    canvas.run("execution_error")
    once, _ = words(canvas)
    entry = canvas.finished(take(canvas, once))
    assert entry["status"]["messages"][-1][1]["node_id"] == second
    entry = canvas.finished(take(canvas, once))
    assert entry["status"]["status_str"] == "success", entry["status"]
    out_of_memory(canvas)
    canvas.shows_picture(saver)
    assert emulator.counters.orders == 2


def test_a_node_in_a_subgraph(either: Canvas, emulator: Emulator) -> None:
    _, inverted, saver = inverting(either)
    outer, inner = within(either, inverted)
    out_of_memory(either, "ImageInvert")
    either.run("execution_error")
    _, always = words(either)
    entry = either.finished(take(either, always))
    assert entry["status"]["status_str"] == "success", entry["status"]
    out_of_memory(either)
    either.shows_picture(saver)
    assert emulator.counters.orders == 1
    marked = """([outer, inner]) => {
        const find = (graph, id) => graph.nodes.find((node) => String(node.id) === id);
        const node = find(find(app.rootGraph, outer).subgraph, inner);
        return node.properties.runninghub?.segment;
    }"""
    assert either.run_js(marked, [outer, inner]) == "1"


@pytest.mark.parametrize("classic", [False, True])
def test_without_a_key_one_is_asked_for_where_it_would_help(
    new_host: Callable[..., Host],
    opened: Callable[..., Canvas],
    emulator: Emulator,
    classic: bool,
) -> None:
    canvas = opened(new_host(OLDEST if classic else NEWEST), classic=classic)
    inverting(canvas)
    enter = "输入密钥" if classic else "Enter a key"
    cannot = "也不能在" if classic else "It cannot run on RunningHub either"
    once, _ = words(canvas)
    for failing, said in (("ImageInvert", enter), ("SaveImage", cannot)):
        out_of_memory(canvas, failing)
        canvas.run("execution_error")
        notice = canvas.page.locator(".runninghub-notices [role=alert]").filter(has_text=said)
        notice.wait_for()
        canvas.picture(failing)
        help_ = notice.get_by_role("button", name=enter)
        assert help_.count() == (failing == "ImageInvert")
        assert notice.get_by_role("button", name=once).count() == 0
    out_of_memory(canvas)
    assert not emulator.counters.orders
