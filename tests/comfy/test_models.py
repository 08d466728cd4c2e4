"""Standard models as nodes of a real ComfyUI: typed parameters in, results of every kind out."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.accounts import example_key
from rh_api.models.live_catalogue import ModelCatalogue
from rh_api.settings import Settings
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import loaded, looks, mark, pixels
from tests.comfy.server import running
from tests.comfy.test_refusals import nothing_was_sent, sentence
from tests.support.graphs import node
from tests.support.service import bodies

pytestmark = pytest.mark.comfy

IMAGES, MASKS, VIDEO, AUDIO, TEXT, FILES, TASK_ID, MODEL_3D = range(8)

PAINTER = "rhart-image-n-pro/text-to-image"
EDITOR = "rhart-image-n-pro/edit"
SEEDREAM = "seedream-v4.5/text-to-image"
KLING = "kling-video-o3-pro/reference-to-video"


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    """Its key is one that may run models."""
    emulator.account.kind = "SHARED"
    emulator.account.money = 1000
    return emulator


LAMP = [
    {"name": "prompt", "required": True},
    {"name": "size", "type": "COMBO", "options": ["small", "large"]},
]
"""Parameters of a model that nobody knew before."""


def model(endpoint: str, class_type: str = "RunningHubModel", **inputs: Any) -> dict[str, Any]:
    return node(class_type, model=endpoint, **inputs)


KINDS = {
    "image": (PAINTER, "RHTextToImage", "prompt", IMAGES, "torch"),
    "video": ("rhart-video-s/text-to-video", "RHTextToVideo", "prompt", VIDEO, "ResultVideo"),
    "sound": ("rhart-audio/text-to-audio/speech-2.8-hd", "RHSpeech", "text", AUDIO, "waveform"),
    "3d": ("meshy6/text-to-3d", "RH3D", "prompt", MODEL_3D, "File3D"),
    "text": ("vidu/text-to-text", "RHTextAndVision", "prompt", TEXT, "a lamp"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_models_of_every_kind_run_from_a_short_prompt(
    comfyui: ComfyClient, emulator: Emulator, kind: str
) -> None:
    endpoint, class_type, name, slot, words = KINDS[kind]
    if kind == "text":
        endpoint = _a_writer()
    prompt = {
        "1": model(endpoint, class_type, **{name: f"a lamp {mark()}"}),
        "2": looks("1", slot),
    }
    result = await comfyui.queue(prompt)

    assert result.outcome == "success", sentence(result)
    assert words in result.outputs["2"]["text"][0]
    assert emulator.counters.orders == 1
    assert "third-party" in result.outputs["1"]["text"][0]
    # What is here is not paid again.
    prompt["1"]["inputs"]["max_orders"] = 3
    again = await comfyui.queue(prompt)
    assert again.outputs["1"]["text"][0] == "nothing was paid: kept from an identical order"
    assert emulator.counters.orders == 1


@pytest.mark.since("0.26.0")
async def test_a_3d_file_goes_into_cores_own_saver(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    chair = model("meshy6/text-to-3d", "RH3D", prompt=f"a chair {mark()}")
    saver = node("SaveGLB", mesh=["1", MODEL_3D], filename_prefix="chair")
    result = await comfyui.queue({"1": chair, "2": saver})
    assert result.outcome == "success", sentence(result)
    (file,) = result.outputs["2"]["3d"]
    assert (await comfyui.view(file))[:4] == b"glTF"


def _catalogue() -> ModelCatalogue:
    return ModelCatalogue(Settings.from_mapping({"RUNNINGHUB_STATE": tempfile.gettempdir()}))


def _a_writer() -> str:
    writers = _catalogue().search(task="text-to-text")
    return next(writer.endpoint for writer in writers if len(writer.parameters) < 6)


async def test_a_list_and_grown_sockets_are_the_items_of_a_list(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    """A batch at the list, pictures of other sizes at single sockets, in this order."""
    prompt = {
        "1": node("TestHolds", kind="pair", mark=mark()),
        "2": await loaded(comfyui, pixels((40, 30))),
        "3": await loaded(comfyui, pixels((50, 20))),
        "4": model(
            EDITOR,
            "RHImageToImage",
            prompt="both",
            resolution="1k",
            **{"imageUrls.2": ["3", 0], "imageUrls.1": ["2", 0], "imageUrls": ["1", 0]},
        ),
    }
    result = await comfyui.queue(prompt)

    assert result.outcome == "success", sentence(result)
    (body,) = bodies(emulator, EDITOR)
    assert body.keys() == {"prompt", "resolution", "imageUrls"}
    sizes = [_size(emulator.store.read_url(address)) for address in body["imageUrls"]]
    assert sizes == [(7, 6), (7, 6), (40, 30), (50, 20)]


def _size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


async def test_a_batch_at_a_single_parameter_is_an_order_an_item(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    endpoint = "alibaba/happyhorse-1.0/image-to-video"
    source = node("TestHolds", kind="pair", mark=mark())
    prompt = {"1": source, "2": model(endpoint, "RHImageToVideo", imageUrl=["1", 0])}
    result = await comfyui.queue(prompt)

    assert result.outcome == "success", sentence(result)
    first, second = bodies(emulator, endpoint)
    assert first["imageUrl"] != second["imageUrl"]
    refused = await comfyui.queue(
        {
            "1": node("TestHolds", kind="pair", mark=mark()),
            "2": model(endpoint, imageUrl=["1", 0], max_orders=1),
        }
    )
    assert "2 orders" in sentence(refused)
    assert emulator.counters.orders == 2


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "missing": (model(PAINTER), ['"prompt"', "is missing"]),
    "mistyped name": (model(PAINTER, promt="x"), ['"promt"', "not a parameter", "prompt"]),
    "two for one": (
        model("kling-lip-sync/identify-face", videoUrl="https://x.y/a.mp4", videoId="1"),
        ["cannot be given together", "videoUrl, videoId"],
    ),
    "number": (
        model("alibaba/happyhorse-1.0/text-to-video", prompt="x", seed="many"),
        ['"seed"', "INT", "many"],
    ),
    "doubt": (model(PAINTER, prompt="x", aspectRatio="7:1"), ["7:1", "send anyway"]),
    "counts only beside another": (
        model(SEEDREAM, prompt="x", maxImages=4),
        ['"maxImages"', "only with sequentialImageGeneration = auto"],
    ),
    "blank": (model(" "), ["Which model"]),
    "unknown name": (
        model("kling v3.0 pro text-to-vide"),
        ['"kling v3.0 pro text-to-vide"', "Nearest: kling-v3.0-pro/text-to-video"],
    ),
    "a name near none": (model("klingg"), ['No model is called "klingg".']),
    "gone": (
        model("rhart-image-g-1.5/text-to-image", prompt="x"),
        ["rhart-image-g-2/text-to-image"],
    ),
    "junk in extra": (model(PAINTER, prompt="x", extra="{"), ["JSON object"]),
    "a link out of it": (model("../../task/openapi/create", extra="{}"), ["No model is called"]),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_cannot_work_is_refused_with_the_prompt(
    comfyui: ComfyClient, emulator: Emulator, case: str
) -> None:
    wrong, words = WRONG[case]
    result = await comfyui.queue({"1": wrong})
    assert result.outcome == "refused"
    message = sentence(result)
    assert [word for word in words if word not in message] == [], message
    assert nothing_was_sent(emulator)


async def test_what_a_link_brings_counts_as_given(comfyui: ComfyClient, emulator: Emulator) -> None:
    source = node("TestHolds", kind="text", mark=mark())
    result = await comfyui.queue({"1": source, "2": model(PAINTER, prompt=["1", 0])})
    assert result.outcome == "success", sentence(result)
    (body,) = bodies(emulator, PAINTER)
    assert body["prompt"].startswith("text ")


async def test_a_node_with_all_its_widgets_as_they_came_is_ordered(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    parameters = _catalogue().catalogue.models[SEEDREAM].parameters
    usual = {part.name: part.default for part in parameters if part.default is not None}
    assert usual["maxImages"] is not None
    result = await comfyui.queue({"1": model(SEEDREAM, **usual | {"prompt": f"x {mark()}"})})
    assert result.outcome == "success", sentence(result)
    (body,) = bodies(emulator, SEEDREAM)
    assert "maxImages" not in body


async def test_a_link_that_leads_nowhere_is_an_ordinary_refusal(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    linked = {"prompt": "x", "imageUrls.1": ["9", 0]}
    assert (await comfyui.queue({"1": model(EDITOR, **linked)})).outcome == "refused"
    assert nothing_was_sent(emulator)


async def test_a_doubt_is_sent_anyway_and_the_service_decides(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    doubted = model(PAINTER, prompt=f"x {mark()}", aspectRatio="7:1", send_anyway=True)
    message = sentence(await comfyui.queue({"1": doubted}))
    assert "aspectRatio must be one of" in message
    assert emulator.counters.orders == 0


async def test_a_picture_that_is_too_large_is_refused_or_made_to_fit_and_told(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    limit = {"max_mb": 0.02, "formats": ["jpg", "png"]}
    schema = {
        "endpoint": EDITOR,
        "parameters": [
            {"name": "prompt", "type": "STRING", "required": True},
            {"name": "imageUrls", "type": "IMAGE", "array": True, **limit},
            {"name": "resolution", "type": "COMBO", "options": ["1k"], "default": "1k"},
        ],
    }
    edit = model(
        EDITOR,
        form=json.dumps({"v": 1, "kind": "model", "model": schema}),
        prompt="smaller",
        resolution="1k",
        imageUrls=["1", 0],
    )
    prompt = {"1": await loaded(comfyui, pixels((160, 120))), "2": edit}
    refused = await comfyui.queue(prompt)
    assert "0.02 MB" in sentence(refused)
    assert nothing_was_sent(emulator)

    edit["inputs"]["fit_pictures"] = True
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", sentence(result)
    ((address,),) = [body["imageUrls"] for body in bodies(emulator, EDITOR)]
    sent = emulator.store.read_url(address)
    assert sent.startswith(b"\xff\xd8")
    assert len(sent) <= 0.02 * 1_000_000
    words = " ".join(result.outputs["2"]["text"])
    assert '"imageUrls"' in words
    assert "jpg" in words


async def test_a_saved_schema_and_extra_run_a_model_that_nobody_listed(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.add_model("new-vendor/text-to-image", parameters=[*LAMP, {"name": "resolution"}])
    schema = {
        "endpoint": "new-vendor/text-to-image",
        "parameters": [{"name": "prompt", "type": "STRING", "required": True}],
    }
    form = json.dumps({"v": 1, "kind": "model", "model": schema, "sockets": [IMAGES]})
    text = f"a cat {mark()}"
    run = model(
        "new-vendor/text-to-image",
        form=form,
        prompt=text,
        extra='{"resolution": "1k"}',
        # A neighbour of the page that puts a widget on every node.
        speak_and_recognation={"__value__": [False, True]},
    )
    result = await comfyui.queue({"1": run, "2": looks("1", 0)})
    assert result.outcome == "success", sentence(result)
    assert bodies(emulator, "new-vendor/text-to-image") == [{"prompt": text, "resolution": "1k"}]
    assert "torch" in result.outputs["2"]["text"][0]


async def test_an_id_that_one_model_made_goes_into_the_list_of_another(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    """A socket of a JSON list takes a text: here the object that kling-elements answers."""
    prompt = {
        "1": await loaded(comfyui, pixels((300, 300))),
        "2": model("kling-elements", **_element(["1", 0])),
        "3": model(KLING, "RHReferenceToVideo", prompt="a cup", **{"elementList.1": ["2", TEXT]}),
    }
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", sentence(result)
    (body,) = bodies(emulator, KLING)
    assert set(body["elementList"][0]) == {"elementId", "elementName"}


def _element(picture: list[Any]) -> dict[str, Any]:
    """What kling-elements needs, with a picture at each parameter that takes one."""
    needed = [param for param in _catalogue().form("kling-elements").parameters if param.required]
    return {param.name: picture if param.is_media else f"cup {mark()}"[:20] for param in needed}


async def test_stop_says_that_a_model_goes_on_and_the_next_run_brings_it(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 12.0
    emulator.model_cancel = "ignored"
    prompt = {"1": model(PAINTER, prompt=f"a cat {mark()}"), "2": looks("1", 0)}
    queued = await comfyui.submit(prompt)
    await comfyui.event(
        lambda event: event.type == "progress_text" and "running" in event.data["text"]
    )
    await comfyui.interrupt()
    stopped = await comfyui.event(lambda event: event.type == "runninghub.ended")
    assert (await comfyui.finish(queued)).outcome == "interrupted"
    assert "goes on" in stopped.data["line"]["en"]
    result = await comfyui.queue(prompt)
    assert result.outcome == "success", sentence(result)
    assert emulator.counters.orders == 1


async def test_a_key_that_may_not_use_models_learns_it_before_any_upload(
    comfyui: ComfyClient, emulator: Emulator, tmp_path: Path
) -> None:
    env = {"RUNNINGHUB_BASE_URL": emulator.base_url, "RUNNINGHUB_API_KEY": example_key("basic")}
    emulator.accounts[example_key("basic")] = type(emulator.account)()
    with running(tmp_path, env) as server:
        async with ComfyClient(server.url) as client:
            prompt = {
                "1": await loaded(client, pixels()),
                "2": model(EDITOR, prompt="x", imageUrls=["1", 0]),
            }
            assert "enterprise shared" in sentence(await client.queue(prompt))
    assert nothing_was_sent(emulator)


async def test_a_model_that_appears_while_comfyui_runs_is_found_and_run(
    emulator: Emulator, tmp_path: Path
) -> None:
    env = {
        "RUNNINGHUB_BASE_URL": emulator.base_url,
        "RUNNINGHUB_API_KEY": emulator.default_key,
    }
    with running(tmp_path, env) as server:
        async with ComfyClient(server.url) as client:
            assert not await _lamp_painters(client)
            emulator.add_model(
                "new-vendor/lamp/text-to-image", name="lamp-painter", parameters=LAMP
            )
            changes = await _post(client, "models/refresh")
            assert changes["added"] >= 1, changes
            assert [entry["endpoint"] for entry in await _lamp_painters(client)] == [
                "new-vendor/lamp/text-to-image"
            ]
            about = await client.get("/object_info/RHTextToImage")
            assert "lamp-painter" in about["RHTextToImage"]["search_aliases"]
            run = model("lamp-painter", "RHTextToImage", prompt="a lamp", size="large")
            result = await client.queue({"1": run, "2": looks("1", 0)})
            assert result.outcome == "success", sentence(result)
            assert "torch" in result.outputs["2"]["text"][0]
            assert bodies(emulator, "new-vendor/lamp/text-to-image") == [
                {"prompt": "a lamp", "size": "large"}
            ]


async def _lamp_painters(client: ComfyClient) -> list[dict[str, Any]]:
    return (await _post(client, "models", words="lamp-painter"))["models"]


async def _post(client: ComfyClient, path: str, **body: Any) -> dict[str, Any]:
    async with aiohttp.ClientSession(client.url) as page:
        async with page.post("/runninghub/session", json={"locale": "en"}) as answer:
            headers = {"X-RunningHub-Token": (await answer.json())["token"]}
        async with page.post(f"/runninghub/{path}", json=body, headers=headers) as answer:
            return await answer.json()
