"""One order from the person's side: what goes out, what comes back, what is not sent twice."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from rh_api.client import Client, Job, Outcome, Progress, Source, Stage
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    BadField,
    BadInput,
    Fate,
    FileTooLarge,
    GraphRejected,
    NoBalance,
    NoKey,
    Uncertain,
    WrongSite,
)
from rh_api.graph.check import Unsupported
from rh_api.settings import Settings
from rh_api.wire.filetypes import Kind
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint, picture
from tests.support.service import api_balance_empty
from tests.support.waiting import until


def created(emulator: Emulator) -> list[dict[str, object]]:
    return [e.json for e in emulator.journal if e.path == "/task/openapi/create"]


async def test_a_picture_goes_through_the_cloud_exactly(client: Client) -> None:
    outcome = await client.run(invert(10))
    (result,) = outcome.results
    assert result.path is not None
    with Image.open(result.path) as image:
        assert image.convert("RGB").getpixel((3, 3)) == (245, 235, 225)
    assert result.node_id == "13"
    assert outcome.usage.coins is not None


async def test_progress_names_each_stage_and_never_goes_back(
    client: Client, emulator: Emulator
) -> None:
    emulator.hold_at = "11"
    news: list[Progress] = []
    run = asyncio.create_task(client.run(invert(), news.append))
    await until(lambda: any(item.params.get("node") == "Invert Image" for item in news))
    emulator.hold_at = None
    await run
    stages = list(dict.fromkeys(item.stage for item in news))
    assert stages == [Stage.UPLOADING, Stage.ORDERING, Stage.RUNNING, Stage.DOWNLOADING]
    shares = [item.overall for item in news]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_a_warm_run_takes_at_most_five_requests(client: Client, emulator: Emulator) -> None:
    await client.run(invert(1))
    emulator.journal.clear()
    await client.run(invert(2))
    calls = [entry.path for entry in emulator.journal if not entry.path.startswith("/ws")]
    assert len(calls) <= 5, calls


async def test_equal_contents_are_uploaded_once_over_runs_and_restarts(
    make_client: MakeClient, emulator: Emulator
) -> None:
    first = make_client()
    await first.run(invert(1, **{"13__filename_prefix": "a"}))
    await first.run(invert(1, **{"13__filename_prefix": "b"}))
    await make_client().run(invert(1, **{"13__filename_prefix": "c"}))
    assert emulator.counters.under("/openapi/v2/media/upload") == 1
    assert emulator.counters.orders == 3


@pytest.mark.parametrize("inline", [False, True])
async def test_uploads_that_the_service_has_lost_are_made_again_within_the_run(
    client: Client, emulator: Emulator, inline: bool
) -> None:
    graph = catalog.workflows()[catalog.TWO_PICTURES].graph

    def job(share: float) -> Job:
        fields = {"1.image": picture(1), "2.image": picture(2), "3.blend_factor": share}
        return Job("", fields, graph=graph) if inline else Job(catalog.TWO_PICTURES, fields)

    await client.run(job(0.25))
    emulator.store.uploads.clear()
    await client.run(job(0.75))
    assert emulator.counters.under("/openapi/v2/media/upload") == 4
    assert emulator.counters.orders == 2


async def test_what_is_refused_with_its_upload_made_anew_is_refused_once(
    client: Client, emulator: Emulator
) -> None:
    await client.run(invert(1, **{"13__filename_prefix": "a"}))
    emulator.upload_ttl = -1  # whatever goes up is gone at once
    emulator.store.uploads.clear()
    with pytest.raises(GraphRejected, match="10"):
        await client.run(invert(1, **{"13__filename_prefix": "b"}))
    assert emulator.counters.under("/task/openapi/create") == 3
    assert emulator.counters.orders == 1


async def test_a_refusal_of_another_field_sends_no_file_again(
    client: Client, emulator: Emulator
) -> None:
    await client.run(invert(1, **{"13__filename_prefix": "a"}))
    report = {"node_errors": {"13": {"errors": [{"message": "Value not in list"}]}}}
    text = f"VALIDATE_PROMPT_FAILED: {json.dumps(report)}"
    emulator.faults.append(Fault("/task/openapi/create", "code", value=433, text=text))
    with pytest.raises(GraphRejected, match="of the graph: Value not in list"):
        await client.run(invert(1, **{"13__filename_prefix": "b"}))
    await client.run(invert(1, **{"13__filename_prefix": "b"}))
    assert emulator.counters.under("/openapi/v2/media/upload") == 1


async def test_a_refusal_for_the_api_balance_is_no_matter_of_the_graph(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(api_balance_empty())
    with pytest.raises(NoBalance, match="API balance is insufficient") as caught:
        await client.run(paint())
    assert caught.value.fate is Fate.NOT_STARTED
    assert emulator.counters.orders == 0


async def test_a_report_on_a_graph_that_has_the_words_is_one_on_a_graph(
    client: Client, emulator: Emulator
) -> None:
    report = {"node_errors": {"6": {"errors": [{"message": "Bad text", "details": "API balance"}]}}}
    text = f"VALIDATE_PROMPT_FAILED: {json.dumps(report)}"
    emulator.faults.append(Fault("/task/openapi/create", "code", value=433, text=text))
    with pytest.raises(GraphRejected, match="of the graph: Bad text API balance"):
        await client.run(paint())


async def test_equal_jobs_in_flight_are_one_order(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 0.2
    outcomes = await asyncio.gather(*(client.run(invert(3)) for _ in range(5)))
    assert emulator.counters.orders == 1
    assert len({outcome.task_id for outcome in outcomes}) == 1


async def test_twins_with_rerolled_seeds_are_two_orders(client: Client, emulator: Emulator) -> None:
    emulator.run_seconds = 0.2
    job = paint(reroll_seeds=True)
    outcomes = await asyncio.gather(client.run(job), client.run(job))
    assert emulator.counters.orders == 2
    assert outcomes[0].task_id != outcomes[1].task_id


@pytest.mark.parametrize("wish", ["again", "reroll_seeds"])
async def test_one_run_that_asks_twice_is_served_and_the_next_one_orders_anew(
    client: Client, emulator: Emulator, wish: str
) -> None:
    job = replace(paint(), **{wish: True})  # type: ignore[arg-type]
    for run in (1, 2):
        asked_twice = replace(job, memo={})
        first, second = await client.run(asked_twice), await client.run(asked_twice)
        assert second.task_id == first.task_id
        assert second.is_paid  # in this run
        assert emulator.counters.orders == run
    await client.run(job)
    await client.run(job)
    assert emulator.counters.orders == 4


@pytest.mark.parametrize("wish", ["again", "reroll_seeds"])
async def test_a_run_that_asks_twice_gets_its_own_beside_equal_ones(
    client: Client, emulator: Emulator, wish: str
) -> None:
    def job() -> Job:
        return replace(paint(memo={}), **{wish: True})  # type: ignore[arg-type]

    mine = job()
    first, other = await client.run(mine), await client.run(job())
    assert other.task_id != first.task_id
    second = await client.run(mine)
    assert second.results == first.results
    # Beside one that asks for the first time, and beside one of which nobody knows whether it runs.
    second, another = await asyncio.gather(client.run(mine), client.run(job()))
    assert second.task_id == first.task_id
    assert another.task_id not in (first.task_id, other.task_id)
    emulator.faults.append(Fault("/task/openapi/create", "lost_reply"))
    with pytest.raises(Uncertain):
        await client.run(job())
    assert (await client.run(mine)).task_id == first.task_id
    assert emulator.counters.orders == 4


async def test_a_run_that_asks_twice_does_not_pay_for_what_was_deleted_meanwhile(
    client: Client, emulator: Emulator
) -> None:
    mine = paint(reroll_seeds=True, memo={})
    first = await client.run(mine)
    page = await client.history()
    await client.delete_orders([order.order for order in page.orders])
    second = await client.run(mine)
    assert second.task_id == first.task_id
    assert all(result.path and result.path.exists() for result in second.results)
    assert emulator.counters.orders == 1


async def test_a_run_that_asks_twice_is_told_the_same_cost_both_times(
    make_client: MakeClient, emulator: Emulator
) -> None:
    def told(outcome: Outcome) -> tuple[object, ...]:
        return outcome.kept, outcome.shared, outcome.taken_up, outcome.usage

    emulator.hold_at = "3"
    client = make_client()
    left = asyncio.ensure_future(client.run(paint()))
    await until(lambda: any(task.status == "RUNNING" for task in emulator.tasks.values()))
    await client.leave()
    with pytest.raises(asyncio.CancelledError):
        await left
    client, twins = make_client(), [paint(memo={}), paint(memo={})]
    heard: tuple[list[Progress], ...] = ([], [])
    runs = asyncio.gather(*(client.run(twins[n], heard[n].append) for n in (0, 1)))
    await until(lambda: all(heard))
    emulator.hold_at = None
    first = await runs
    assert [outcome.taken_up for outcome in first] == [True, True]
    assert sorted(outcome.is_paid for outcome in first) == [False, True]
    second = [await client.run(twin) for twin in twins]
    assert [*map(told, second)] == [*map(told, first)]
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("reroll", [False, True])
async def test_a_stored_seed_is_listed_unless_it_shall_be_rerolled(
    client: Client, emulator: Emulator, reroll: bool
) -> None:
    await client.run(Job(catalog.TEXT_TO_IMAGE, {"6.text": "a cat"}, reroll_seeds=reroll))
    (order,) = created(emulator)
    listed = [item["fieldName"] for item in order["nodeInfoList"]]  # type: ignore[attr-defined, index]
    assert ("seed" in listed) is not reroll


async def test_options_are_sent_only_when_they_say_something(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.kind = "SHARED"
    emulator.account.money = Decimal(10)
    options = TaskOptions(
        instance="plus", add_metadata=False, retain_seconds=10, webhook_url="https://example.com/x"
    )
    await client.run(paint())
    await client.run(paint("a dog", options=options))
    plain, full = created(emulator)
    assert set(plain) == {"apiKey", "workflowId", "addMetadata", "nodeInfoList"}
    assert full["instanceType"] == "plus"
    assert full["addMetadata"] is False
    assert full["retainSeconds"] == 10
    assert full["webhookUrl"] == "https://example.com/x"


async def test_a_protected_workflow_takes_the_password_of_the_environment(
    make_client: MakeClient, emulator: Emulator
) -> None:
    graph = emulator.workflows[catalog.INVERT].graph
    workflow = emulator.add_workflow(graph, password="open sesame")
    client = make_client(RUNNINGHUB_ACCESS_PASSWORD="open sesame")
    await client.run(Job(workflow, {"10.image": picture()}))
    assert created(emulator)[0]["accessPassword"] == "open sesame"


async def test_a_whole_number_is_exact_to_the_last_bit(client: Client, emulator: Emulator) -> None:
    await client.run(Job(catalog.TEXT_TO_IMAGE, {"3.seed": 2**64 - 1}))
    (order,) = created(emulator)
    assert {"nodeId": "3", "fieldName": "seed", "fieldValue": 2**64 - 1} in order["nodeInfoList"]  # type: ignore[operator]


async def test_a_url_loader_gets_the_uploads_address(client: Client, emulator: Emulator) -> None:
    outcome = await client.run(Job(catalog.URL_PICTURE, {"1.url": picture(10)}))
    (order,) = created(emulator)
    (item,) = order["nodeInfoList"]  # type: ignore[misc]
    assert item["fieldValue"].startswith(emulator.base_url)  # type: ignore[index]
    path = outcome.results[0].path
    assert path is not None
    with Image.open(path) as image:
        assert image.convert("RGB").getpixel((0, 0)) == (245, 235, 225)


async def test_text_results_come_as_text(client: Client) -> None:
    outcome = await client.run(Job(catalog.TEXT_OUT, {"21.value": "grüße\n2"}))
    texts = {r.text or (r.path and r.path.read_text("utf-8")) for r in outcome.results}
    assert texts == {"grüße\n2"}


async def test_a_long_text_is_a_result_like_any_other(client: Client) -> None:
    """Each of its letters is six bytes of an answer."""
    text = "\u00fc" * 600_000
    running = client.run(Job(catalog.TEXT_OUT, {"21.value": text}))
    outcome = await asyncio.wait_for(running, 60)  # it would ask for ten minutes
    assert {result.read_text() for result in outcome.results} == {text}


async def test_several_results_keep_their_nodes_and_names(client: Client) -> None:
    outcome = await client.run(
        Job(catalog.TWO_PICTURES, {"1.image": picture(1), "2.image": picture(2)})
    )
    assert {result.node_id for result in outcome.results} == {"4", "12"}


# Refused before anything is uploaded or paid


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"99.text": "x"}, "error.field_node"),
        ({"6.txt": "x"}, "error.field_unknown"),
        ({"3.model": "x"}, "error.field_link"),
        ({"3.steps": "many"}, "error.field_type"),
        ({"3.seed": 2**64}, "error.field_range"),
        ({"6.text": picture()}, "error.field_media"),
        ({"6.text": Unsupported("LATENT")}, "error.field_unsupported"),
    ],
)
async def test_a_bad_field_is_named_before_anything_is_sent(
    client: Client, emulator: Emulator, fields: dict[str, object], key: str
) -> None:
    with pytest.raises(BadField) as caught:
        await client.run(Job(catalog.TEXT_TO_IMAGE, {"7.text": "blurry", **fields}))
    assert caught.value.key == key
    assert emulator.counters.orders == 0
    assert emulator.counters.upload_bytes == 0


async def test_before_a_field_is_refused_as_unknown_the_workflow_is_read_anew(
    client: Client, emulator: Emulator
) -> None:
    await client.run(paint())
    graph = json.loads(json.dumps(emulator.workflows[catalog.TEXT_TO_IMAGE].graph))
    graph["77"] = {"class_type": "PrimitiveInt", "inputs": {"value": 1}, "_meta": {"title": "N"}}
    emulator.add_workflow(graph, workflow_id=catalog.TEXT_TO_IMAGE)
    await client.run(Job(catalog.TEXT_TO_IMAGE, {"77.value": 2}))
    assert emulator.counters.requests["/api/openapi/getJsonApiFormat"] == 2


async def test_a_workflow_that_lost_a_node_is_named_by_field_when_the_service_refuses(
    client: Client, emulator: Emulator
) -> None:
    await client.run(paint())
    graph = json.loads(json.dumps(emulator.workflows[catalog.TEXT_TO_IMAGE].graph))
    graph["16"] = graph.pop("6")
    graph["3"]["inputs"]["positive"] = ["16", 0]
    emulator.add_workflow(graph, workflow_id=catalog.TEXT_TO_IMAGE)
    with pytest.raises(BadField, match=r"6\.text"):
        await client.run(paint("a dog"))
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    "workflow",
    [
        "",
        "  ",
        "0",
        "-4",
        "abc",
        str(2**63),
        "https://example.com/workflow/12",
        "1.5",
        "\uff19\uff19",
    ],
)
async def test_what_names_no_workflow_is_refused_without_a_request(
    client: Client, emulator: Emulator, workflow: str
) -> None:
    with pytest.raises(BadInput):
        await client.run(Job(workflow))
    assert emulator.counters.total == 0


async def test_an_id_above_two_to_the_53_stays_exact(client: Client, emulator: Emulator) -> None:
    workflow = str(2**53 + 1)
    emulator.add_workflow(emulator.workflows[catalog.TEXT_TO_IMAGE].graph, workflow_id=workflow)
    await client.run(Job(f"https://www.runninghub.cn/workflow/{workflow}?utm=1", {"3.seed": 1}))
    assert created(emulator)[0]["workflowId"] == workflow


async def test_a_link_of_the_other_official_site_is_refused_before_any_request(
    tmp_path: Path,
) -> None:
    values = {"RUNNINGHUB_API_KEY": "k" * 32, "RUNNINGHUB_STATE": str(tmp_path)}
    async with Client(Settings.from_mapping(values)) as client:
        with pytest.raises(WrongSite, match="RUNNINGHUB_BASE_URL"):
            client.programs.workflow_id("https://www.runninghub.cn/workflow/1900000000000000101")
        assert client.programs.workflow_id("https://www.runninghub.ai/workflow/19") == "19"


def test_without_a_key_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(NoKey, match="RUNNINGHUB_API_KEY"):
        Client(Settings.from_mapping({"RUNNINGHUB_STATE": str(tmp_path)}))


async def test_the_key_goes_only_where_it_belongs(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    lora = tmp_path / "style.safetensors"
    lora.write_bytes(b"x" * 1000)
    await client.run(invert())
    await client.uploads.send_lora(lora)
    await client.account.status()
    assert emulator.counters.keys_seen
    assert not emulator.counters.keys_misplaced


async def test_the_key_is_not_in_the_journal(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    await client.run(invert())
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert files
    assert not any(emulator.default_key.encode() in path.read_bytes() for path in files)


async def test_an_input_that_is_too_large_is_named(client: Client, emulator: Emulator) -> None:
    emulator.upload_limit = emulator.old_upload_limit = 10
    with pytest.raises(FileTooLarge, match="image of node 10 Load Image has ") as caught:
        await client.run(invert())
    assert caught.value.node_id == "10"
    assert emulator.counters.orders == 0


async def test_a_large_picture_goes_up_whole(client: Client, emulator: Emulator) -> None:
    emulator.upload_limit = 64 * 1024 * 1024
    noise = Image.frombytes("RGB", (3700, 3700), random.Random(1).randbytes(3700 * 3700 * 3))
    file = io.BytesIO()
    noise.save(file, "PNG", compress_level=0)
    source = Source(Kind.IMAGE, file.getvalue(), ".png", "image/png")
    assert source.size > 40_000_000
    uploaded = await client.uploads.send(source)
    stored = emulator.uploads[uploaded.name]
    assert hashlib.sha256(source.body).hexdigest() in (uploaded.name + repr(stored))  # type: ignore[arg-type]


async def test_a_number_beyond_the_local_class_is_ordered_with_a_word(
    client: Client, emulator: Emulator
) -> None:
    def ranges(class_type: str, field: str) -> tuple[float | None, float | None] | None:
        return (256, 1024) if (class_type, field) == ("EmptyLatentImage", "width") else None

    for width, keys in ((128, ["progress.field_outside"]), (512, []), (768, [])):
        fields = {"5.width": width, "5.height": 64}
        outcome = await client.run(Job(catalog.TEXT_TO_IMAGE, fields, ranges=ranges))
        assert [notice.key for notice in outcome.notices] == keys, width
    assert emulator.counters.orders == 3
