"""What cannot work is said in one sentence, before anything is uploaded or paid."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from rh_api.emulator import Account, Emulator, Fault, catalog
from rh_api.journal import Store
from tests.comfy.client import ComfyClient, Result
from tests.comfy.graphs import loaded, looks, mark, marked, pixels, remote, save
from tests.comfy.server import Server, running
from tests.support.graphs import node
from tests.support.service import asked

pytestmark = pytest.mark.comfy


def sentence(result: Result) -> str:
    """Why it went wrong, whether it was found before the prompt ran or after."""
    if result.outcome == "refused":
        return result.refusal
    return result.failure["exception_message"]


def nothing_was_sent(emulator: Emulator) -> bool:
    return not emulator.counters.orders and not emulator.counters.upload_bytes


WRONG_FIELDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown node": ({"99.text": "x"}, ['"99.text"', "no node 99"]),
    "unknown field": ({"6.txet": "x"}, ['"6.txet"', "Positive [CLIPTextEncode]", "text"]),
    "no node": ({"seed": 5}, ['"seed"', "3.seed"]),
    "a node's title": ({"KSampler.seed": 5}, ['"KSampler.seed"', "3.seed"]),
    "no dot": ({"3_seed": 5}, ['"3_seed"', "<nodeId>.<fieldName>"]),
    "no option": ({"max_order": 1}, ['"max_order"', "max_orders"]),
    "link": ({"3.positive": "x"}, ['"3.positive"', "Positive [CLIPTextEncode]"]),
    "type": ({"3.steps": "many"}, ['"3.steps"', "KSampler", "INT", "many"]),
    "out of range": ({"3.seed": 2**64}, ['"3.seed"', str(2**64)]),
    "choice": ({"3.sampler_name": "eulr"}, ['"3.sampler_name"', "eulr", "euler"]),
}


@pytest.mark.parametrize("case", WRONG_FIELDS)
async def test_a_wrong_field_is_named(comfyui: ComfyClient, emulator: Emulator, case: str) -> None:
    fields, words = WRONG_FIELDS[case]
    first = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, fields)})
    again = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, fields)})

    # By now the workflow's JSON is at hand.
    assert again.outcome == "refused"
    for result in (first, again):
        message = sentence(result)
        assert [word for word in words if word not in message] == [], message
    assert nothing_was_sent(emulator)


async def test_a_wrong_field_is_found_before_its_pictures_are_uploaded(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": await loaded(comfyui, pixels()),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0], "12.scale": 2}),
    }
    result = await comfyui.queue(prompt)

    assert '"12.scale"' in sentence(result)
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        ("latent", "10.image", ["10.image", "LATENT"]),
        ("nothing", "10.image", ["10.image", "nothing"]),
        ("no_pictures", "10.image", ["10.image", "no picture"]),
        ("five_channels", "10.image", ["10.image", "1 to 4 channels", "5"]),
        ("made", "12.scale_by", ["12.scale_by", "FLOAT", "VIDEO"]),
        ("sound", "10.image", ["10.image", "IMAGE", "AUDIO"]),
        ("empty", "10.image", ["10.image", "no picture"]),
        ("rgba", "12.scale_by", ["12.scale_by", "FLOAT", "IMAGE"]),
    ],
)
async def test_a_value_that_cannot_travel_is_named(
    comfyui: ComfyClient, emulator: Emulator, kind: str, field: str, words: list[str]
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind=kind, mark=mark()),
            "2": remote(catalog.INVERT, {field: ["1", 0]}),
        }
    )

    message = sentence(result)
    assert [word for word in words if word not in message] == [], message
    assert nothing_was_sent(emulator)


async def test_a_batch_above_the_limit_is_refused_with_its_count(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds3", kind="batch", mark=mark()),
            # Nine pictures, of which three are equal to others and no orders of their own.
            "2": remote(catalog.INVERT, {"10.image": ["1", 0]}, max_orders=5),
        }
    )

    message = sentence(result)
    assert "6 orders" in message
    assert "max_orders allows 5" in message
    assert "advanced inputs of the node, which its menu shows" in message  # it is hidden at first
    assert nothing_was_sent(emulator)


async def test_lists_of_different_lengths_are_refused_by_name(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    fields = {"10.image": ["1", 0], "12.scale_by": ["2", 0]}
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="pair", mark=mark()),
            "2": node("TestHolds3", kind="number", mark=mark()),
            "3": remote(catalog.INVERT, fields),
        }
    )

    assert '"10.image" 2, "12.scale_by" 3' in sentence(result)
    assert nothing_was_sent(emulator)


async def test_first_sends_the_first_of_a_batch(comfyui: ComfyClient, emulator: Emulator) -> None:
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="batch", mark=mark()),
            "2": remote(catalog.INVERT, {"10.image": ["1", 0]}, batch="first"),
            "3": looks("2", 0),
        }
    )

    assert result.outputs["3"]["text"][0].startswith("(1, 6, 7, 3)")
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("seed", [2**64 - 1, str(2**64 - 1), ["1", 0]])
async def test_a_seed_of_64_bits_arrives_exactly(
    comfyui: ComfyClient, emulator: Emulator, seed: object
) -> None:
    fields = {"3.seed": seed, "6.text": f"seed {mark()}"}
    result = await comfyui.queue(
        {
            "1": node("TestHolds", kind="big", mark=mark()),
            "2": remote(catalog.TEXT_TO_IMAGE, fields),
        }
    )

    assert result.outcome == "success", result.failure
    (task,) = emulator.tasks.values()
    assert {"nodeId": "3", "fieldName": "seed", "fieldValue": 2**64 - 1} in task.node_info


BAD_INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "blank workflow": ({"workflow": "  "}, "Which workflow?"),
    "2^53 + 1 is an id like others": ({"workflow": str(2**53 + 1)}, "no such workflow"),
    "no id": ({"workflow": "my workflow"}, "neither the id nor the link"),
    "foreign address": ({"workflow": "https://example.com/workflow/123"}, "example.com"),
    "an app's link": (
        {"workflow": "https://www.runninghub.ai/ai-detail/1900000000000000201"},
        "AI app",
    ),
    "instance": ({"instance": "huge"}, "default, plus, ultra"),
    "batch": ({"batch": "all"}, "each, first"),
    "timeout": ({"timeout": -1}, "timeout"),
    "max_orders": ({"max_orders": 0}, "max_orders"),
    "retain_seconds": ({"retain_seconds": 5}, "10 to 180"),
    "profile": ({"profile": "work"}, '"work"'),
    "unknown output": ({"outputs": "9, 77"}, "Output node 77"),
    "output twice": ({"outputs": "9 9"}, "twice"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
async def test_an_input_that_cannot_work_is_refused(
    comfyui: ComfyClient, emulator: Emulator, case: str
) -> None:
    inputs, words = BAD_INPUTS[case]
    result = await comfyui.queue(
        {"1": node("RunningHubRemoteWorkflow", **{"workflow": catalog.TEXT_TO_IMAGE} | inputs)}
    )

    assert words in sentence(result)
    assert nothing_was_sent(emulator)


@pytest.mark.parametrize("link", [["99", 0], ["1", 5], ["1", 0.5]])
async def test_a_dangling_link_is_an_ordinary_refusal_and_the_next_prompt_runs(
    comfyui: ComfyClient, link: list[Any]
) -> None:
    bad = await comfyui.submit(
        {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=mark()),
            "2": remote(catalog.INVERT, {"10.image": link}),
        }
    )
    assert bad.status == 400
    assert "2" in bad.node_errors

    good = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})
    assert good.outcome == "success"


async def test_too_many_links_are_refused_on_their_node(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    fields = {f"{number}.image": ["1", 0] for number in range(33)}
    result = await comfyui.submit(
        {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=mark()),
            "2:7": remote(catalog.INVERT, fields),
            "3": save(["1", 0]),
        }
    )

    assert result.status == 400
    assert list(result.node_errors) == ["2:7"]
    assert "33" in result.refusal
    assert nothing_was_sent(emulator)


async def test_there_is_no_lora_of_that_name(comfyui: ComfyClient) -> None:
    result = await comfyui.submit({"1": node("RHLoraUploader", lora="../../secret.safetensors")})

    assert result.status == 400
    assert "no LoRA file" in result.refusal


async def test_a_lora_that_nobody_named_is_a_missing_input(
    comfyui: ComfyClient, server: Server
) -> None:
    result = await comfyui.submit({"1": node("RHLoraUploader")})

    assert result.status == 400
    assert "Required input is missing" in result.refusal
    assert "positional argument" not in result.refusal
    assert "positional argument" not in server.said()


async def test_a_picture_that_is_too_large_is_no_order(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.upload_limit = emulator.old_upload_limit = 20_000
    result = await comfyui.queue(
        {
            "1": await loaded(comfyui, pixels((200, 200))),
            "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        }
    )

    assert "image of node 10 Load Image has 0.1 MB, too much" in sentence(result)
    assert not emulator.counters.orders


async def test_a_wrong_key_is_told_with_its_site(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.account.enabled = False
    result = await comfyui.queue({"1": remote(_unread(emulator))})

    message = sentence(result)
    assert "does not accept the API key" in message
    assert "RUNNINGHUB_BASE_URL" in message
    assert len(asked(emulator)) == 1


async def test_no_money_is_told_at_once(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.accounts[emulator.default_key] = Account(coins=0)
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    assert "balance" in sentence(result)
    assert emulator.counters.requests["/task/openapi/create"] == 1


async def test_a_failed_task_names_node_exception_message_and_task(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.fail_next = {
        "node_id": "3",
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Allocation on device",
    }
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    message = sentence(result)
    (task_id,) = emulator.tasks
    for word in ("KSampler", "OutOfMemoryError", "Allocation on device", task_id):
        assert word in message
    assert result.failure["node_id"] == "1"


async def test_a_lost_reply_is_one_order_that_may_be_running(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    assert emulator.counters.orders == 1
    assert "may be running" in sentence(result)


async def test_a_task_that_saves_nothing_says_so(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.no_outputs = True
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    (task_id,) = emulator.tasks
    assert "saved nothing" in sentence(result)
    assert task_id in sentence(result)


async def test_a_page_is_never_taken_for_a_picture(
    comfyui: ComfyClient, emulator: Emulator, server: Server
) -> None:
    emulator.faults.append(Fault("/results/", "html", value=200, count=None))
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.seed": mark()})})

    (task_id,) = emulator.tasks
    assert task_id in sentence(result)
    assert not list(server.base.rglob(f"{task_id}*"))


@pytest.mark.timeout(600)
async def test_the_other_site_is_refused_before_any_request(
    comfyui: ComfyClient, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {
        "RUNNINGHUB_BASE_URL": "https://www.runninghub.ai",
        "RUNNINGHUB_API_KEY": emulator.default_key,
        # Nothing listens there: a request would end as an error of the line.
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    with running(tmp_path_factory.mktemp("site"), environment) as server:
        async with ComfyClient(server.url) as client:
            link = "https://www.runninghub.cn/post/1900000000000000101"
            result = await client.submit({"1": remote(link)})
            sample = await client.submit({"1": remote(catalog.INVERT)})

    assert sample.status == 400
    assert "built-in emulator" in sample.refusal
    assert result.status == 400
    assert "RUNNINGHUB_BASE_URL" in result.refusal
    assert "www.runninghub.cn" in result.refusal


@pytest.mark.timeout(600)
async def test_without_a_key_the_prompt_is_refused_with_what_to_do(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": save(["2", 0]),
    }
    with running(tmp_path_factory.mktemp("no_key"), {}) as server:
        async with ComfyClient(server.url) as client:
            result = await client.submit(prompt)
            lora = await client.submit({"1": node("RHLoraUploader", lora="x")})

    assert result.status == 400
    assert "RUNNINGHUB_API_KEY" in result.refusal
    assert "sandbox" in result.refusal
    assert "RUNNINGHUB_API_KEY" in lora.refusal


@pytest.mark.timeout(600)
async def test_a_journal_of_a_newer_version_refuses_every_order(
    cloud: tuple[Emulator, str], emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("newer")
    Store.open(base / "state").close()
    with closing(sqlite3.connect(base / "state" / "orders.sqlite3")) as db:
        db.execute("PRAGMA user_version = 1000")
    environment = {
        "RUNNINGHUB_BASE_URL": cloud[1],
        "RUNNINGHUB_API_KEY": emulator.default_key,
        "RUNNINGHUB_STATE": str(base / "state"),
    }
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
        "2": node("ImageInvert", image=["1", 0]),
        "3": save(["2", 0]),
    }
    with running(base / "comfyui", environment) as server:
        async with ComfyClient(server.url) as client:
            results = [
                await client.queue({"1": remote(catalog.TEXT_TO_IMAGE)}),
                await client.queue(prompt, marked("2")),
            ]

    for result in results:
        assert "orders.sqlite3 was written by a newer version" in sentence(result)
    assert nothing_was_sent(emulator)
    assert not list((base / "state").glob("orders.newer*"))


def _unread(emulator: Emulator) -> str:
    """A workflow whose JSON nobody has at hand."""
    graph = catalog.workflows()[catalog.TEXT_TO_IMAGE].graph
    return emulator.add_workflow(graph)
