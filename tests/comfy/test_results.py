"""What goes into the cloud and what comes back, by value, in a real ComfyUI."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import (
    decoded,
    hollow_png,
    invert,
    inverted,
    loaded,
    looks,
    mark,
    marked,
    pixels,
    remote,
    save,
)
from tests.comfy.page import Page
from tests.comfy.server import Server
from tests.support.graphs import node

pytestmark = pytest.mark.comfy

IMAGES, MASKS, VIDEO, AUDIO, TEXT, FILES, TASK_ID, OUT_1, OUT_2 = range(9)
URLS = 19


async def test_a_picture_comes_back_exact_to_the_bit(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    result = await comfyui.queue(
        {
            "1": await loaded(comfyui, picture),
            "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
            "3": save(["2", IMAGES]),
        }
    )

    (file,) = result.outputs["3"]["images"]
    assert np.array_equal(await decoded(comfyui, file), inverted(picture))
    assert emulator.counters.orders == 1


async def test_the_node_alone_shows_its_pictures_and_what_they_cost(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    result = await comfyui.queue(
        {"1": await loaded(comfyui, picture), "2": remote(catalog.INVERT, {"10.image": ["1", 0]})}
    )

    shown = result.outputs["2"]
    (file,) = shown["images"]
    assert file["type"] == "temp"
    assert np.array_equal((await decoded(comfyui, file))[..., :3], inverted(picture))
    (task,) = emulator.tasks.values()
    coins = "1 coin" if task.coins == 1 else f"{task.coins} coins"
    assert re.fullmatch(rf"done in \d+ s · {coins}", shown["text"][0])
    assert result.texts("2")[-1] == shown["text"][0]


async def test_a_mask_arrives_as_it_was(comfyui: ComfyClient, emulator: Emulator) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="mask", mark=mark()),
            "2": remote(catalog.INPAINT, {"5.image": ["1", 0], "8.seed": mark()}),
        }
    )

    assert result.outcome == "success", result.failure
    name = next(info["fieldValue"] for info in _ordered(emulator) if info["nodeId"] == "5")
    sent = emulator.uploads[name].data
    levels = np.asarray(_picture(sent))
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for channel in range(3):
        assert np.array_equal(levels[..., channel], ramp)
    assert np.array_equal(levels[..., 3], 255 - ramp)


async def test_alpha_comes_back_as_a_mask(comfyui: ComfyClient, emulator: Emulator) -> None:
    see_through = {
        "1": node("EmptyImage", width=48, height=32, batch_size=2, color=0),
        "2": node("SolidMask", value=0.25, width=48, height=32),
        "3": node("JoinImageWithAlpha", image=["1", 0], alpha=["2", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="cut"),
    }
    result = await comfyui.queue(
        {
            "2": remote(emulator.add_workflow(see_through), {"1.color": mark()}),
            "3": looks("2", IMAGES),
            "4": looks("2", MASKS),
        }
    )

    assert result.outputs["3"]["text"][0].startswith("(2, 32, 48, 3) torch.float32")
    (mask,) = result.outputs["4"]["text"]
    assert mask.startswith("(2, 32, 48) torch.float32 0.2")


async def test_opaque_pictures_have_masks_of_zeros(comfyui: ComfyClient) -> None:
    result = await comfyui.queue(
        {"2": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()}), "3": looks("2", MASKS)}
    )

    assert result.outputs["3"]["text"] == ["(1, 512, 512) torch.float32 0.0000..0.0000"]


@pytest.mark.parametrize("kind", ["bfloat16", "wild", "grey", "grey_alpha", "strided"])
async def test_odd_pictures_travel(comfyui: ComfyClient, kind: str) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind=kind, mark=mark()),
            "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
            "3": looks("2", IMAGES),
        }
    )

    assert result.outcome == "success", result.failure
    (text,) = result.outputs["3"]["text"]
    assert text.endswith("0.0000..1.0000") == (kind == "wild")


async def test_pictures_of_several_sizes_are_single_ones_in_the_outputs_order(
    comfyui: ComfyClient,
) -> None:
    fields = {"1.image": ["1", 0], "5.width": 64 + mark()}
    prompt = {
        "1": await loaded(comfyui, pixels((40, 30))),
        "2": remote(catalog.TWO_PICTURES, fields),
        "3": looks("2", IMAGES),
        "4": looks("2", OUT_1),
        "5": looks("2", OUT_2),
    }
    result = await comfyui.queue(prompt)

    width = fields["5.width"]
    blended, scaled = result.outputs["4"]["text"][0], result.outputs["5"]["text"][0]
    assert blended.startswith("(1, 30, 40, 3)")
    assert scaled.startswith(f"(1, 120, {width}, 3)")
    assert result.outputs["3"]["text"] == [blended, scaled]


async def test_listed_outputs_come_in_the_listed_order_and_alone(comfyui: ComfyClient) -> None:
    width = 64 + mark()
    result = await comfyui.queue(
        {
            "2": remote(catalog.TWO_PICTURES, {"5.width": width}, outputs="12"),
            "3": looks("2", IMAGES),
            "4": looks("2", OUT_1),
            "5": looks("2", OUT_2),
        }
    )

    assert result.outputs["3"]["text"] == result.outputs["4"]["text"]
    assert result.outputs["3"]["text"][0].startswith(f"(1, 120, {width}, 3)")
    assert "5" not in result.outputs


async def test_texts_and_their_files(comfyui: ComfyClient, server: Server) -> None:
    caption = f"a caption of {mark()}, 漢字"
    result = await comfyui.queue(
        {
            "1": remote(catalog.TEXT_OUT, {"21.value": caption}),
            "2": looks("1", TEXT),
            "3": looks("1", FILES),
            "4": looks("1", TASK_ID),
        }
    )

    assert repr(caption) in result.outputs["2"]["text"]
    (name,) = [text for text in result.outputs["3"]["text"] if "[output]" in text]
    file = server.base / "output" / name.strip("'").removesuffix(" [output]")
    assert file.read_text("utf-8") == caption
    assert len(result.outputs["4"]["text"]) == 1


async def test_the_addresses_of_results_are_the_last_output_also_of_kept_ones(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    fields = {"3.seed": mark()}
    first = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, fields), "2": looks("1", URLS)})
    again = await comfyui.queue({"3": remote(catalog.TEXT_TO_IMAGE, fields), "4": looks("3", URLS)})

    (address,) = first.outputs["2"]["text"]
    assert address.strip("'").startswith(f"{emulator.base_url}/results/")
    assert again.outputs["4"]["text"] == [address]
    assert emulator.counters.orders == 1


async def test_a_broken_picture_is_kept_as_a_file(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    broken = hollow_png()
    emulator.faults.append(Fault("/results/", "body", value=broken))
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    (task_id,) = emulator.tasks
    line = result.outputs["1"]["text"][1]
    assert "cannot be read as a picture" in line
    assert task_id in line
    (saved,) = (server.base / "output" / "runninghub").glob(f"{task_id}*")
    assert saved.name in line
    assert saved.read_bytes() == broken


async def test_a_folder_that_takes_no_file_is_named_and_the_result_is_not_lost(
    comfyui: ComfyClient, server: Server
) -> None:
    folder = server.base / "temp" / "runninghub"
    if folder.is_dir():
        folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    try:
        result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    finally:
        folder.unlink()
    message = result.failure["exception_message"]
    assert "could not be written" in message
    (path,) = re.findall(r"(/\S+\.png)", message)
    assert Path(path).read_bytes().startswith(b"\x89PNG")


async def test_the_pictures_are_in_comfyuis_list_of_jobs(comfyui: ComfyClient) -> None:
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    job = await comfyui.get(f"/api/jobs/{result.prompt_id}")
    (file,) = result.outputs["1"]["images"]
    assert file["filename"] in str(job)


async def test_what_was_not_made_blocks_only_what_hangs_on_it_and_says_so(
    comfyui: ComfyClient,
) -> None:
    result = await comfyui.queue(
        {
            "1": remote(catalog.TEXT_OUT, {"21.value": f"text {mark()}"}),
            "2": save(["1", IMAGES]),
            "3": looks("1", TEXT),
        }
    )

    assert result.outputs["3"]["text"]
    assert "2" not in result.outputs
    _, missing = result.outputs["1"]["text"]
    assert "images, masks, video, audio" in missing
    assert "out_3 … out_12" in missing
    (blocked,) = [event.data for event in result.events if event.type == "execution_error"]
    assert missing in blocked["exception_message"]


async def test_a_second_equal_run_places_no_order_and_shows_its_pictures(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})}
    first = await comfyui.queue(prompt)
    second = await comfyui.queue(prompt)

    assert emulator.counters.orders == 1
    assert second.outputs["1"]["images"] == first.outputs["1"]["images"]


async def test_with_reroll_seeds_every_run_is_new(comfyui: ComfyClient, emulator: Emulator) -> None:
    prompt = {"1": remote(catalog.TEXT_TO_IMAGE, {"6.text": f"a {mark()}"}, reroll_seeds=True)}
    pictures = set()
    for _ in range(2):
        result = await comfyui.queue(prompt)
        (file,) = result.outputs["1"]["images"]
        pictures.add(hashlib.sha256(await comfyui.view(file)).hexdigest())

    assert emulator.counters.orders == 2
    assert len(pictures) == 2


async def test_an_uploaded_name_and_address_reach_their_fields(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = pixels()
    result = await comfyui.queue(
        {
            "1": await loaded(comfyui, picture),
            "2": node("RHUploadImage", image=["1", 0]),
            "3": remote(catalog.INVERT, {"10.image": ["2", 0]}),
            "4": remote(catalog.URL_PICTURE, {"1.url": ["2", 1]}),
            "5": save(["3", IMAGES]),
            "6": save(["4", IMAGES]),
        }
    )

    for saver in ("5", "6"):
        (file,) = result.outputs[saver]["images"]
        assert np.array_equal(await decoded(comfyui, file), inverted(picture))
    assert len(emulator.uploads) == 1


async def test_a_picture_at_a_url_loader_is_sent_as_its_address(comfyui: ComfyClient) -> None:
    picture = pixels()
    result = await comfyui.queue(
        {
            "1": await loaded(comfyui, picture),
            "2": remote(catalog.URL_PICTURE, {"1.url": ["1", 0]}),
            "3": save(["2", IMAGES]),
        }
    )

    (file,) = result.outputs["3"]["images"]
    assert np.array_equal(await decoded(comfyui, file), inverted(picture))


async def test_a_mask_becomes_the_uploads_alpha(comfyui: ComfyClient, emulator: Emulator) -> None:
    picture = pixels((20, 10), channels=4)
    result = await comfyui.queue(
        {
            "1": await loaded(comfyui, picture),
            "2": node("RHUploadImage", image=["1", 0], mask=["1", 1]),
            "3": looks("2", 0),
        }
    )

    assert result.outcome == "success", result.failure
    (stored,) = emulator.uploads.values()
    assert np.array_equal(np.asarray(_picture(stored.data)), picture)


async def test_a_lora_goes_up_once(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    lora = server.base / "models" / "loras" / f"mine_{mark()}.safetensors"
    lora.write_bytes(hashlib.sha256(lora.name.encode()).digest() * 4000)
    prompt = {
        "1": node("RHLoraUploader", lora=lora.name),
        "2": remote(catalog.LORA_TEXT_TO_IMAGE, {"20.file_name": ["1", 0], "3.seed": mark()}),
    }
    result = await comfyui.queue(prompt)

    assert result.outcome == "success", result.failure
    (name,) = result.outputs["1"]["text"]
    assert name in emulator.loras
    assert emulator.counters.put_bytes == lora.stat().st_size

    lora.write_bytes(b"another content" * 999)
    changed = await comfyui.queue(prompt)
    assert changed.outputs["1"]["text"] != [name]


def _ordered(emulator: Emulator) -> list[dict[str, object]]:
    (task,) = emulator.tasks.values()
    return task.node_info


def _picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


async def test_a_kept_picture_that_was_damaged_since_is_fetched_again_for_nothing(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    picture = pixels()
    graph = {
        "1": await loaded(comfyui, picture),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": save(["2", IMAGES]),
    }
    await comfyui.queue(graph)
    stored = max(
        server.base.rglob("runninghub-results/*/0000.png"), key=lambda path: path.stat().st_mtime
    )
    whole = stored.read_bytes()
    stored.write_bytes(whole[:60] + bytes(len(whole) - 70) + whole[-10:])

    graph["2"]["inputs"]["max_orders"] = 3  # no part of the order: it is served from here
    result = await comfyui.queue(graph)
    (file,) = result.outputs["3"]["images"]
    assert np.array_equal(await decoded(comfyui, file), inverted(picture))
    assert stored.read_bytes() == whole
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("kind", ["program", "part"])
async def test_what_did_not_come_is_brought_by_the_next_run_and_not_asked_for_at_each(
    comfyui: ComfyClient, emulator: Emulator, kind: str
) -> None:
    shown = emulator.add_workflow(
        {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=mark()),
            "2": save(["1", 0]),
            "3": invert(["1", 0]),
            "4": node("SaveImage", images=["3", 0], filename_prefix="other"),
        }
    )
    prompt = {"1": remote(shown, {"1.color": mark()}), "5": looks("1", FILES)}
    extra = {}
    if kind == "part":
        prompt, extra = emulator.workflows[shown].graph, marked("1", "3")

    async def runs() -> bool:
        """Whether anything ran of which ComfyUI did not take what it had."""
        result = await comfyui.queue(prompt, extra)
        return any(event.data["node"] for event in result.events if event.type == "executing")

    lost = Fault("/results/", "status", value=404, count=1)
    emulator.faults.append(lost)
    assert await runs()
    gone = next(entry.path for entry in emulator.journal if entry.path.startswith("/results/"))
    emulator.faults.append(Fault(gone, "status", value=404))
    assert await runs()
    assert not await runs()
    emulator.faults.clear()
    (task_id,) = emulator.tasks
    async with Page(comfyui.url) as page:
        await page.post("tasks/fetch", task_id=task_id)
    assert await runs()
    assert not await runs()
    assert emulator.counters.orders == 1
