"""Segments beside one another, after one another, again, stopped, failing, and looked at before."""

from __future__ import annotations

import pytest

from rh_api.emulator import Emulator, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import (
    Prompt,
    flip,
    invert,
    inverted,
    loaded,
    mark,
    marked,
    pixels,
    save,
    turning,
)
from tests.comfy.page import Page
from tests.comfy.segments import CREATE, classes, graphs, saved
from tests.comfy.server import Server
from tests.comfy.test_running import all_running, is_running
from tests.support.graphs import node
from tests.support.pictures import png
from tests.support.waiting import until

pytestmark = pytest.mark.comfy


async def test_independent_segments_overlap(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 6
    prompt: Prompt = {}
    for first in ("1", "4"):
        inverter, saver = str(int(first) + 1), str(int(first) + 2)
        prompt |= {first: await loaded(comfyui, pixels()), inverter: invert([first, 0])}
        prompt[saver] = save([inverter, 0])
    extra = {"runninghub": {"segments": [{"nodes": ["2"]}, {"nodes": ["5"]}]}}
    queued = await comfyui.submit(prompt, extra)
    await all_running(emulator, 2)
    result = await comfyui.finish(queued)

    assert result.outcome == "success", result.refusal
    assert emulator.counters.orders == 2


async def test_one_segment_feeds_another_by_way_of_a_local_node(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": flip(["2", 0]),
        "4": invert(["3", 0]),
        "5": save(["4", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "4"))

    (image,) = await saved(comfyui, result, "5")
    assert (image == inverted(inverted(picture)[::-1])).all()
    assert emulator.counters.orders == 2


async def test_the_same_again_orders_nothing_and_a_number_uploads_nothing(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    def prompt(scale: float) -> Prompt:
        grow = node("ImageScaleBy", image=["1", 0], upscale_method="nearest-exact", scale_by=scale)
        return {"1": source, "2": grow, "3": save(["2", 0])}

    source = await loaded(comfyui, pixels())
    await comfyui.queue(prompt(2.0), marked("2"))
    again = await comfyui.queue(prompt(2.0), marked("2"))
    assert again.outcome == "success"
    (cached,) = [event.data["nodes"] for event in again.events if event.type == "execution_cached"]
    assert "2" in cached
    assert emulator.counters.orders == 1
    sent = emulator.counters.upload_bytes

    await saved(comfyui, await comfyui.queue(prompt(3.0), marked("2")), "3")
    assert emulator.counters.orders == 2
    assert emulator.counters.upload_bytes == sent


async def test_what_a_program_calls_again_is_ordered_again(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    await comfyui.queue(prompt, marked("2"))
    marks = marked("2")["runninghub"]
    result = await comfyui.queue(prompt, {"runninghub": {**marks, "again": ["2"]}})

    assert result.outcome == "success", result.refusal
    assert emulator.counters.orders == 2


async def test_stop_cancels_the_task(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 20
    prompt = await turning(comfyui, pixels())
    queued = await comfyui.submit(prompt, marked("2"))
    await until(lambda: is_running(emulator), 10)
    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)

    assert result.outcome == "interrupted"
    await until(lambda: emulator.counters.cancels == 1, 2)


async def test_progress_shows_on_the_nodes_that_were_marked(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 1.5
    prompt = {
        "1": await loaded(comfyui, pixels()),
        "7:2": invert(["1", 0]),
        "7:4": flip(["7:2", 0]),
        "3": save(["7:4", 0]),
    }
    result = await comfyui.queue(prompt, marked("7"))

    assert result.outcome == "success", result.refusal
    states = [event.data["nodes"] for event in result.events if event.type == "progress_state"]
    for node_id in ("7:2", "7:4"):
        seen_states = {state[node_id]["state"] for state in states if node_id in state}
        assert "finished" in seen_states, node_id
    assert any(state.get("7:4", {}).get("state") == "running" for state in states)
    assert any(line.startswith("running") for line in result.texts("7:2"))


async def test_a_failing_remote_node_is_named_on_its_twin(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": await loaded(comfyui, pixels()),
        "7:2": {**invert(["1", 0]), "_meta": {"title": "The turn"}},
        "7:4": flip(["7:2", 0]),
        "3": save(["7:4", 0]),
    }
    emulator.fail_next = {"node_id": "7:4", "exception_message": "out of memory"}
    result = await comfyui.queue(prompt, marked("7"))

    assert result.outcome == "error"
    assert "out of memory" in result.failure["exception_message"]
    (failure,) = [event.data for event in result.events if event.type == "runninghub.failed"]
    assert failure["node"] == "7:4"
    assert failure["segment"] == result.failure["node_id"] == "7:2"

    emulator.fail_next = {"node_id": "7:2", "exception_message": "out of memory"}
    result = await comfyui.queue(prompt, marked("7"))
    assert "node 7:2 The turn" in result.failure["exception_message"]


@pytest.mark.parametrize("helper", ["3", "4"])
async def test_a_failing_node_of_the_border_is_not_named_as_another_of_the_graph(
    comfyui: ComfyClient, emulator: Emulator, helper: str
) -> None:
    prompt = {
        "1": await loaded(comfyui, pixels()),
        "2": {**invert(["1", 0]), "_meta": {"title": "The turn"}},
        # Of these ids are the saver of node 2 and the loader in front of it.
        "3": flip(["1", 0]),
        "4": save(["3", 0]),
        "5": save(["2", 0]),
    }
    emulator.fail_next = {"node_id": helper, "exception_message": "out of memory"}
    result = await comfyui.queue(prompt, marked("2"))

    message = result.failure["exception_message"]
    assert "failed in node 2 The turn, in a node of ours that carries its value (" in message
    assert "out of memory" in message
    (failure,) = [event.data for event in result.events if event.type == "runninghub.failed"]
    assert failure["node"] == "2"


async def test_a_partial_run_orders_only_its_branch(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": save(["2", 0]),
        "4": flip(["1", 0]),
        "5": save(["4", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3", "4", "5"), targets=["3"])

    (image,) = await saved(comfyui, result, "3")
    assert (image == inverted(picture)).all()
    assert set(result.outputs) == {"3"}
    (graph,) = graphs(emulator)
    assert "ImageFlip" not in classes(graph)


async def test_a_saver_of_what_is_here_runs_here(comfyui: ComfyClient, emulator: Emulator) -> None:
    picture = pixels()
    prompt = {"1": await loaded(comfyui, picture), "2": invert(["1", 0]), "3": save(["2", 0])}
    for marks, orders in ((("4",), 0), (("2", "3", "4"), 1)):
        result = await comfyui.queue({**prompt, "4": save(["1", 0])}, marked(*marks))
        (image,) = await saved(comfyui, result, "4")
        assert (image == picture).all()
        assert emulator.counters.orders == orders


async def test_the_view_before_paying_tells_all_and_does_nothing(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    data, name = png(pixels()), f"shown_{mark()}.png"
    (server.base / "input" / name).write_bytes(data)
    prompt = {
        "1": node("LoadImage", image=name),
        "2": {**invert(["1", 0]), "_meta": {"title": "The turn"}},
        "3": flip(["2", 0]),
        "4": save(["2", 0]),
        "5": save(["3", 0]),
    }
    async with Page(server.url) as page:
        explained = await page.post("explain", prompt=prompt, extra_data=marked("1", "2", "4"))
        assert emulator.counters.upload_bytes == emulator.counters.orders == 0
        await saved(comfyui, await comfyui.queue(prompt, marked("1", "2", "4")), "5")
        after = await page.post("explain", prompt=prompt, extra_data=marked("1", "2", "4"))
        summed = await page.post("quote", prompt=prompt, extra_data=marked("1", "2", "4"))
        bad = await page.post("explain", prompt=prompt, extra_data=marked("99"))

    assert explained["refused"] is None
    (segment,) = explained["segments"]
    assert summed["text"].startswith("about ")
    assert summed["text"].endswith(", 1 order")
    assert segment["nodes"][1] == {"id": "2", "title": "The turn", "class_type": "ImageInvert"}
    (up,) = segment["up"]
    assert (up["kind"], up["name"], up["bytes"], up["known"]) == ("IMAGE", name, len(data), False)
    (back,) = segment["back"]
    assert (back["kind"], back["from"]["id"]) == ("IMAGE", "2")
    assert [entry["id"] for entry in back["to"]] == ["3"]
    assert [entry["id"] for entry in segment["saved"]] == ["4"]
    assert [entry["id"] for entry in explained["local"]] == ["3", "5"]
    assert any("8-bit PNG" in note["text"] for note in explained["notes"])
    assert segment["estimate"]["runs"] == 0

    (segment,) = after["segments"]
    assert segment["up"][0]["known"] is True
    assert segment["estimate"]["runs"] == 1
    assert segment["estimate"]["seconds"] is not None
    assert bad["segments"] == []
    assert "99" in bad["refused"]["message"]


async def test_a_program_names_the_workflow_that_the_graph_goes_out_under(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.accepts_placeholder_workflow = False
    prompt = await turning(comfyui, pixels())
    placeholder = {**marked("2")["runninghub"], "workflow": "1"}
    refused = await comfyui.queue(prompt, {"runninghub": placeholder})
    assert "Keys and sites" in refused.failure["exception_message"]
    assert emulator.counters.orders == 0

    marks = {**marked("2")["runninghub"], "workflow": catalog.TEXT_OUT}
    result = await comfyui.queue(prompt, {"runninghub": marks})
    await saved(comfyui, result, "3")
    sent = [e.json["workflowId"] for e in emulator.journal if e.path == CREATE]
    assert sent == ["1", catalog.TEXT_OUT]


@pytest.mark.parametrize("by", ["program", "canvas"])
async def test_a_mark_says_how_its_order_is_placed(
    comfyui: ComfyClient, emulator: Emulator, by: str
) -> None:
    emulator.run_seconds = 60
    rules = {"timeout": 1, "use_personal_queue": True, "workflow": catalog.TEXT_OUT}
    drawn = {
        "id": 2,
        "type": "ImageInvert",
        "properties": {"runninghub": {"segment": "1", **rules}},
    }
    canvas = {"extra_pnginfo": {"workflow": {"nodes": [drawn]}}}
    prompt = await turning(comfyui, pixels())
    result = await comfyui.queue(prompt, canvas if by == "canvas" else marked("2", **rules))

    assert "longer than 1 s" in result.failure["exception_message"]
    await until(lambda: [task.status for task in emulator.tasks.values()] == ["CANCEL"])
    (order,) = [entry.json for entry in emulator.journal if entry.path == CREATE]
    assert (order["usePersonalQueue"], order["workflowId"]) == (True, catalog.TEXT_OUT)


async def test_prompts_that_wait_in_line_each_get_their_own(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    pictures = [pixels(), pixels(), pixels()]
    pictures.append(pictures[0])
    prompts = [await turning(comfyui, picture) for picture in pictures]
    queued = [await comfyui.submit(prompt, marked("2")) for prompt in prompts]
    for submitted, picture in zip(queued, pictures, strict=True):
        (image,) = await saved(comfyui, await comfyui.finish(submitted), "3")
        assert (image == inverted(picture)).all()
    # The fourth picture is the first, and nothing is paid twice.
    assert emulator.counters.orders == 3
