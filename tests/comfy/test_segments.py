"""Marked parts of a local graph run in the cloud, and the rest here, as if nothing were apart."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodes.media import mp4, wav
from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient, Result
from tests.comfy.graphs import (
    Prompt,
    apart,
    flip,
    invert,
    inverted,
    loaded,
    mark,
    marked,
    node,
    painting,
    pixels,
    png,
    remote,
    save,
    seen,
    turning,
)
from tests.comfy.page import Page
from tests.comfy.server import Server
from tests.comfy.test_running import is_running, seconds_of, until

pytestmark = pytest.mark.comfy

CREATE = "/task/openapi/create"


def graphs(emulator: Emulator) -> list[Prompt]:
    """The graphs that went out."""
    return [json.loads(e.json["workflow"]) for e in emulator.journal if e.path == CREATE]


def classes(graph: Prompt) -> list[str]:
    return sorted(entry["class_type"] for entry in graph.values())


def uploads(emulator: Emulator) -> int:
    return emulator.counters.requests["/openapi/v2/media/upload/binary"]


async def saved(comfyui: ComfyClient, result: Result, node_id: str) -> list[np.ndarray]:
    assert result.outcome == "success", (result.refusal, result.events[-3:])
    return [await seen(comfyui, file) for file in result.outputs[node_id]["images"]]


async def test_a_picture_goes_through_a_segment_exactly(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = await turning(comfyui, picture)
    result = await comfyui.queue(prompt, marked("2"))

    (made,) = await saved(comfyui, result, "3")
    assert (made == inverted(picture)).all()
    assert emulator.counters.orders == 1
    (graph,) = graphs(emulator)
    assert classes(graph) == ["ImageInvert", "LoadImage", "SaveImage"]


async def test_alpha_comes_through_whole(comfyui: ComfyClient, emulator: Emulator) -> None:
    prompt = {
        "1": node("TestHolds", kind="rgba", mark=mark()),
        "2": flip(["1", 0]),
        "3": flip(["2", 0]),
        "4": apart(["3", 0], ["1", 0]),
    }
    result = await comfyui.queue(prompt, marked("2"))

    # Pictures cross in 8 bits, 0.25 as 64 of 255, and core's saver cuts a level off.
    (told,) = result.outputs["4"]["text"]
    assert float(told) < 1 / 255, result.refusal
    assert emulator.counters.orders == 1


async def test_no_level_of_a_mask_is_lost(comfyui: ComfyClient, emulator: Emulator) -> None:
    prompt = {
        "1": node("TestHolds", kind="mask down", mark=mark()),
        "2": node("InvertMask", mask=["1", 0]),
        "3": node("InvertMask", mask=["2", 0]),
        "4": apart(["3", 0], ["1", 0]),
    }
    result = await comfyui.queue(prompt, marked("2"))

    assert result.outputs["4"]["text"] == ["0.0000"], result.refusal
    assert emulator.counters.orders == 1


async def test_a_batch_goes_whole_as_one_order(comfyui: ComfyClient, emulator: Emulator) -> None:
    prompt = {
        "1": node("TestHolds", kind="batch", mark=mark()),
        "2": flip(["1", 0], "y-axis: horizontally"),
        "3": flip(["2", 0], "y-axis: horizontally"),
        "4": apart(["3", 0], ["1", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (told,) = result.outputs["4"]["text"]
    assert float(told) <= 0.5 / 255, result.refusal
    assert emulator.counters.orders == 1
    # The third picture is the first: the same bytes go up once.
    assert uploads(emulator) == 2


async def test_a_sound_file_comes_back_as_it_is(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    name = f"sound_{mark()}.wav"
    (server.base / "input" / name).write_bytes(sounding())
    prompt = {
        "1": node("LoadAudio", audio=name),
        "2": node("LoadAudio", audio=f"{name} [input]"),
        "3": apart(["1", 0], ["2", 0]),
    }
    result = await comfyui.queue(prompt, marked("1"))

    assert result.outputs["3"]["text"] == ["0.0000"], result.refusal
    assert emulator.counters.orders == 1


async def test_a_sound_goes_up_as_floats(comfyui: ComfyClient, emulator: Emulator) -> None:
    prompt = {
        "1": node("TestHolds", kind="sound", mark=mark()),
        "2": node("SaveAudio", audio=["1", 0], filename_prefix=f"heard/it_{mark()}"),
    }
    result = await comfyui.queue(prompt, marked("2"))

    assert result.outcome == "success", result.refusal
    (file,) = result.outputs["2"]["audio"]
    assert (file["subfolder"], file["type"]) == ("heard", "output")
    assert file["filename"].startswith("it_")
    (stored,) = emulator.uploads.values()
    assert await comfyui.view(file) == stored.data


async def test_a_video_file_goes_up_and_is_saved_here(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    name = f"video_{mark()}.mp4"
    film = moving()
    (server.base / "input" / name).write_bytes(film)
    prompt = {
        "1": node("LoadVideo", file=name),
        "2": node(
            "SaveVideo",
            video=["1", 0],
            filename_prefix=f"film_{mark()}",
            format="auto",
            codec="auto",
        ),
    }
    result = await comfyui.queue(prompt, marked("2"))

    assert result.outcome == "success", result.refusal
    (file,) = result.outputs["2"]["images"]
    assert result.outputs["2"]["animated"] == [True]
    assert file["filename"].endswith(".mp4")
    (stored,) = emulator.uploads.values()
    assert stored.data == film
    assert len(await comfyui.view(file)) > 0


async def test_texts_and_numbers_cross_into_the_graph(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    text = f"a text {mark()}"
    prompt = {
        "1": node("TestHolds", kind="text", mark=mark()),
        "2": node("StringConcatenate", string_a=["1", 0], string_b=text, delimiter="-"),
        "3": node("PreviewAny", source=["2", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    assert result.outcome == "success", result.refusal
    (shown,) = result.outputs["3"]["text"]
    assert shown.endswith(f"-{text}")
    assert emulator.counters.orders == 1
    assert uploads(emulator) == 0


async def test_local_files_of_every_folder_go_up_byte_for_byte(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    pictures = [pixels(), pixels()]
    names = [f"file_{mark()}.png" for _ in pictures]
    (server.base / "input" / names[0]).write_bytes(png(pictures[0]))
    (server.base / "output" / names[1]).write_bytes(png(pictures[1]))
    prompt = {
        "1": node("LoadImage", image=names[0]),
        "2": node("LoadImage", image=f"{names[1]} [output]"),
        "3": node("ImageBatch", image1=["1", 0], image2=["2", 0]),
        "4": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("1", "2", "3"))

    made = await saved(comfyui, result, "4")
    assert all((one == other).all() for one, other in zip(made, pictures, strict=True))
    assert {stored.data for stored in emulator.uploads.values()} == set(map(png, pictures))


async def test_a_changed_file_is_another_order(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    path = server.base / "input" / f"file_{mark()}.png"
    prompt = {"1": node("LoadImage", image=path.name), "2": invert(["1", 0]), "3": save(["2", 0])}
    for _ in range(2):
        picture = pixels()
        path.write_bytes(png(picture))
        result = await comfyui.queue(prompt, marked("1", "2"))
        (made,) = await saved(comfyui, result, "3")
        assert (made == inverted(picture)).all()
    assert emulator.counters.orders == 2


async def test_a_marked_saver_saves_here_what_it_made_there(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    picture, prefix = pixels(), f"far_{mark()}/away_%year%"
    workflow = {"nodes": [], "links": [], "mine": "the person's own"}
    prompt = {
        "1": await loaded(comfyui, picture),
        "7:2": invert(["1", 0]),
        "7:3": node("SaveImage", images=["7:2", 0], filename_prefix=prefix),
    }
    extra = {**marked("7"), "extra_pnginfo": {"workflow": workflow}}
    for count in (1, 2):
        result = await comfyui.queue(prompt, extra)
        (made,) = await saved(comfyui, result, "7:3")
        (file,) = result.outputs["7:3"]["images"]
        assert (made == inverted(picture)).all()
        assert file["type"] == "output"
        assert file["subfolder"] == prefix.split("/")[0]
        assert file["filename"].startswith("away_20")
        prompt["7:3"]["inputs"]["filename_prefix"] += "x" if count == 1 else ""
    with Image.open(io.BytesIO(await comfyui.view(file))) as opened:
        assert json.loads(opened.text["workflow"]) == workflow
        assert json.loads(opened.text["prompt"])["7:3"]["class_type"] == "RunningHubSaved"
    # Another local name is no other picture: nothing was paid for it.
    assert emulator.counters.orders == 1


async def test_a_marked_preview_shows_on_its_own_node(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": node("PreviewImage", images=["2", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (made,) = await saved(comfyui, result, "3")
    assert (made == inverted(picture)).all()
    assert result.outputs["3"]["images"][0]["type"] == "temp"


async def test_independent_segments_overlap(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 1.5
    prompt: Prompt = {}
    for first in ("1", "4"):
        one, two = str(int(first) + 1), str(int(first) + 2)
        prompt |= {first: await loaded(comfyui, pixels()), one: invert([first, 0])}
        prompt[two] = save([one, 0])
    extra = {"runninghub": {"segments": [{"nodes": ["2"]}, {"nodes": ["5"]}]}}
    result = await comfyui.queue(prompt, extra)

    assert result.outcome == "success", result.refusal
    assert emulator.counters.orders == 2
    assert seconds_of(result) < 2 * 1.5


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

    (made,) = await saved(comfyui, result, "5")
    assert (made == inverted(inverted(picture)[::-1])).all()
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
    said = marked("2")["runninghub"]
    result = await comfyui.queue(prompt, {"runninghub": {**said, "again": ["2"]}})

    assert result.outcome == "success", result.refusal
    assert emulator.counters.orders == 2


async def test_stop_cancels_the_task(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 20
    prompt = await turning(comfyui, pixels())
    taken = await comfyui.submit(prompt, marked("2"))
    await until(lambda: is_running(emulator), 10)
    await comfyui.interrupt(taken.prompt_id)
    result = await comfyui.finish(taken)

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
    (told,) = [event.data for event in result.events if event.type == "runninghub.failed"]
    assert told["node"] == "7:4"
    assert told["segment"] == result.failure["node_id"] == "7:2"

    emulator.fail_next = {"node_id": "7:2", "exception_message": "out of memory"}
    result = await comfyui.queue(prompt, marked("7"))
    assert "node 7:2 The turn" in result.failure["exception_message"]


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

    (made,) = await saved(comfyui, result, "3")
    assert (made == inverted(picture)).all()
    assert set(result.outputs) == {"3"}
    (graph,) = graphs(emulator)
    assert "ImageFlip" not in classes(graph)


async def test_the_seed_of_the_graph_goes_out_as_it_is(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = painting(2**64 - 1)
    result = await comfyui.queue(prompt, marked(*prompt))

    await saved(comfyui, result, "9")
    (graph,) = graphs(emulator)
    assert graph["3"]["inputs"]["seed"] == 2**64 - 1


async def test_models_and_latents_are_pulled_in(comfyui: ComfyClient, emulator: Emulator) -> None:
    result = await comfyui.queue(painting(mark()), marked("3"))

    await saved(comfyui, result, "9")
    (graph,) = graphs(emulator)
    assert {"CheckpointLoaderSimple", "KSampler", "VAEDecode"} <= set(classes(graph))


async def test_a_lora_that_is_only_here_goes_up(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    name = f"mine_{mark()}.safetensors"
    (server.base / "models" / "loras" / name).write_bytes(b"?" * 999)
    await comfyui.get("/object_info/LoraLoader")  # lists the folder anew
    prompt = painting(mark())
    prompt["10"] = node(
        "LoraLoader",
        model=["4", 0],
        clip=["4", 1],
        lora_name=name,
        strength_model=0.5,
        strength_clip=0.25,
    )
    prompt["3"]["inputs"]["model"] = ["10", 0]
    result = await comfyui.queue(prompt, marked(*prompt))

    await saved(comfyui, result, "9")
    (graph,) = graphs(emulator)
    lora = graph["10"]
    assert lora["class_type"] == "RHLoraLoader"
    assert emulator.exists("uploaded_loras", lora["inputs"]["file_name"])
    assert lora["inputs"]["strength_model"] == 0.5
    assert emulator.counters.put_bytes == 999


async def test_a_cloud_workflows_picture_goes_on_into_a_segment(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": flip(["2", 0]),
        "4": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("3"))

    (made,) = await saved(comfyui, result, "4")
    assert (made == inverted(picture)[::-1]).all()
    assert emulator.counters.orders == 2


async def test_a_prompt_without_marks_is_left_alone(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    result = await comfyui.queue(prompt)

    assert result.outcome == "success"
    assert result.history["prompt"][2] == prompt
    assert emulator.counters.total == 0


async def test_a_marked_text_saver_writes_its_file_here(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    text, prefix = f"words {mark()}", f"said_{mark()}"
    prompt = {
        "1": node("PrimitiveString", value=text),
        "2": node("SaveText", text=["1", 0], filename_prefix=prefix, format="txt"),
    }
    result = await comfyui.queue(prompt, marked("1", "2"))

    assert result.outcome == "success", result.refusal
    assert result.outputs["2"]["text"] == [text]
    assert (server.base / "output" / f"{prefix}_00001.txt").read_text() == text


async def test_numbers_of_a_cloud_made_picture_steer_local_nodes(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels((20, 12))
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": node("ImageScaleBy", image=["1", 0], upscale_method="nearest-exact", scale_by=2.0),
        "3": node("GetImageSize", image=["2", 0]),
        "4": node("EmptyImage", width=["3", 0], height=["3", 1], batch_size=1, color=7),
        "5": save(["4", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (made,) = await saved(comfyui, result, "5")
    assert made.shape == (24, 40, 3)
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("made", "kind", "value"),
    [
        (node("StringLength", string="seven !"), 0, "7"),
        (node("ComfyMathExpression", expression="a / 8", **{"values.a": 3}), 0, "0.375"),
        (node("ComfyNotNode", value=False), 0, "True"),
        (node("StringConcatenate", string_a="a", string_b="\n b ", delimiter="-"), 0, "'a-\\n b '"),
    ],
)
async def test_plain_values_come_back_as_they_were(
    comfyui: ComfyClient, made: dict[str, Any], kind: int, value: str
) -> None:
    prompt = {"1": made, "2": node("TestLooks", value=["1", kind])}
    result = await comfyui.queue(prompt, marked("1"))

    assert result.outcome == "success", result.refusal
    assert result.outputs["2"]["text"] == [value]


async def test_several_values_of_one_segment_each_reach_their_reader(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels(channels=4)
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": node("InvertMask", mask=["1", 1]),
        "4": save(["2", 0]),
        "5": node("MaskToImage", mask=["3", 0]),
        "6": node("ImageInvert", image=["5", 0]),
        "7": node("ImageToMask", image=["6", 0], channel="red"),
        "8": apart(["7", 0], ["1", 1]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (made,) = await saved(comfyui, result, "4")
    assert (made == inverted(picture[..., :3])).all()
    assert result.outputs["8"]["text"] == ["0.0000"]


async def test_results_without_node_ids_are_told_by_their_names(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.outputs_node_id = False
    emulator.faults.append(Fault("/openapi/v2/query", "code", value=404))
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": flip(["2", 0]),
        "4": save(["2", 0]),
        "5": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (upright,) = await saved(comfyui, result, "4")
    (flipped,) = await saved(comfyui, result, "5")
    assert (upright == inverted(picture)).all()
    assert (flipped == inverted(picture)[::-1]).all()


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
        told = await page.post("explain", prompt=prompt, extra_data=marked("1", "2", "4"))
        assert emulator.counters.upload_bytes == emulator.counters.orders == 0
        await saved(comfyui, await comfyui.queue(prompt, marked("1", "2", "4")), "5")
        after = await page.post("explain", prompt=prompt, extra_data=marked("1", "2", "4"))
        bad = await page.post("explain", prompt=prompt, extra_data=marked("99"))

    assert told["refused"] is None
    (segment,) = told["segments"]
    assert segment["nodes"][1] == {"id": "2", "title": "The turn", "class_type": "ImageInvert"}
    (up,) = segment["up"]
    assert (up["kind"], up["name"], up["bytes"], up["known"]) == ("IMAGE", name, len(data), False)
    (back,) = segment["back"]
    assert (back["kind"], back["from"]["id"]) == ("IMAGE", "2")
    assert [one["id"] for one in back["to"]] == ["3"]
    assert [one["id"] for one in segment["saved"]] == ["4"]
    assert [one["id"] for one in told["local"]] == ["3", "5"]
    assert any("8-bit PNG" in note["text"] for note in told["notes"])
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
    refused = await comfyui.queue(prompt, marked("2"))
    assert "RUNNINGHUB_SEGMENT_WORKFLOW" in refused.failure["exception_message"]
    assert emulator.counters.orders == 0

    said = {**marked("2")["runninghub"], "workflow": catalog.INVERT}
    result = await comfyui.queue(prompt, {"runninghub": said})
    await saved(comfyui, result, "3")
    sent = [e.json["workflowId"] for e in emulator.journal if e.path == CREATE]
    assert sent == ["1", catalog.INVERT]


async def test_prompts_that_wait_in_line_each_get_their_own(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    pictures = [pixels(), pixels(), pixels()]
    pictures.append(pictures[0])
    prompts = [await turning(comfyui, picture) for picture in pictures]
    taken = [await comfyui.submit(prompt, marked("2")) for prompt in prompts]
    for one, picture in zip(taken, pictures, strict=True):
        (made,) = await saved(comfyui, await comfyui.finish(one), "3")
        assert (made == inverted(picture)).all()
    # The fourth picture is the first, and nothing is paid twice.
    assert emulator.counters.orders == 3


async def test_what_another_pack_changes_before_or_after_us_counts(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": flip(["1", 0]),
        "3": flip(["2", 0]),
        "4": save(["3", 0]),
    }
    sideways = {"flip_method": "y-axis: horizontally"}
    both = {"before": {"2": sideways}, "after": {"3": sideways, "4": {"filename_prefix": "other"}}}
    result = await comfyui.queue(prompt, {**marked("2"), "tests": both})

    (made,) = await saved(comfyui, result, "4")
    assert (made == picture).all()
    assert result.outputs["4"]["images"][0]["filename"].startswith("other_")
    (graph,) = graphs(emulator)
    assert graph["2"]["inputs"]["flip_method"] == sideways["flip_method"]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_handler_of_another_pack_that_fails_changes_nothing(
    comfyui: ComfyClient, emulator: Emulator, moment: str
) -> None:
    picture = pixels()
    failing = {"tests": {moment: {"99": None}}}
    prompt = await turning(comfyui, picture)
    (made,) = await saved(comfyui, await comfyui.queue(prompt, {**marked("2"), **failing}), "3")

    assert (made == inverted(picture)).all()
    assert emulator.counters.orders == 1


def sounding(samples: int = 1200) -> bytes:
    file = io.BytesIO()
    wave = np.random.default_rng(mark()).normal(size=(2, samples)).astype(np.float32)
    wav.write_wav(file, wave, 8000)
    return file.getvalue()


def moving(frames: int = 5) -> bytes:
    file = io.BytesIO()
    level = mark() % 256
    mp4.write(
        file, [np.full((32, 48, 3), (level + 5 * n) % 256, np.uint8) for n in range(frames)], 8
    )
    return file.getvalue()
