"""A whole graph as an order: written into, uploaded for, followed and kept like any other."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rh_api.client import Client, Job, LoraFile, Progress
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    BadField,
    GraphRejected,
    TaskFailed,
    Uncertain,
    WorkflowNotFound,
    WrongSite,
)
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.support.graphs import node, painting
from tests.support.jobs import picture
from tests.support.service import uploads
from tests.support.waiting import until

CREATE = "/task/openapi/create"
Graph = dict[str, dict[str, Any]]


def inverting(name: str = "here.png", title: str = "The turn") -> Graph:
    return {
        "1": node("LoadImage", image=name),
        "7:2": node("ImageInvert", title, image=["1", 0]),
        "3": node("SaveImage", images=["7:2", 0], filename_prefix="out"),
    }


def inverted(red: int = 10, name: str = "here.png", title: str = "The turn", **more: Any) -> Job:
    return Job(graph=inverting(name, title), fields={"1.image": picture(red)}, **more)


def sent(emulator: Emulator) -> list[dict[str, Any]]:
    return [entry.json for entry in emulator.journal if entry.path == CREATE]


async def test_a_graph_runs_with_its_upload_written_into_it(
    client: Client, emulator: Emulator
) -> None:
    outcome = await client.run(inverted())

    (result,) = outcome.results
    assert result.path is not None
    with Image.open(io.BytesIO(result.path.read_bytes())) as image:
        assert image.convert("RGB").getpixel((3, 3)) == (245, 235, 225)
    (body,) = sent(emulator)
    assert body["workflowId"] == catalog.INVERT
    assert "nodeInfoList" not in body
    graph = json.loads(body["workflow"])
    assert emulator.exists("uploads", graph["1"]["inputs"]["image"])
    assert graph["7:2"] == {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}


async def test_the_history_calls_a_graph_by_the_titles_that_were_given(client: Client) -> None:
    await client.run(inverted(title="Negative"))
    (past,) = (await client.history()).orders
    assert past.name == "Negative"


async def test_equal_graphs_are_one_order_whatever_files_and_nodes_are_called(
    make_client: MakeClient, emulator: Emulator
) -> None:
    await make_client().run(inverted(1, "a.png", "One"))
    again = await make_client().run(inverted(1, "b.png", "Other"))

    assert again.kept
    assert emulator.counters.orders == 1


async def test_equal_graphs_under_way_are_one_order(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 0.3
    first, second = await asyncio.gather(client.run(inverted(2)), client.run(inverted(2)))

    assert first.task_id == second.task_id
    assert emulator.counters.orders == 1


async def test_another_content_value_or_machine_is_another_order(
    client: Client, emulator: Emulator
) -> None:
    await client.run(inverted(3))
    await client.run(inverted(4))
    await client.run(inverted(3, options=TaskOptions(instance="plus")))
    changed = inverting()
    changed["3"]["inputs"]["filename_prefix"] = "elsewhere"
    await client.run(Job(graph=changed, fields={"1.image": picture(3)}))

    assert emulator.counters.orders == 4
    assert uploads(emulator) == 2


async def test_the_graph_keeps_its_seeds(client: Client, emulator: Emulator) -> None:
    graph = painting(2**64 - 1)
    await client.run(Job(graph=graph))

    (body,) = sent(emulator)
    assert json.loads(body["workflow"])["3"]["inputs"]["seed"] == 2**64 - 1


async def test_a_stopped_client_rejoins_the_running_task(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 1.0
    first = make_client()
    placed = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.params.get("task_id"):
            placed.set()

    running = asyncio.ensure_future(first.run(inverted(5), watch))
    await placed.wait()
    await first.leave()
    with pytest.raises(asyncio.CancelledError):
        await running
    outcome = await make_client().run(inverted(5))

    assert outcome.task_id in emulator.tasks
    assert emulator.counters.orders == 1


async def test_a_lost_reply_is_a_question_and_no_second_order(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(Uncertain):
        await client.run(inverted(6))
    with pytest.raises(Uncertain):
        await client.run(inverted(6))

    assert emulator.counters.orders == 1


async def test_a_named_workflow_goes_along(client: Client, emulator: Emulator) -> None:
    await client.run(inverted(7, workflow="1900000000000000102"))

    assert sent(emulator)[0]["workflowId"] == "1900000000000000102"


async def test_a_link_of_the_other_site_is_refused_without_a_request(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_BASE_URL="https://www.runninghub.ai")
    with pytest.raises(WrongSite):
        await client.run(
            inverted(7, workflow="https://www.runninghub.cn/workflow/1900000000000000102")
        )

    assert not emulator.journal


async def test_a_refused_placeholder_is_answered_with_what_to_set(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.accepts_placeholder_workflow = False
    client = make_client(RUNNINGHUB_SEGMENT_WORKFLOW="")
    with pytest.raises(WorkflowNotFound, match="RUNNINGHUB_SEGMENT_WORKFLOW") as refused:
        await client.run(inverted(8))

    assert refused.value.code == 380
    assert emulator.counters.orders == 0
    await client.run(inverted(8, workflow="1900000000000000102"))
    await make_client(RUNNINGHUB_SEGMENT_WORKFLOW="1900000000000000104").run(inverted(9))
    assert [body["workflowId"] for body in sent(emulator)] == [
        "1",
        "1900000000000000102",
        "1900000000000000104",
    ]


async def test_a_refused_graph_names_the_node_as_the_person_calls_it(
    client: Client, emulator: Emulator
) -> None:
    graph = inverting()
    graph["7:2"] = node("ImageScaleBy", "Grow", image=["1", 0], upscale_method="odd", scale_by=2.0)
    with pytest.raises(
        GraphRejected, match=r"node 7:2 Grow .*upscale_method: 'odd' not in"
    ) as caught:
        await client.run(Job(graph=graph, fields={"1.image": picture(9)}))

    assert caught.value.node_id == "7:2"
    assert emulator.counters.orders == 0


async def test_a_class_that_the_cloud_lacks_is_named_and_uploads_stay_good(
    client: Client, emulator: Emulator
) -> None:
    graph = inverting()
    graph["7:2"] = node("OnlyHere", "Mine", image=["1", 0])
    with pytest.raises(GraphRejected, match=r"node 7:2 Mine .*OnlyHere") as caught:
        await client.run(Job(graph=graph, fields={"1.image": picture(9)}))

    assert caught.value.node_id == "7:2"
    await client.run(inverted(9))
    assert uploads(emulator) == 1


@pytest.mark.parametrize("ended", [False, True], ids=["cancelled", "too late"])
async def test_an_upload_that_was_lost_is_no_reason_to_order_again_what_has_begun(
    client: Client, emulator: Emulator, *, ended: bool
) -> None:
    await client.run(inverted(14, "a.png"))
    emulator.uploads.clear()
    if ended:
        emulator.faults.append(Fault("/task/openapi/cancel", "delay", value=0.5, count=None))
    else:
        emulator.run_seconds = 30
    graph = inverting()
    graph["8"] = node("EmptyImage", width=8, height=8, batch_size=1, color=7)
    graph["9"] = node("SaveImage", images=["8", 0], filename_prefix="other")
    job = Job(graph=graph, fields={"1.image": picture(14)})
    with pytest.raises(GraphRejected, match="node 1 "):
        await client.run(job)
    assert emulator.counters.orders == 2
    emulator.run_seconds = 0.05
    await client.run(job)
    assert uploads(emulator) == 2
    assert emulator.counters.orders == 3


async def test_a_graph_that_runs_only_in_part_is_cancelled(
    client: Client, emulator: Emulator
) -> None:
    graph = inverting()
    graph["8"] = node("ImageScaleBy", "Grow", image=["1", 0], upscale_method="odd", scale_by=2.0)
    graph["9"] = node("SaveImage", images=["8", 0], filename_prefix="other")
    with pytest.raises(GraphRejected, match="node 8 Grow") as caught:
        await client.run(Job(graph=graph, fields={"1.image": picture(11)}))

    assert caught.value.node_id == "8"
    await client.close()
    assert emulator.counters.cancels == 1


async def test_the_results_of_a_graph_that_ran_in_part_are_not_those_of_the_order(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client()
    emulator.faults.append(Fault("/task/openapi/cancel", "delay", value=0.5, count=None))
    graph = inverting()
    graph["8"] = node("ImageScaleBy", "Grow", image=["1", 0], upscale_method="odd", scale_by=2.0)
    graph["9"] = node("SaveImage", images=["8", 0], filename_prefix="other")
    job = Job(graph=graph, fields={"1.image": picture(11)})
    with pytest.raises(GraphRejected, match="node 8 Grow"):
        await client.run(job)
    (task_id,) = emulator.tasks
    await client.close()

    client = make_client()
    part = await client.task(task_id).wait()

    assert part.results
    with pytest.raises(GraphRejected, match="node 8 Grow"):
        await client.run(job)
    assert emulator.counters.orders == 2


async def test_a_failing_node_is_named(client: Client, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "7:2", "exception_message": "out of memory"}
    with pytest.raises(TaskFailed, match=r"node 7:2 The turn .*out of memory") as failed:
        await client.run(inverted(12))

    assert failed.value.node_id == "7:2"


async def test_a_local_lora_goes_up_once_and_gets_its_name_into_both_fields(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    lora = tmp_path / "style.safetensors"
    lora.write_bytes(os.urandom(1000))
    graph = painting(3)
    graph["20"] = node(
        "RHLoraLoader",
        model=["4", 0],
        clip=["4", 1],
        file_name="",
        lora_name="",
        strength_model=0.5,
        strength_clip=0.25,
    )
    graph["3"]["inputs"]["model"] = ["20", 0]
    fields = {"20.file_name": LoraFile(lora), "20.lora_name": LoraFile(lora)}
    await make_client().run(Job(graph=graph, fields=fields))
    again = await make_client().run(Job(graph=graph, fields=fields))

    inputs = json.loads(sent(emulator)[0]["workflow"])["20"]["inputs"]
    assert inputs["file_name"] == inputs["lora_name"]
    assert emulator.exists("uploaded_loras", inputs["file_name"])
    assert emulator.counters.put_bytes == 1000
    assert again.kept


async def test_a_field_that_the_graph_lacks_is_refused_before_any_request(
    client: Client, emulator: Emulator
) -> None:
    with pytest.raises(BadField, match="5"):
        await client.run(Job(graph=inverting(), fields={"5.image": picture()}))

    assert not emulator.journal


async def test_news_carry_the_ids_and_titles_of_the_graph(
    client: Client, emulator: Emulator
) -> None:
    emulator.hold_at = "7:2"
    news: list[Progress] = []
    run = asyncio.create_task(client.run(inverted(13), news.append))
    turn = ("7:2", "The turn")
    await until(lambda: turn in {(step.node_id, step.params.get("node")) for step in news})
    emulator.hold_at = None
    await run
