"""Local files and LoRAs go up with a segment, and marked savers save here."""

from __future__ import annotations

import io
import json
import shutil

import pytest
from PIL import Image

from rh_api.emulator import Emulator
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import invert, inverted, loaded, mark, marked, pixels, save
from tests.comfy.media import moving
from tests.comfy.segments import graphs, saved
from tests.comfy.server import Server
from tests.support.graphs import node, painting
from tests.support.pictures import png

pytestmark = pytest.mark.comfy


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

    images = await saved(comfyui, result, "4")
    assert all((image == picture).all() for image, picture in zip(images, pictures, strict=True))
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
        (image,) = await saved(comfyui, result, "3")
        assert (image == inverted(picture)).all()
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
        (image,) = await saved(comfyui, result, "7:3")
        (file,) = result.outputs["7:3"]["images"]
        assert (image == inverted(picture)).all()
        assert file["type"] == "output"
        assert file["subfolder"] == prefix.split("/")[0]
        assert file["filename"].startswith("away_20")
        prompt["7:3"]["inputs"]["filename_prefix"] += "x" if count == 1 else ""
    with Image.open(io.BytesIO(await comfyui.view(file))) as opened:
        assert json.loads(opened.text["workflow"]) == workflow
        assert json.loads(opened.text["prompt"])["7:3"]["class_type"] == "RunningHubSaved"
    # Another local name is no other picture: nothing was paid for it.
    assert emulator.counters.orders == 1


async def test_an_emptied_temp_folder_costs_nothing(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    picture, name = pixels(), f"video_{mark()}.mp4"
    (server.base / "input" / name).write_bytes(moving())
    film = {"format": "auto", "codec": "auto"}
    prompt = {
        "1": await loaded(comfyui, picture),
        "2": invert(["1", 0]),
        "3": save(["2", 0]),
        "4": node("LoadVideo", file=name),
        "5": node("SaveVideo", video=["4", 0], filename_prefix="film", **film),
    }
    for prefix in ("before", "after", "again"):
        prompt["3"]["inputs"]["filename_prefix"] = prompt["5"]["inputs"]["filename_prefix"] = prefix
        result = await comfyui.queue(prompt, marked("2", "3", "4"))
        (image,) = await saved(comfyui, result, "3")
        assert (image == inverted(picture)).all()
        (file,) = result.outputs["5"]["images"]
        assert len(await comfyui.view(file)) > 0
        if prefix == "before":
            shutil.rmtree(server.base / "temp" / "runninghub")
    assert emulator.counters.orders == 2  # both parts, once


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

    (image,) = await saved(comfyui, result, "3")
    assert (image == inverted(picture)).all()
    assert result.outputs["3"]["images"][0]["type"] == "temp"


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


@pytest.mark.since("0.33.0")
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


async def test_a_prompt_cannot_have_a_file_of_this_machine_saved(
    comfyui: ComfyClient, server: Server
) -> None:
    secret = server.base / "user" / f"secret_{mark()}.json"
    secret.write_text("private")
    files = [{"path": str(secret), "kind": "text", "task_id": "1"}]
    saver = json.dumps({"class_type": "SaveText"})
    prompt = {"1": node("RunningHubSaved", saver=saver, files={"__value__": files})}
    result = await comfyui.queue(prompt)
    assert result.outcome == "error"
    assert "private" not in json.dumps([result.outputs, result.failure])
    written = (server.base / "output").rglob("*")
    assert not any(path.is_file() and b"private" in path.read_bytes() for path in written)
