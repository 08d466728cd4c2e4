"""Orders under way in a real ComfyUI: side by side, stopped, watched."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
from PIL import Image

from rh_api.emulator import Emulator, Fault, catalog
from tests.comfy.client import ComfyClient, Event
from tests.comfy.graphs import loaded, looks, mark, pixels, remote, save
from tests.comfy.server import Server
from tests.support.graphs import node
from tests.support.service import CREATE, Meanwhile
from tests.support.waiting import until

pytestmark = pytest.mark.comfy


def is_running(emulator: Emulator) -> bool:
    return any(task.status == "RUNNING" for task in emulator.tasks.values())


def new_picture() -> dict[str, object]:
    return {"3.seed": mark()}


async def all_running(emulator: Emulator, count: int) -> None:
    """Waits until so many tasks run at once, which `hold_at` has kept there,
    and lets them go on."""

    def now() -> int:
        return sum(task.status == "RUNNING" for task in emulator.tasks.values())

    await until(lambda: now() == count, 30)
    emulator.hold_at = None


async def test_cloud_nodes_overlap(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.hold_at = "3"
    prompt = {str(n): remote(catalog.TEXT_TO_IMAGE, new_picture()) for n in range(3)}
    queued = await comfyui.submit(prompt)
    await all_running(emulator, 3)
    result = await comfyui.finish(queued)

    assert result.outcome == "success"
    assert emulator.counters.orders == 3


@pytest.mark.parametrize("switch", [True, False])
async def test_a_branch_that_a_switch_leaves_out_is_not_paid(
    comfyui: ComfyClient, emulator: Emulator, switch: bool
) -> None:
    seeds = new_picture(), new_picture()
    prompt = {str(n): remote(catalog.TEXT_TO_IMAGE, seed) for n, seed in enumerate(seeds)}
    prompt["2"] = node("ComfySwitchNode", switch=switch, on_true=["0", 0], on_false=["1", 0])
    result = await comfyui.queue({**prompt, "3": save(["2", 0])})

    assert result.outcome == "success"
    (task,) = emulator.tasks.values()
    (seed,) = [field["fieldValue"] for field in task.node_info if field["fieldName"] == "seed"]
    assert seed == seeds[not switch]["3.seed"]


@pytest.mark.parametrize("select", [1, 2])
async def test_a_branch_that_a_growing_switch_leaves_out_is_not_paid(
    comfyui: ComfyClient, emulator: Emulator, select: int
) -> None:
    seeds = new_picture(), new_picture()
    prompt = {str(n): remote(catalog.TEXT_TO_IMAGE, seed) for n, seed in enumerate(seeds)}
    prompt["2"] = node("TestPicks", select=select, input1=["0", 0], input2=["1", 0])
    result = await comfyui.queue({**prompt, "3": save(["2", 0])})

    assert result.outcome == "success"
    (task,) = emulator.tasks.values()
    (seed,) = [field["fieldValue"] for field in task.node_info if field["fieldName"] == "seed"]
    assert seed == seeds[select - 1]["3.seed"]


async def test_more_nodes_than_the_account_may_run_wait_their_turn(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    prompt = {str(n): remote(catalog.TEXT_TO_IMAGE, new_picture()) for n in range(5)}
    queued = await comfyui.submit(prompt)
    await comfyui.event(
        lambda event: (
            event.type == "progress_text"
            and event.data["text"].startswith("waiting for a free slot (3 of 3 used)")
        )
    )
    await all_running(emulator, 3)
    result = await comfyui.finish(queued)

    assert result.outcome == "success"
    assert emulator.counters.orders == 5


async def test_a_turn_of_a_loop_is_told_at_the_node_that_the_page_has(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    picture = node("EmptyImage", width=64, height=64, batch_size=1, color=mark())
    turns = node("TestTurns", workflow=catalog.IMAGE_TO_IMAGE, picture=["1", 0])
    result = await comfyui.queue({"1": picture, "2": turns, "3": looks("2", 0)})

    assert result.outcome == "success", result.failure
    assert emulator.counters.orders == 1
    told = [event.data["node"] for event in result.events if event.type == "progress_text"]
    ended = [event.data["node"] for event in result.events if event.type == "runninghub.ended"]
    assert (set(told), ended) == ({"2"}, ["2"])


async def test_seconds_that_pass_send_the_page_no_state_of_all_nodes(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    prompt = {str(n): remote(catalog.TEXT_TO_IMAGE, new_picture()) for n in range(6)}
    queued = await comfyui.submit(prompt)

    def at(seconds: int) -> Callable[[Event], bool]:
        line = f"waiting for a free slot (3 of 3 used) · {seconds} s"
        return lambda event: event.type == "progress_text" and event.data["text"] == line

    begin = comfyui.events.index(await comfyui.event(at(1)))
    end = comfyui.events.index(await comfyui.event(at(3)))
    states = [e for e in comfyui.events[begin:end] if e.type == "progress_state"]
    emulator.hold_at = None
    result = await comfyui.finish(queued)

    assert result.outcome == "success"
    assert not states


async def test_a_cloud_node_and_a_blocking_local_node_run_side_by_side(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    queued = await comfyui.submit(
        {
            "1": remote(catalog.TEXT_TO_IMAGE, new_picture()),
            "2": node("TestBlocks", seconds=4.0, mark=mark()),
            "3": looks("2", 0),
        }
    )
    await until(lambda: [task.status for task in emulator.tasks.values()] == ["SUCCESS"])
    assert not any(e.type == "executing" and e.data["node"] == "3" for e in comfyui.events)
    result = await comfyui.finish(queued)

    assert result.outcome == "success"
    assert set(result.outputs) == {"1", "3"}


async def test_equal_nodes_of_one_prompt_are_one_order(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    fields = new_picture()
    prompt = {
        "1": remote(catalog.TEXT_TO_IMAGE, fields),
        # A left-out input and its default are one order.
        "2": remote(catalog.TEXT_TO_IMAGE, fields, instance="default", timeout=0),
        "3": looks("1", 6),
        "4": looks("2", 6),
    }
    result = await comfyui.queue(prompt)

    assert emulator.counters.orders == 1
    assert result.outputs["3"]["text"] == result.outputs["4"]["text"]
    texts = [result.outputs[node_id]["text"][0] for node_id in ("1", "2")]
    assert sum("1 coin" in text for text in texts) == 1
    assert sum(text.startswith("done together with an identical node") for text in texts) == 1


async def test_a_number_beyond_its_class_here_is_ordered_with_a_word_on_the_node(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    graph = {"1": node("PrimitiveInt", value=0), "2": node("PreviewAny", source=["1", 0])}
    workflow = emulator.add_workflow(graph)
    result = await comfyui.queue({"1": remote(workflow, {"1.value": 2**64 - 1})})

    assert result.outcome == "success", result.refusal or result.failure
    _, *words = result.outputs["1"]["text"]
    assert any("1.value" in text and "the class here takes" in text for text in words)
    assert emulator.counters.orders == 1


async def test_equal_nodes_with_reroll_seeds_are_two_orders(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    text = {"6.text": f"twins {mark()}"}
    prompt = {n: remote(catalog.TEXT_TO_IMAGE, text, reroll_seeds=True) for n in "12"}
    await comfyui.queue(prompt)

    assert emulator.counters.orders == 2


async def test_stop_ends_the_prompt_at_once_and_the_task_in_the_cloud(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 20
    prompt = {n: remote(catalog.TEXT_TO_IMAGE, new_picture()) for n in "12"}
    queued = await comfyui.submit(prompt)
    await until(lambda: len(emulator.tasks) == 2 and is_running(emulator), 10)

    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)
    assert emulator.counters.cancels == 2


async def test_stop_reaches_the_cloud_while_a_local_node_blocks(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 20
    prompt = {
        "1": remote(catalog.TEXT_TO_IMAGE, new_picture()),
        "2": node("TestBlocks", seconds=3.0, mark=mark()),
        "3": looks("2", 0),
    }
    queued = await comfyui.submit(prompt)
    await until(lambda: is_running(emulator), 10)

    await comfyui.interrupt(queued.prompt_id)
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"


async def test_a_prompt_that_follows_a_stopped_one_runs(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 20
    prompt = {"1": remote(catalog.TEXT_TO_IMAGE, new_picture())}
    queued = await comfyui.submit(prompt)
    await until(lambda: is_running(emulator), 10)
    await comfyui.interrupt(queued.prompt_id)
    await comfyui.finish(queued)

    emulator.run_seconds = 0.2
    result = await comfyui.queue(prompt)
    assert result.outcome == "success"
    assert emulator.counters.orders == 2


@pytest.mark.parametrize(
    "way",
    [
        ComfyClient.delete,
        pytest.param(ComfyClient.cancel_job, marks=pytest.mark.since("0.26.0")),
    ],
)
async def test_a_queue_item_that_is_deleted_orders_nothing(
    comfyui: ComfyClient, emulator: Emulator, way: Callable[[ComfyClient, str], Awaitable[None]]
) -> None:
    emulator.hold_at = "3"  # the sampler of what runs
    first, second = [
        await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())}) for _ in range(2)
    ]
    await until(lambda: is_running(emulator), 10)
    await way(comfyui, second.prompt_id)
    emulator.hold_at = None
    assert (await comfyui.finish(first)).outcome == "success"

    behind = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})
    assert behind.outcome == "success"
    assert emulator.counters.orders == 2


@pytest.mark.since("0.26.0")
async def test_a_running_job_that_is_cancelled_in_the_list_ends_in_the_cloud(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    queued = await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})
    await until(lambda: is_running(emulator), 10)
    await comfyui.cancel_job(queued.prompt_id)
    assert (await comfyui.finish(queued)).outcome == "interrupted"
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)


@pytest.mark.parametrize("nested", [False, True])
async def test_a_failing_neighbour_ends_the_task_in_the_cloud(
    comfyui: ComfyClient, emulator: Emulator, nested: bool
) -> None:
    emulator.run_seconds = 20
    if nested:
        await comfyui.queue({"1": node("TestLeaves", seconds=0.0, mark=mark()), "2": looks("1", 0)})
    queued = await comfyui.submit(
        {
            "1": remote(catalog.TEXT_TO_IMAGE, new_picture()),
            "2": node("TestFails", seconds=1.0, mark=mark()),
        }
    )
    await until(lambda: is_running(emulator), 10)
    result = await comfyui.finish(queued)

    assert result.failure["node_id"] == "2"
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)


async def test_a_time_limit_ends_the_task_in_the_cloud(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 20
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture(), timeout=1)})

    assert "longer than 1 s" in result.failure["exception_message"]
    await until(lambda: all(task.status == "CANCEL" for task in emulator.tasks.values()), 2)


async def test_the_node_tells_what_its_order_is_doing(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.queue_seconds, emulator.run_seconds, emulator.queue_when_full = 0.5, 2.5, True
    slow = Fault("/openapi/v2/media/upload/binary", "slow_read", value=400_000, count=None)
    emulator.faults.append(slow)
    prompt = {
        "1": await loaded(comfyui, pixels((400, 300))),
        "2": remote(catalog.INPAINT, {"4.image": ["1", 0], "5.image": ["1", 1], "8.seed": mark()}),
    }
    result = await comfyui.queue(prompt)

    assert result.outcome == "success", result.failure
    lines = result.texts("2")
    for start in ("uploading", "running KSampler", "done in "):
        assert any(line.startswith(start) for line in lines), "|".join(lines)
    assert any(line.endswith("· 1 s") for line in lines), "|".join(lines)
    bars = [
        event.data["nodes"]["2"]["value"] / event.data["nodes"]["2"]["max"]
        for event in result.events
        if event.type == "progress_state" and "2" in event.data["nodes"]
    ]
    assert bars == sorted(bars)
    assert max(bar for bar in bars if bar < 1) > 0.2


async def test_the_samplers_preview_is_shown(comfyui: ComfyClient, emulator: Emulator) -> None:
    emulator.run_seconds = 1.0
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})

    previews = [event.data for event in result.events if event.type == "preview"]
    assert previews
    assert {preview["node"] for preview in previews} == {"1"}
    with Image.open(io.BytesIO(previews[-1]["bytes"])) as picture:
        picture.load()


@pytest.mark.parametrize("segments", [[], [{"nodes": ["2"]}]], ids=["node", "segment"])
async def test_what_names_no_page_shows_on_none(
    comfyui: ComfyClient, emulator: Emulator, segments: list[dict[str, object]]
) -> None:
    """A program's prompt, whose node ids are other nodes on a page that is open."""
    emulator.run_seconds = 1.0
    emulator.fail_next = {"node_id": "2", "exception_message": "not today"}
    start = time.monotonic()
    async with ComfyClient(comfyui.url) as program:
        program.client_id = None
        cloud_node = remote(catalog.INVERT, {"10.image": ["1", 0]})
        prompt = {
            "1": await loaded(comfyui, pixels()),
            "2": node("ImageInvert", image=["1", 0]) if segments else cloud_node,
            "3": save(["2", 0]),
        }
        await program.submit(prompt, {"runninghub": {"segments": segments}})
        await comfyui.event(
            lambda event: (
                event.type == "status"
                and event.at > start
                and event.data["status"]["exec_info"]["queue_remaining"] == 0
                and emulator.counters.orders == 1
            )
        )

    shown = {event.type for event in comfyui.events if event.at > start}
    assert not shown & {"progress_text", "preview", "runninghub.ended", "runninghub.failed"}
    assert emulator.fail_next is None


@pytest.mark.parametrize("socket", ["none", "refused", "silent", "dying", "lying", "foreign"])
async def test_a_bad_socket_costs_only_smoothness(
    comfyui: ComfyClient, emulator: Emulator, socket: str
) -> None:
    emulator.socket = socket
    result = await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})

    assert result.outcome == "success"


async def test_a_field_that_the_workflow_got_since_is_found(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    canvas = node("EmptyImage", width=32, height=32, batch_size=1, color=0)
    graph = {"1": canvas, "2": node("SaveImage", images=["1", 0], filename_prefix="a")}
    workflow_id = emulator.add_workflow(graph)
    first = await comfyui.queue({"1": remote(workflow_id, {"1.color": mark()})})
    assert first.outcome == "success"

    # The copy at hand does not have these nodes: it is read again before that is an error.
    added = {"30": canvas, "31": node("SaveImage", images=["30", 0], filename_prefix="b")}
    emulator.workflows[workflow_id].graph = {**graph, **added}
    second = await comfyui.queue({"1": remote(workflow_id, {"30.color": mark()}, outputs="31")})
    assert second.outcome == "success", second.refusal


async def test_a_workflow_that_was_saved_anew_is_run_anew(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    canvas = node("EmptyImage", width=32, height=32, batch_size=1, color=0)
    graph = {"1": canvas, "2": node("SaveImage", images=["1", 0], filename_prefix="a")}
    workflow_id = emulator.add_workflow(graph)
    prompt = {"1": remote(workflow_id, {"1.color": mark()})}
    await comfyui.queue(prompt)
    await comfyui.queue(prompt)
    assert emulator.counters.orders == 1

    emulator.workflows[workflow_id].graph = {**graph, "9": {**canvas, "_meta": {"title": "new"}}}
    # An output that the copy at hand lacks lets the change be seen before ten minutes are over.
    await comfyui.queue({"1": remote(workflow_id, {"1.color": mark()}, outputs="9")})
    orders = emulator.counters.orders
    await comfyui.queue(prompt)
    assert emulator.counters.orders == orders + 1


async def end_of(comfyui: ComfyClient, node_id: str) -> str:
    """What the node says once its run is over."""
    end = await comfyui.event(
        lambda event: event.type == "runninghub.ended" and event.data["node"] == node_id
    )
    return end.data["line"]["en"]


async def test_stop_during_an_upload_leaves_no_order(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/openapi/v2/media/upload/binary", "slow_read", value=20_000))
    prompt = {
        "1": await loaded(comfyui, pixels((400, 300))),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
    }
    queued = await comfyui.submit(prompt)
    await until(lambda: emulator.faults[0].struck == 1, 10)

    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"
    assert await end_of(comfyui, "2") == "stopped · nothing was ordered"

    emulator.faults.clear()
    again = await comfyui.queue(prompt)
    assert again.outcome == "success"
    assert emulator.counters.orders == 1


async def test_stop_during_a_download_says_that_the_result_is_paid(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    drip = Fault("/results/", "drip", value=2_000, count=None)
    emulator.faults.append(drip)
    prompt = {"1": remote(catalog.TEXT_TO_IMAGE, new_picture())}
    for runs in (1, 2):  # the second one fetches what the first one ordered
        queued = await comfyui.submit(prompt)
        await until(lambda runs=runs: drip.struck == runs, 20)
        await comfyui.interrupt(queued.prompt_id)
        assert (await comfyui.finish(queued)).outcome == "interrupted"
        ending = (
            "run the same inputs and seed within a day to get its results free, "
            "unless reroll_seeds is on · 1 coin"
        )
        assert (await end_of(comfyui, "1")).endswith(ending)

    emulator.faults.clear()
    assert (await comfyui.queue(prompt)).outcome == "success"
    assert emulator.counters.orders == 1


async def test_stop_while_others_fill_the_account_leaves_no_order(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.foreign_tasks = 3
    queued = await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})
    waiting = await comfyui.event(
        lambda event: event.type == "progress_text" and "other tasks" in event.data["text"]
    )
    assert waiting.data["node"] == "1"

    await comfyui.interrupt(queued.prompt_id)
    result = await comfyui.finish(queued)
    assert result.outcome == "interrupted"
    assert await end_of(comfyui, "1") == "stopped · nothing was ordered"
    assert not emulator.counters.orders


async def test_the_key_is_nowhere(comfyui: ComfyClient, emulator: Emulator, server: Server) -> None:
    good = {
        "1": await loaded(comfyui, pixels()),
        "2": remote(catalog.INVERT, {"10.image": ["1", 0]}),
        "3": save(["2", 0]),
    }
    emulator.fail_next = {"node_id": "13", "exception_type": "E", "exception_message": "m"}
    results = [await comfyui.queue(good), await comfyui.queue(good)]
    assert [result.outcome for result in results] == ["error", "success"]
    results.append(await comfyui.queue({"1": remote("no id")}))
    results.append(await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, {"3.nothing": 1})}))
    for kind in ("lost_reply", "html", "reset", "redirect"):
        emulator.faults.append(Fault("/task/openapi/create", kind, value=502))
        results.append(await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())}))
    emulator.account.enabled = False
    results.append(await comfyui.queue({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())}))

    key = emulator.default_key
    assert key not in str(results) + str(comfyui.events)
    for path in ("/history", "/queue", "/api/jobs", "/object_info"):
        assert key not in str(await comfyui.get(path))
    files = [path for path in server.base.rglob("*") if path.is_file()]
    holding = [path for path in files if key.encode() in path.read_bytes()]
    # The emulator, which is a part of the pack, has the key that it takes.
    assert {path.relative_to(server.pack).parts[:2] for path in holding} == {("rh_api", "emulator")}
    assert not emulator.counters.keys_misplaced


async def test_a_program_may_ask_for_a_new_order_of_equal_inputs(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    prompt = {
        "1": remote(
            catalog.TEXT_TO_IMAGE, {"6.text": f"again {mark()}", "5.width": 64, "5.height": 64}
        )
    }
    assert (await comfyui.queue(prompt)).outcome == "success"
    assert (await comfyui.queue(prompt)).outcome == "success"
    assert emulator.counters.orders == 1
    extra = {"runninghub": {"again": ["1"]}}
    for orders in (2, 3):
        assert (await comfyui.queue(prompt, extra)).outcome == "success"
        assert emulator.counters.orders == orders


async def test_after_a_lost_reply_a_program_decides_to_send_again(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    prompt = {
        "1": remote(
            catalog.TEXT_TO_IMAGE, {"6.text": f"lost {mark()}", "5.width": 64, "5.height": 64}
        )
    }
    for _ in range(2):  # the second one is not ordered: it is a question
        assert (await comfyui.queue(prompt)).outcome == "error"
    assert emulator.counters.orders == 1
    extra = {"runninghub": {"again": ["1"]}}
    assert (await comfyui.queue(prompt, extra)).outcome == "success"
    assert emulator.counters.orders == 2


async def test_stop_while_no_reply_comes_says_how_to_settle_the_order(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    arrived = threading.Event()
    emulator.faults += [Meanwhile(CREATE, arrived.set), Fault(CREATE, "lost_reply")]
    emulator.latency = 1.0
    queued = await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})
    await until(arrived.is_set, 20)
    await comfyui.interrupt(queued.prompt_id)
    assert (await comfyui.finish(queued)).outcome == "interrupted"
    ended = await comfyui.event(lambda event: event.type == "runninghub.ended")
    order = ended.data["order"]
    assert ended.data["state"] == "unsure"
    assert f"no task id came back: order {order} may run" in ended.data["line"]["en"]
    tasks = (await comfyui.get("/runninghub/tasks"))["tasks"]
    (asked,) = [task for task in tasks if task["order"] == order]
    assert (asked["uncertain"], asked["cancelling"]) == (True, False)


async def test_stop_while_the_order_is_on_its_way_says_what_became_of_the_task(
    comfyui: ComfyClient, emulator: Emulator
) -> None:
    arrived = threading.Event()
    emulator.run_seconds = 600
    emulator.faults += [Meanwhile(CREATE, arrived.set), Fault(CREATE, "delay", value=1.0)]
    queued = await comfyui.submit({"1": remote(catalog.TEXT_TO_IMAGE, new_picture())})
    await until(arrived.is_set, 20)
    await comfyui.interrupt(queued.prompt_id)
    assert (await comfyui.finish(queued)).outcome == "interrupted"
    assert (await end_of(comfyui, "1")).startswith("stopped · cancelled in the cloud")
    assert emulator.counters.cancels == 1
