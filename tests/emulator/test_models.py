"""Standard models: what is run, refused, charged and given out."""

from __future__ import annotations

import io
import json
import struct
import wave
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import pytest
from PIL import Image

from rh_api.emulator import Fault
from rh_api.emulator.accounts import Account, example_key
from rh_api.emulator.models.catalogue import Model, Parameter

if TYPE_CHECKING:
    from conftest import Remote

KEY = example_key("shared")
BEARER = {"Authorization": f"Bearer {KEY}"}
SEEDREAM = "seedream-v4.5/text-to-image"
F2 = "rhart-image/f-2-klein-4b/text-to-image"
BOAT: dict[str, Any] = {"prompt": "a boat on a lake", "resolution": "2k"}
SAMPLES = {"IMAGE": "a.png", "VIDEO": "a.mp4", "AUDIO": "a.mp3"}


@pytest.fixture(autouse=True)
def rich(remote: Remote) -> None:
    remote.emulator.accounts[KEY] = Account(
        kind="SHARED", coins=0, money=Decimal(100_000), currency="CNY", limit=600
    )


async def run(remote: Remote, endpoint: str, body: Any, key: str = KEY) -> Any:
    return await remote.post(f"/openapi/v2/{endpoint}", body, Authorization=f"Bearer {key}")


async def preview(remote: Remote, endpoint: str, body: Any) -> Any:
    return await run(remote, f"price-preview/{endpoint}", body)


async def done(remote: Remote, endpoint: str, body: Any, key: str = KEY) -> Any:
    """The query's reply when a run is over."""
    started = await run(remote, endpoint, body, key)
    assert started["errorCode"] == "", started
    runner = remote.emulator.tasks[started["taskId"]].runner
    assert runner is not None
    await runner
    headers = {"Authorization": f"Bearer {key}"}
    return await remote.post("/openapi/v2/query", {"taskId": started["taskId"]}, **headers)


async def uploads(remote: Remote) -> dict[str, str]:
    return {
        kind: (await remote.upload(kind.encode() * 100, name))["data"]["download_url"]
        for kind, name in SAMPLES.items()
    }


def value_of(part: Parameter, urls: dict[str, str]) -> Any:
    plain = {
        "STRING": (BOAT["prompt"] * 9)[: min(part.max_length or 99, max(part.min_length or 0, 16))],
        "INT": int(part.low or 1),
        "FLOAT": float(part.low or 1),
        "BOOLEAN": True,
        "LORA": "ink_v1.safetensors",
        "JSON": {"a": 1},
        "COMBO": part.options[0] if part.options else "",
        **urls,
    }[part.type]
    usual = plain if part.type in urls or part.default in (None, "") else part.default
    return [usual] if part.array else usual


def required_of(model: Model, urls: dict[str, str]) -> dict[str, Any]:
    body = {
        field.name: value_of(field, urls)
        for field in model.parameters
        if field.required and field.only_with is None
    }
    first = [pair[0] for pair in model.one_of]
    named = {field.name: field for field in model.parameters}
    return body | {name: value_of(named[name], urls) for name in first}


async def test_every_model_that_is_sold_runs_with_what_it_requires(remote: Remote) -> None:
    urls = await uploads(remote)
    ends: Counter[str] = Counter()
    wants_an_id: list[str] = []
    for model in remote.emulator.documented_models():
        if model.status == "deprecated" or any(
            field.required and field.made_by for field in model.parameters
        ):
            wants_an_id.append(model.endpoint)
            continue
        reply = await done(remote, model.endpoint, required_of(model, urls))
        assert reply["status"] == "SUCCESS", model.endpoint
        kinds = [result["outputType"] for result in reply["results"]]
        assert model.output in kinds, model.endpoint
        ends[model.output] += 1

    assert ends["image"] > 100
    assert ends["video"] > 200
    assert min(ends["audio"], ends["text"], ends["3d"]) > 25
    assert len(wants_an_id) == 6


@pytest.mark.parametrize(
    ("endpoint", "change", "name"),
    [
        (SEEDREAM, {"promt": "a"}, "promt"),
        (SEEDREAM, {"prompt": None}, "prompt"),
        (SEEDREAM, {"prompt": ""}, "prompt"),
        (SEEDREAM, {"prompt": 5}, "prompt"),
        (SEEDREAM, {"resolution": "9k"}, "resolution"),
        (SEEDREAM, {"maxImages": 3}, "maxImages"),
        (SEEDREAM, {"sequentialImageGeneration": "auto", "maxImages": "3"}, "maxImages"),
        (SEEDREAM, {"sequentialImageGeneration": "auto", "maxImages": True}, "maxImages"),
        (SEEDREAM, {"sequentialImageGeneration": "auto", "maxImages": 99}, "maxImages"),
        (F2, {"52##prompt": "a"}, "52##prompt"),
        (F2, {"aspectRatio": 1}, "aspectRatio"),
        (F2, {"customWidth": 512}, "customWidth"),
        ("vidu/image-to-video-q3-pro-fast", {"imageUrl": "openapi/abc.png"}, "imageUrl"),
        ("vidu/image-to-video-q3-pro-fast", {"imageUrl": ["http://a.cn/b.png"]}, "imageUrl"),
        ("vidu/image-to-video-q3-pro-fast", {"duration": 5}, "duration"),
        ("seedream-v4.5/image-to-image", {"imageUrls": "http://a.cn/b.png"}, "imageUrls"),
        ("seedream-v4.5/image-to-image", {"imageUrls": []}, "imageUrls"),
        ("seedream-v4.5/image-to-image", {"imageUrls": ["http://a.cn/b"] * 40}, "imageUrls"),
        ("rhart-image/f-dev-lora", {"loraName": "none.safetensors"}, "lora"),
    ],
)
async def test_what_is_wrong_with_a_body_is_named(
    remote: Remote, endpoint: str, change: dict[str, Any], name: str
) -> None:
    model = remote.emulator.models[endpoint]
    body = required_of(model, await uploads(remote))
    if name == "lora":
        (name,) = (field.name for field in model.parameters if field.type == "LORA")
        change = {name: "none.safetensors"}

    for ask in (run, preview):
        assert (await ask(remote, endpoint, body))["errorCode"] == ""
        refusal = await ask(remote, endpoint, body | change)
        assert (refusal["errorCode"], refusal.get("taskId") or "") == ("1007", "")
        assert name in refusal["errorMessage"]
    assert remote.emulator.counters.orders == 1


async def test_an_empty_text_is_right_where_it_is_an_option(remote: Remote) -> None:
    endpoint = "bytedance/doubao-seed-tts-2.0"
    body = required_of(remote.emulator.models[endpoint], await uploads(remote))

    assert (await run(remote, endpoint, body | {"explicit_language": ""}))["errorCode"] == ""


async def test_what_is_missing_is_named(remote: Remote) -> None:
    refusal = await run(remote, SEEDREAM, {"resolution": "2k"})

    assert (refusal["errorCode"], "prompt is required" in refusal["errorMessage"]) == ("1007", True)


async def test_keys_that_exclude_each_other_are_refused(remote: Remote) -> None:
    endpoint = "mureka-ai/mureka-v9/generate-bgm"
    vocal = await made_id(remote, "mureka-ai/files-upload", {"purpose": "instrumental"})

    both = await run(remote, endpoint, {"n": 1, "prompt": "slow", "instrumentalId": vocal})
    alone = await run(remote, endpoint, {"n": 1, "instrumentalId": vocal})

    assert (both["errorCode"], alone["errorCode"]) == ("1007", "")


async def test_a_file_must_be_there_small_enough_and_of_its_kind(remote: Remote) -> None:
    endpoint, urls = "vidu/image-to-video-q3-pro-fast", await uploads(remote)
    model = remote.emulator.models[endpoint]
    body = required_of(model, urls)
    gone = urls["IMAGE"].rpartition("/")[0] + "/none.png"

    async def code(url: str) -> str:
        return (await run(remote, endpoint, body | {"imageUrl": url}))["errorCode"]

    assert await code(gone) == "1001"
    assert await code(urls["VIDEO"]) == "1007"
    assert await code("https://pictures.cn/a.png") == ""
    assert await code(urls["IMAGE"]) == ""
    size = len(remote.emulator.store.read_url(urls["IMAGE"]))
    small = [{"name": "imageUrl", "type": "IMAGE", "max_mb": size / 1_020_000}]  # not 2**20
    remote.emulator.change_model(endpoint, parameters=small, schema="partial")
    assert await code(urls["IMAGE"]) == "1008"


async def test_who_may_not_learns_it_from_the_price_too(remote: Remote) -> None:
    for ask in (SEEDREAM, f"price-preview/{SEEDREAM}"):
        codes = [
            (await run(remote, ask, BOAT, key))["errorCode"]
            for key in (remote.key, example_key("dedicated"))
        ]
        assert codes == ["1014", "1014"]
    assert (await run(remote, SEEDREAM, BOAT, "nobody"))["code"] == 412


async def test_paths_and_models_that_are_not_there_or_not_for_this_key(remote: Remote) -> None:
    emulator = remote.emulator
    models = emulator.models.values()
    gone = next(model.endpoint for model in models if model.status == "removed")
    withdrawn = next(model.endpoint for model in models if model.status == "deprecated")
    emulator.inactive_models = (F2,)

    assert [(await run(remote, path, BOAT))["code"] for path in ("no/model", gone, F2)] == [412] * 3
    assert (await run(remote, withdrawn, {}))["errorCode"] == "1000"

    emulator.unknown_model_code = 404
    assert (await run(remote, gone, BOAT))["errorCode"] == "404"


async def test_money_must_be_there_and_a_slot(remote: Remote) -> None:
    account = remote.emulator.accounts[KEY]

    async def code() -> str:
        return (await run(remote, SEEDREAM, BOAT))["errorCode"]

    account.money = Decimal(0)
    assert await code() == "812"
    account.money = Decimal("0.01")
    assert await code() == "1620"
    account.money, account.limit = Decimal(5), 0
    assert await code() == "421"


async def test_a_run_costs_what_its_preview_says(remote: Remote) -> None:
    remote.emulator.cost_over_preview = 1.0
    account = remote.emulator.accounts[KEY]
    account.money = Decimal(10)

    price = await preview(remote, SEEDREAM, BOAT)
    cost = (await done(remote, SEEDREAM, BOAT))["usage"]["thirdPartyConsumeMoney"]

    assert price["currency"] == "CNY"
    assert Decimal(cost) == Decimal(str(price["estimatedPrice"])) > 0
    assert account.money == Decimal(10) - Decimal(cost)
    assert remote.emulator.counters.orders == 1


async def test_a_run_may_cost_more_than_its_preview_or_nothing(remote: Remote) -> None:
    async def cost() -> str | None:
        return (await done(remote, SEEDREAM, BOAT))["usage"]["thirdPartyConsumeMoney"]

    price = Decimal(str((await preview(remote, SEEDREAM, BOAT))["estimatedPrice"]))
    assert Decimal(await cost() or 0) > price > 0
    remote.emulator.cost_over_preview = 2.5
    assert Decimal(await cost() or 0) == price * Decimal("2.5")

    remote.emulator.free_calls = 1
    assert (await preview(remote, SEEDREAM, BOAT))["isFreeThisCall"] is True
    assert await cost() is None
    assert (await preview(remote, SEEDREAM, BOAT))["isFreeThisCall"] is False


@pytest.mark.parametrize(
    ("endpoint", "low", "high"),
    [
        ("kling-video-o3-std/image-to-video", {"sound": False}, {"sound": True}),
        ("kling-video-o3-std/image-to-video", {"duration": 3}, {"duration": 10}),
        ("rhart-image-n-g31-flash/text-to-image", {"resolution": "1k"}, {"resolution": "4k"}),
    ],
)
async def test_the_price_follows_the_body(
    remote: Remote, endpoint: str, low: dict[str, Any], high: dict[str, Any]
) -> None:
    body = required_of(remote.emulator.models[endpoint], await uploads(remote))

    cheap, dear = [
        (await preview(remote, endpoint, body | change))["estimatedPrice"] for change in (low, high)
    ]

    assert 0 < cheap < dear


async def test_an_account_in_dollars_is_told_dollars(remote: Remote) -> None:
    yuan = (await preview(remote, SEEDREAM, BOAT))["estimatedPrice"]
    remote.emulator.accounts[KEY].currency = "USD"
    dollars = await preview(remote, SEEDREAM, BOAT)

    assert dollars["currency"] == "USD"
    assert dollars["estimatedPrice"] < yuan / 6


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "xxxxxxxxxx"},
        {"prompt": "a placeholder"},
        {"imageUrl": "https://example.com/a.png"},
        {"imageUrl": "data:image/png;base64,AAAA"},
    ],
)
async def test_the_price_is_not_told_for_placeholders(
    remote: Remote, change: dict[str, str]
) -> None:
    endpoint = "vidu/image-to-video-q3-pro-fast"
    body = required_of(remote.emulator.models[endpoint], await uploads(remote)) | change

    refusal = await preview(remote, endpoint, body)
    assert (refusal["errorCode"], next(iter(change)) in refusal["errorMessage"]) == ("1007", True)

    remote.emulator.preview_placeholders = "accepted"
    assert (await preview(remote, endpoint, body))["errorCode"] == ""


# Results


async def files(remote: Remote, endpoint: str, **change: Any) -> list[bytes]:
    model = remote.emulator.models[endpoint]
    reply = await done(remote, endpoint, required_of(model, await uploads(remote)) | change)
    return [(await remote.get(result["url"]))[1] for result in reply["results"] if result["url"]]


async def test_several_results_of_one_run_differ(remote: Remote) -> None:
    pictures = await files(remote, SEEDREAM, sequentialImageGeneration="auto", maxImages=4)

    assert len(set(pictures)) == 4
    assert {Image.open(io.BytesIO(picture)).size for picture in pictures} == {(96, 96)}


@pytest.mark.parametrize(
    ("option", "expected"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp(lossless)", "WEBP")]
)
async def test_pictures_have_the_format_that_is_asked_for(
    remote: Remote, option: str, expected: str
) -> None:
    (data,) = await files(remote, "rhart-image/f-2-dev/text-to-image", outputFormat=option)

    assert Image.open(io.BytesIO(data)).format == expected


async def test_a_film_can_be_decoded_and_is_the_bodys_own(remote: Remote) -> None:
    endpoint = "kling-v2.5-turbo-pro/text-to-video"
    (red,) = await files(remote, endpoint, prompt="a red boat")
    (blue,) = await files(remote, endpoint, prompt="a blue boat")

    with av.open(io.BytesIO(red)) as container:
        assert len(list(container.decode(video=0))) == 8
    assert red != blue


async def test_a_sound_can_be_read(remote: Remote) -> None:
    first, second = await files(remote, "mureka-ai/mureka-v9/generate-song", n=2)

    with wave.open(io.BytesIO(first)) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, 6400)
    assert first != second


async def test_a_solid_is_a_whole_glb_beside_its_picture(remote: Remote) -> None:
    solid, picture = await files(remote, "meshy6/text-to-3d")

    mark, version, length = struct.unpack_from("<4sII", solid)
    size, kind = struct.unpack_from("<I4s", solid, 12)
    scene = json.loads(solid[20 : 20 + size])
    binary = solid[20 + size + 8 :]
    assert (mark, version, length, kind) == (b"glTF", 2, len(solid), b"JSON")
    assert scene["accessors"][1]["count"] == 36
    assert len(binary) >= scene["buffers"][0]["byteLength"]
    assert picture.startswith(b"\x89PNG")


async def test_a_text_is_no_file_and_results_name_a_kind(remote: Remote) -> None:
    lyrics = "mureka-ai/generate-lyrics"
    reply = await done(remote, lyrics, {"prompt": "a song of the sea"})
    (result,) = reply["results"]
    assert (result["url"], result["outputType"], "nodeId" in result) == (None, "text", False)
    assert "a song of the sea" in result["text"]

    picture = (await done(remote, SEEDREAM, BOAT))["results"][0]
    assert picture["outputType"] == "image"


@pytest.mark.parametrize("code", ["1012", "1501", "1504", "1505", "1015"])
async def test_a_run_may_fail_for_a_reason_of_its_own(remote: Remote, code: str) -> None:
    before = remote.emulator.accounts[KEY].money
    remote.emulator.fail_next = {"error_code": code, "error_message": "because"}

    reply = await done(remote, SEEDREAM, BOAT)

    assert (reply["status"], reply["errorCode"]) == ("FAILED", code)
    assert (reply["errorMessage"], reply["results"]) == ("because", None)
    assert remote.emulator.accounts[KEY].money != before


async def test_a_run_may_fail_with_a_reason_in_its_reply(remote: Remote) -> None:
    remote.emulator.fail_next = {"exception_message": "the picture is too dark"}

    reply = await done(remote, SEEDREAM, BOAT)

    assert reply["failedReason"]["exception_message"] == "the picture is too dark"


@pytest.mark.parametrize(
    ("reading", "code", "status"),
    [("ignored", 0, "RUNNING"), ("refused", 807, "RUNNING"), ("works", 0, "CANCEL")],
)
async def test_a_cancel_of_a_model_has_three_readings(
    remote: Remote, reading: Any, code: int, status: str
) -> None:
    remote.emulator.run_seconds, remote.emulator.model_cancel = 60, reading
    task_id = (await run(remote, SEEDREAM, BOAT))["taskId"]

    reply = await remote.post("/task/openapi/cancel", {"apiKey": KEY, "taskId": task_id}, **BEARER)

    assert reply["code"] == code
    query = await remote.post("/openapi/v2/query", {"taskId": task_id}, **BEARER)
    assert query["status"] == status


async def test_a_model_has_no_socket(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    task_id = (await run(remote, SEEDREAM, BOAT))["taskId"]

    reply = await remote.post("/task/openapi/outputs", {"apiKey": KEY, "taskId": task_id}, **BEARER)

    assert (reply["code"], reply["data"]) == (804, None)


# Chains


async def made_id(remote: Remote, endpoint: str, change: dict[str, Any], key: str = KEY) -> str:
    """The text of a run that gives out an id."""
    body = required_of(remote.emulator.models[endpoint], await uploads(remote)) | change
    *_, result = (await done(remote, endpoint, body, key))["results"]
    return result["text"]


async def test_an_element_is_used_by_a_number_within_json(remote: Remote) -> None:
    film = "kling-v3.0-pro/image-to-video"
    element = json.loads(await made_id(remote, "kling-elements", {"name": "cat"}))
    body = required_of(remote.emulator.models[film], await uploads(remote))

    right = await run(remote, film, body | {"elementList": [{"elementId": element["elementId"]}]})
    wrong = await run(remote, film, body | {"elementList": [{"elementId": 12345}]})

    assert isinstance(element["elementId"], int)
    assert right["errorCode"] == ""
    assert (wrong["errorCode"], "12345" in wrong["errorMessage"]) == ("1007", True)


async def test_a_face_and_its_session_go_together_into_a_film(remote: Remote) -> None:
    film = "kling-lip-sync/lip-sync-video"
    face = json.loads(await made_id(remote, "kling-lip-sync/identify-face", {}))
    voice = await made_id(remote, "kling-lip-sync/tts", {})
    body = {
        "sessionId": face["sessionId"],
        "faceId": face["faceData"][0]["faceId"],
        "audioId": voice,
        "soundStartTime": 0,
        "soundEndTime": 2000,
        "soundInsertTime": 0,
    }

    assert (await done(remote, film, body))["status"] == "SUCCESS"
    assert (await run(remote, film, body | {"audioId": "1"}))["errorCode"] == "1007"


async def test_an_upload_is_good_for_its_purpose_its_account_and_its_time(remote: Remote) -> None:
    stranger = example_key("another")
    remote.emulator.accounts[stranger] = Account(kind="SHARED", money=Decimal(9), currency="CNY")
    song, upload = "mureka-ai/mureka-v9/generate-song", "mureka-ai/files-upload"
    body = required_of(remote.emulator.models[song], await uploads(remote))

    async def code(vocal: str, key: str = KEY) -> str:
        return (await run(remote, song, body | {"vocalId": vocal}, key))["errorCode"]

    vocal = await made_id(remote, upload, {"purpose": "vocal"})
    assert await code(vocal) == ""
    assert await code(vocal, stranger) == "1007"
    assert await code(await made_id(remote, upload, {"purpose": "melody"})) == "1007"
    assert await code(await made_id(remote, "mureka-ai/vocal-clone", {})) == ""

    remote.emulator.issued_id_ttl = -1
    assert await code(await made_id(remote, upload, {"purpose": "vocal"})) == "1007"


# Faults strike here as everywhere


async def test_an_order_of_a_model_may_lose_its_reply(remote: Remote) -> None:
    remote.emulator.faults.append(Fault("/openapi/v2/seedream", "lost_reply"))

    with pytest.raises(aiohttp.ClientConnectionError):
        await run(remote, SEEDREAM, BOAT)

    assert remote.emulator.counters.orders == 1
