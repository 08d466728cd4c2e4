"""Marked parts of a local graph run in the cloud, and the rest here, as if nothing were apart."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import (
    apart,
    flip,
    hollow_png,
    invert,
    inverted,
    loaded,
    mark,
    marked,
    pixels,
    remote,
    save,
    turning,
    whole_video,
)
from tests.comfy.media import moving, sounding
from tests.comfy.segments import classes, graphs, saved
from tests.comfy.server import Server
from tests.support.graphs import node, painting
from tests.support.service import uploads

pytestmark = pytest.mark.comfy


async def test_a_picture_goes_through_a_segment_exactly(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = await turning(comfyui, picture)
    result = await comfyui.queue(prompt, marked("2"))

    (image,) = await saved(comfyui, result, "3")
    assert (image == inverted(picture)).all()
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
    (text,) = result.outputs["4"]["text"]
    assert float(text) < 1 / 255, result.refusal
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

    (text,) = result.outputs["4"]["text"]
    assert float(text) <= 0.5 / 255, result.refusal
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
        "2": node("AudioAdjustVolume", audio=["1", 0], volume=0),
        "3": node("SaveAudio", audio=["2", 0], filename_prefix=f"heard/it_{mark()}"),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    assert result.outcome == "success", result.refusal
    (file,) = result.outputs["3"]["audio"]
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
        "2": whole_video(["1", 0]),
        "3": node(
            "SaveVideo",
            video=["2", 0],
            filename_prefix=f"film_{mark()}",
            format="auto",
            codec="auto",
        ),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    assert result.outcome == "success", result.refusal
    (file,) = result.outputs["3"]["images"]
    assert result.outputs["3"]["animated"] == [True]
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


async def test_nothing_for_an_optional_input_leaves_it_out(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    """As the sound of a silent film is handed on."""
    below, above = pixels(), pixels()
    prompt = {
        "1": await loaded(comfyui, below),
        "2": await loaded(comfyui, above),
        "3": node("TestHolds", kind="nothing", mark=mark()),
        "4": node(
            "ImageCompositeMasked",
            destination=["1", 0],
            source=["2", 0],
            mask=["3", 0],
            x=0,
            y=0,
            resize_source=False,
        ),
        "5": save(["4", 0]),
    }
    result = await comfyui.queue(prompt, marked("4"))

    (image,) = await saved(comfyui, result, "5")
    assert (image == above).all()
    (graph,) = graphs(emulator)
    assert "mask" not in graph["4"]["inputs"]


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

    (image,) = await saved(comfyui, result, "5")
    assert image.shape == (24, 40, 3)
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("maker", "kind", "value"),
    [
        (node("StringLength", string="seven !"), 0, "7"),
        pytest.param(
            node("ComfyMathExpression", expression="a / 8", **{"values.a": 3}),
            0,
            "0.375",
            marks=pytest.mark.since("0.16.4"),
        ),
        pytest.param(
            node("ComfyNotNode", value=False), 0, "True", marks=pytest.mark.since("0.26.0")
        ),
        (node("StringConcatenate", string_a="a", string_b="\n b ", delimiter="-"), 0, "'a-\\n b '"),
    ],
)
async def test_plain_values_come_back_as_they_were(
    comfyui: ComfyClient, maker: dict[str, Any], kind: int, value: str
) -> None:
    prompt = {"1": maker, "2": node("TestLooks", value=["1", kind])}
    result = await comfyui.queue(prompt, marked("1"))

    assert result.outcome == "success", result.refusal
    assert result.outputs["2"]["text"] == [value]


async def test_a_result_that_cannot_be_decoded_withholds_no_other(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    broken = hollow_png()
    emulator.faults.append(Fault("/results/", "body", value=broken))
    prompt = {
        "1": await loaded(comfyui, pixels()),
        "2": invert(["1", 0]),
        "3": flip(["2", 0]),
        "4": save(["2", 0]),
        "5": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "3"))

    (task_id,) = emulator.tasks
    (words,) = result.blocked.values()
    assert "cannot be read as a picture" in words
    assert task_id in words
    assert len({"4", "5"} & set(result.outputs)) == 1
    assert {"4", "5"} == {*result.blocked, *result.outputs}
    (file,) = (server.base / "output/runninghub").glob(f"{task_id}*")
    assert file.read_bytes() == broken
    assert any(words.partition(": ")[2] in line for line in result.texts("2"))


async def test_a_value_that_did_not_come_withholds_no_other(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": flip(["2", 0]),
        "4": invert(["3", 0]),
        "5": save(["2", 0]),
        "6": save(["3", 0]),
        "7": save(["4", 0]),
    }
    # The marked saver, and the one of the border for the value of node 2.
    emulator.empty_nodes = ("7", "8")
    result = await comfyui.queue(prompt, marked("2", "3", "4", "7"))

    (image,) = await saved(comfyui, result, "6")
    assert (image == inverted(picture)[::-1]).all()
    (task_id,) = emulator.tasks
    assert set(result.blocked) == {"5", "7"}
    assert "it returned no result of node 2 (ImageInvert)" in result.blocked["5"]
    assert all(task_id in words for words in result.blocked.values())
    assert any("it returned no result of" in line for line in result.texts("2"))
    again = await comfyui.queue(prompt, marked("2", "3", "4", "7"))
    assert "6" in again.outputs
    assert emulator.counters.orders == 1


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

    (image,) = await saved(comfyui, result, "4")
    assert (image == inverted(picture[..., :3])).all()
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


async def test_what_a_cloud_node_did_not_make_blocks_what_needs_it_and_nothing_else(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    prompt = {
        # A workflow that makes text, and no picture.
        "1": remote(catalog.TEXT_OUT, {"21.value": f"text {mark()}"}),
        "2": await loaded(comfyui, picture),
        "3": invert(["2", 0]),
        "4": node("ImageBatch", image1=["3", 0], image2=["1", 0]),
        "5": save(["4", 0]),
        "6": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("3", "4"))

    assert result.outcome == "success", result.refusal
    (image,) = await saved(comfyui, result, "6")
    assert (image == inverted(picture)).all()
    assert "5" not in result.outputs
    (words,) = set(result.blocked.values())
    assert "images" in words
    assert emulator.counters.orders == 2  # the text, and what does not need its picture
