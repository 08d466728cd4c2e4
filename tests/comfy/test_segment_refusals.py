"""What cannot run as it is marked is refused by name, and nothing of it runs or is paid."""

from __future__ import annotations

from typing import Any

import pytest

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient
from tests.comfy.graphs import (
    Prompt,
    flip,
    invert,
    loaded,
    mark,
    marked,
    pixels,
    remote,
    save,
    turning,
    whole_video,
)
from tests.comfy.page import Page
from tests.comfy.server import Server, running
from tests.support.graphs import node, painting
from tests.support.pictures import png
from tests.support.service import asked

pytestmark = pytest.mark.comfy


async def test_a_model_that_the_cloud_does_not_list_is_refused_on_request(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = painting(mark())
    prompt["4"]["inputs"]["ckpt_name"] = "exampel_model.safetensors"
    strict = marked(*prompt)
    strict["runninghub"]["models"] = "strict"
    result = await comfyui.queue(prompt, strict)

    assert result.status == 400
    assert "exampel_model.safetensors" in result.refusal
    assert "example_model.safetensors" in result.refusal
    assert emulator.counters.orders == 0


async def test_a_model_that_the_cloud_does_not_list_is_told_on_its_node_and_runs(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = painting(mark())
    (prompt["4"]["inputs"]["ckpt_name"],) = catalog.UNLISTED
    result = await comfyui.queue(prompt, marked(*prompt))

    assert result.outcome == "success", result.refusal or result.failure
    texts = [text for node_id in prompt for text in result.texts(node_id)]
    assert any(f'does not list a model "{catalog.UNLISTED[0]}"' in text for text in texts)
    assert emulator.counters.orders == 1


async def test_a_model_that_the_cloud_does_not_have_is_told_with_the_nearest_when_it_is_refused(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = painting(mark())
    prompt["4"]["inputs"]["ckpt_name"] = "exampel_model.safetensors"
    result = await comfyui.queue(prompt, marked(*prompt))

    assert "exampel_model.safetensors" in result.failure["exception_message"]
    assert "Nearest: example_model.safetensors" in result.failure["exception_message"]
    texts = [text for node_id in prompt for text in result.texts(node_id)]
    assert any("Nearest: example_model.safetensors" in text for text in texts)
    assert emulator.counters.orders == 0


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("cfg", 100.5), ("seed", -1)])
async def test_a_number_that_the_class_here_does_not_take_is_refused_before_anything_goes_up(
    comfyui: ComfyClient, emulator: Emulator, name: str, value: float
) -> None:
    prompt = painting(mark())
    prompt["3"]["inputs"][name] = value
    result = await comfyui.queue(prompt, marked(*prompt))

    assert result.status == 400
    assert set(result.node_errors) == {"3"}
    assert f'"{name}" of node 3' in result.refusal
    assert not asked(emulator)


async def test_a_missing_file_is_refused_on_its_loader(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    (server.base / "secret.png").write_bytes(png(pixels()))
    for name in ("not_there.png", "../secret.png", str(server.base / "secret.png")):
        prompt = {"1": node("LoadImage", image=name), "2": invert(["1", 0]), "3": save(["2", 0])}
        result = await comfyui.queue(prompt, marked("1", "2"))

        assert result.status == 400
        assert set(result.node_errors) == {"1"}
        assert name in result.refusal
    assert not asked(emulator)


async def test_a_file_that_is_no_media_is_not_sent(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    name = f"secret_{mark()}.json"
    (server.base / "input" / name).write_text('{"key": "private"}')
    prompt = {"1": node("LoadImage", image=name), "2": invert(["1", 0]), "3": save(["2", 0])}
    result = await comfyui.submit(prompt, marked("1", "2"))

    assert result.status == 400
    assert set(result.node_errors) == {"1"}
    assert f'"{name}" is not a picture, sound or video' in result.refusal
    assert not asked(emulator)


@pytest.mark.parametrize("prefix", ["../../x", "/elsewhere/x", "a/../../x", "x" * 300, "a\0b"])
async def test_a_prefix_that_nothing_can_be_saved_under_is_refused_before_it_is_paid(
    comfyui: ComfyClient, emulator: Emulator, prefix: str
) -> None:
    prompt = await turning(comfyui, pixels())
    prompt["3"]["inputs"]["filename_prefix"] = prefix
    result = await comfyui.submit(prompt, marked("2", "3"))

    assert result.status == 400
    assert set(result.node_errors) == {"3"}
    assert "leads out of the output folder, is too long" in result.refusal
    assert emulator.counters.orders == 0


async def test_nothing_runs_when_a_mark_cannot_be_followed(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = await loaded(comfyui, pixels())
    prompt = {
        "1": picture,
        "2": invert(["1", 0]),
        "3": save(["2", 0]),
        "4": save(["1", 0]),
        "5": node("TestBlocks", seconds=0.0, mark=mark()),
        "6": node("TestLooks", value=["5", 0]),
    }
    result = await comfyui.queue(prompt, marked("2", "99"))
    assert result.status == 400
    assert "99" in result.refusal

    result = await comfyui.queue(prompt, {"runninghub": {"segments": "nonsense"}})
    assert result.status == 400
    assert not asked(emulator)


async def test_a_list_is_refused_before_anything_is_paid(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": node("TestHolds", kind="batch", mark=mark()),
        "2": node("RebatchImages", images=["1", 0], batch_size=1),
        "3": invert(["2", 0]),
        "4": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("3", "4", only=True))

    assert result.status == 400
    assert "IMAGE[] cannot cross between node 2 (RebatchImages) and node 3" in result.refusal
    assert emulator.counters.orders == 0


async def test_several_items_of_a_cloud_workflow_are_refused_before_the_segment_is_paid(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": node("TestHolds3", kind="sized", mark=mark()),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": flip(["2", 0]),
        "4": save(["3", 0]),
    }
    result = await comfyui.queue(prompt, marked("3"))

    assert result.outcome == "error", result.refusal
    assert "3 items came as a list" in result.failure["exception_message"]
    # The workflow's own three.
    assert emulator.counters.orders == 3


async def test_a_segment_of_a_shared_prompt_reads_no_file_outside(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    (server.base / "secret.png").write_bytes(png(pixels()))
    prompt = {
        "1": node("LoadImage", image=f"fine_{mark()}.png"),
        "2": invert(["1", 0]),
        "3": save(["2", 0]),
    }
    (server.base / "input" / prompt["1"]["inputs"]["image"]).write_bytes(png(pixels()))
    result = await comfyui.queue(prompt, marked("1", "2"))
    sent = result.history["prompt"][2]
    # What a program could send instead of marks: our own node, with a name of its choice.
    segment = next(key for key, entry in sent.items() if entry["class_type"] == "RunningHubSegment")
    text = sent[segment]["inputs"]["segment"]
    orders = emulator.counters.orders
    sent[segment]["inputs"]["segment"] = text.replace(
        prompt["1"]["inputs"]["image"], "../secret.png"
    )
    forged = await comfyui.queue(sent)

    assert forged.status == 400
    assert "secret.png" in forged.refusal
    assert emulator.counters.orders == orders
    sent[segment]["inputs"]["segment"] = "{}"
    assert (await comfyui.queue(sent)).status == 400


@pytest.mark.timeout(600)
async def test_without_a_key_nothing_runs_and_a_marked_node_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": invert(["1", 0]),
        "3": save(["2", 0]),
    }
    properties = {"runninghub": {"segment": "a"}}
    workflow = {"nodes": [{"id": 2, "type": "ImageInvert", "properties": properties}]}
    with running(tmp_path_factory.mktemp("no_key"), {}) as server:
        async with ComfyClient(server.url) as client, Page(server.url) as page:
            by_program = await client.submit(prompt, marked("2"))
            by_canvas = await client.submit(prompt, {"extra_pnginfo": {"workflow": workflow}})
            explained = await page.post("explain", prompt=prompt, extra_data=marked("2"))
            history = await client.get("/history")

    for result in (by_program, by_canvas):
        assert result.status == 400
        assert set(result.node_errors) == {"2"}
        assert "Enter a key" in result.refusal
        assert "locally" in result.refusal
    assert (explained["refused"]["id"], explained["refused"]["hint"]) == ("2", "no_key")
    assert history == {}


INVERTING = {"2": invert(["1", 0]), "3": save(["2", 0])}
DRAWING = {
    "2": node("EmptyImage", width=["1", 0], height=8, batch_size=1, color=0),
    "3": save(["2", 0]),
}
FILMING = {
    "2": whole_video(["1", 0]),
    "3": node("SaveVideo", video=["2", 0], filename_prefix="v", format="auto", codec="auto"),
}


@pytest.mark.parametrize(
    ("kind", "readers", "reason"),
    [
        ("latent", INVERTING, "image of node 2 takes IMAGE in the cloud, but dict came"),
        ("nothing", INVERTING, "image of node 2 takes IMAGE in the cloud, but nothing came"),
        ("text", DRAWING, "width of node 2 takes INT in the cloud, but str came"),
        pytest.param(
            "made",
            FILMING,
            "video for input video of node 2 is made of pictures",
            marks=pytest.mark.since("0.14.1"),
        ),
    ],
)
async def test_a_value_that_is_not_what_its_link_promised_is_refused_before_it_is_paid(
    comfyui: ComfyClient, emulator: Emulator, kind: str, readers: Prompt, reason: str
) -> None:
    prompt = {"1": node("TestHolds", kind=kind, mark=mark()), **readers}
    result = await comfyui.queue(prompt, marked("2"))

    assert result.outcome == "error", result.refusal
    assert reason in result.failure["exception_message"]
    assert emulator.counters.orders == 0
    assert emulator.counters.upload_bytes == 0


async def test_a_class_that_only_this_machine_has_is_named_on_its_twin(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = await turning(comfyui, pixels())
    prompt["7:2"] = {**node("TestInverts", image=["1", 0]), "_meta": {"title": "Mine"}}
    prompt["2"]["inputs"]["image"] = ["7:2", 0]
    result = await comfyui.queue(prompt, marked("2", "7"))

    assert "node 7:2 Mine" in result.failure["exception_message"]
    assert "TestInverts" in result.failure["exception_message"]
    (failure,) = [event.data for event in result.events if event.type == "runninghub.failed"]
    assert (failure["segment"], failure["node"]) == ("2", "7:2")
    assert emulator.counters.orders == 0


async def test_two_hundred_megabytes_are_more_than_goes_up(
    comfyui: ComfyClient, server: Server, emulator: Emulator
) -> None:
    path = server.base / "input" / f"long_{mark()}.mp4"
    with path.open("wb") as film:
        film.truncate(200 * 1024 * 1024)
    prompt = {
        "1": node("LoadVideo", file=path.name),
        "2": node("SaveVideo", video=["1", 0], filename_prefix="v", format="auto", codec="auto"),
    }
    result = await comfyui.queue(prompt, marked("1", "2"))
    path.unlink()

    message = result.failure["exception_message"]
    assert "file of node 1 LoadVideo has 209.7 MB, too much for RunningHub" in message
    assert emulator.counters.orders == 0


async def test_a_task_that_made_nothing_says_what_is_missing(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.no_outputs = True
    result = await comfyui.queue(await turning(comfyui, pixels()), marked("2"))

    assert result.outcome == "error", result.refusal
    assert (
        "none of its nodes gave a result that can come back" in result.failure["exception_message"]
    )
    assert result.outputs == {}
    assert emulator.counters.orders == 1


async def test_results_whose_names_are_not_those_of_the_border_are_not_taken_for_its_own(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.outputs_node_id = False
    emulator.faults.append(Fault("/openapi/v2/query", "code", value=404))
    emulator.result_name = "other_00001_.png"
    picture = png(pixels())
    emulator.faults.append(Fault("/results/", "body", None, picture, content_type="image/png"))
    result = await comfyui.queue(await turning(comfyui, pixels()), marked("2"))

    assert "it returned no result of node 2 (ImageInvert)" in result.failure["exception_message"]
    assert result.outputs == {}


@pytest.mark.parametrize("workflow", [[], True, {"id": 1}])
async def test_a_workflow_that_is_no_id_is_refused(
    comfyui: ComfyClient, emulator: Emulator, workflow: object
) -> None:
    wish = {**marked("2")["runninghub"], "workflow": workflow}
    result = await comfyui.queue(await turning(comfyui, pixels()), {"runninghub": wish})

    assert result.status == 400
    assert "extra_data.runninghub.workflow" in result.refusal
    assert not asked(emulator)


@pytest.mark.parametrize("damage", [{"2": None}, {"2": {"segment": "{}"}}, {"2": {"segment": 5}}])
async def test_a_part_that_another_pack_damaged_after_us_runs_nowhere(
    comfyui: ComfyClient, emulator: Emulator, damage: dict[str, Any]
) -> None:
    prompt = await turning(comfyui, pixels())
    result = await comfyui.queue(prompt, {**marked("2"), "tests": {"after": damage}})

    assert result.status == 400
    assert set(result.node_errors) <= {"2", "3"}
    assert not asked(emulator)
