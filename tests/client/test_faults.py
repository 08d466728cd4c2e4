"""Faults on the way: one order at most, and an error that says what is known of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from rh_api.client import Client, Job, Progress, Source, Stage
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import (
    Fate,
    GraphRejected,
    KeyRefused,
    NoBalance,
    NoOutput,
    PlanRefused,
    Redirected,
    ResultUnavailable,
    RunningHubError,
    StoreUnavailable,
    TaskFailed,
    Uncertain,
    WorkflowNeverRun,
    WorkflowNotFound,
)
from rh_api.wire.filetypes import Kind
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint
from tests.support.service import CREATE, UPLOAD
from tests.support.waiting import until

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"


# The order


async def test_a_redirected_order_is_not_followed_and_was_not_started(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "redirect", value="https://example.com/", status=307))
    with pytest.raises(RunningHubError) as caught:
        await client.run(paint())
    assert caught.value.fate is Fate.NOT_STARTED
    assert "Nothing was started or paid" in str(caught.value)
    assert emulator.counters.orders == 0
    await client.run(paint())  # nothing blocks the next try


async def test_a_redirected_upload_says_that_nothing_was_started(
    client: Client, emulator: Emulator
) -> None:
    elsewhere = Fault("/openapi/v2/media/upload", "redirect", value="https://x.y/", status=307)
    emulator.faults.append(elsewhere)
    with pytest.raises(Redirected, match="Nothing was started or paid"):
        await client.run(invert())
    assert emulator.counters.orders == 0


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (802, KeyRefused),
        (1002, KeyRefused),
        (801, PlanRefused),
        (414, NoBalance),
        (416, NoBalance),
        (812, NoBalance),
        (380, WorkflowNotFound),
        (810, WorkflowNeverRun),
        (433, GraphRejected),
    ],
)
async def test_a_refusal_is_said_at_once_and_nothing_was_started(
    client: Client, emulator: Emulator, code: int, kind: type[RunningHubError]
) -> None:
    emulator.faults.append(Fault(CREATE, "code", value=code, count=None))
    with pytest.raises(kind) as caught:
        await client.run(paint())
    assert caught.value.fate is Fate.NOT_STARTED
    assert caught.value.code == code
    assert emulator.counters.requests[CREATE] == 1


@pytest.mark.parametrize("code", [808, 1013])
async def test_an_order_that_is_answered_by_a_failed_file_is_sent_once(
    client: Client, emulator: Emulator, code: int
) -> None:
    emulator.faults.append(Fault(CREATE, "code", value=code, count=None))
    for _ in range(2):  # it may have begun with the files
        with pytest.raises(Uncertain) as caught:
            await client.run(paint())
        assert "Nothing was started" not in str(caught.value)
    assert emulator.counters.requests[CREATE] == 1


async def test_a_wrong_key_is_said_with_key_and_site_and_not_tried_again(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_API_KEY="wrongkey0wrongkey0wrongkey0wrong")
    with pytest.raises(KeyRefused, match=r"RUNNINGHUB_API_KEY.*site") as caught:
        await client.run(paint())
    assert "wrongkey" not in str(caught.value)
    assert emulator.counters.total == 1


@pytest.mark.parametrize("code", [421, 415, 1520])
async def test_a_full_account_is_waited_out(
    make_client: MakeClient, emulator: Emulator, code: int
) -> None:
    emulator.faults.append(Fault(CREATE, "code", value=code))
    stages: list[Stage] = []
    await make_client().run(paint(), lambda news: stages.append(news.stage))
    assert Stage.WAITING_FOREIGN in stages
    assert emulator.counters.orders == 1


async def test_a_pace_that_is_asked_for_is_kept(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(pace=1.0)
    emulator.faults.append(Fault(CREATE, "retry_after", value=1))
    started = time.monotonic()
    await client.run(paint())
    assert time.monotonic() - started >= 1.0
    assert emulator.counters.orders == 1


async def test_twenty_orders_after_an_idle_pause_are_all_certain(
    client: Client, emulator: Emulator
) -> None:
    emulator.idle_timeout = 0.15
    emulator.idle_close = "rst"
    emulator.run_seconds = 0.01
    for number in range(20):
        await client.run(paint(f"number {number}"))
        await asyncio.sleep(0.17)  # the idle pause itself
    assert emulator.counters.orders == 20


async def test_an_order_goes_over_no_connection_that_was_idle_for_half_a_second(
    client: Client, emulator: Emulator
) -> None:
    """A gateway forgets it without a word, and nobody could tell what became of the order."""
    emulator.idle_timeout, emulator.idle_close = 0.5, "silent"
    await client.run(paint("one"))
    await until(lambda: not emulator.connections.kept)
    await client.run(paint("another"))
    assert emulator.counters.orders == 2


@pytest.mark.parametrize("invalid", ["tips", "433"])
async def test_a_refusal_is_told_though_its_node_cannot_be_looked_up(
    client: Client, emulator: Emulator, invalid: Literal["tips", "433"]
) -> None:
    emulator.invalid_graph = invalid
    emulator.faults.append(Fault("/api/openapi/getJsonApiFormat", "reset", after=1, count=None))
    with pytest.raises(GraphRejected, match=r"Invalid file: gone\.png") as caught:
        await client.run(Job(catalog.INVERT, {"10.image": "gone.png"}))
    nothing_started = "Nothing was started" in str(caught.value)
    assert nothing_started is (caught.value.task_id is None) is (not emulator.tasks)


async def test_without_a_journal_nothing_is_ordered(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable, match="No order is placed"):
        make_client(state="blocked")
    assert emulator.counters.total == 0


# Following


@pytest.mark.parametrize(
    "fault",
    [
        Fault(QUERY, "status", value=500, count=2),
        Fault(QUERY, "html", count=2),
        Fault(QUERY, "half_json", count=2),
        Fault(QUERY, "truncated", count=2),
        Fault(QUERY, "wrong_types", count=2),
        Fault(QUERY, "reset", count=2),
        Fault(QUERY, "null_data", count=2),
        Fault(QUERY, "code", value=1005, count=2),
        Fault(QUERY, "retry_after", value=0.1, count=2),
    ],
    ids=lambda fault: fault.kind,
)
async def test_a_failed_poll_is_not_a_failed_task(
    client: Client, emulator: Emulator, fault: Fault
) -> None:
    emulator.faults.append(fault)
    # The old poll would tell the end at once.
    older = replace(fault, path=OUTPUTS)
    emulator.faults.append(older)
    outcome = await client.run(paint())
    assert outcome.results
    # Its answer of other types can still be read.
    assert fault.struck == (1 if fault.kind == "wrong_types" else 2)


async def test_when_the_recommended_poll_is_gone_the_old_one_serves(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(QUERY, "code", value=412, count=None))
    outcome = await client.run(paint())
    assert outcome.results
    assert emulator.counters.requests["/task/openapi/outputs"] >= 1


@pytest.mark.parametrize("socket", ["none", "refused", "foreign", "silent", "dying", "lying"])
async def test_a_bad_socket_costs_only_smoothness(
    client: Client, emulator: Emulator, socket: str
) -> None:
    emulator.socket = socket  # type: ignore[assignment]
    emulator.run_seconds = 0.3
    outcome = await client.run(paint())
    assert outcome.results


async def test_a_failed_task_names_node_exception_message_and_task(
    client: Client, emulator: Emulator
) -> None:
    emulator.fail_next = {
        "node_id": "3",
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "CUDA out of memory",
    }
    with pytest.raises(TaskFailed) as caught:
        await client.run(paint())
    text = str(caught.value)
    for part in ("KSampler", "OutOfMemoryError", "CUDA out of memory", "node 3"):
        assert part in text
    assert caught.value.task_id in emulator.tasks
    assert caught.value.task_id in text


async def test_a_task_without_output_says_so(client: Client, emulator: Emulator) -> None:
    emulator.no_outputs = True
    with pytest.raises(NoOutput, match=r"save node\? It cost 1 coin\."):
        await client.run(paint())


# Uploads


@pytest.mark.parametrize("kind", ["status", "reset", "lost_reply", "html", "half_json", "code"])
async def test_an_upload_that_failed_is_sent_again_whole(
    client: Client, emulator: Emulator, kind: str
) -> None:
    value = {"status": 500, "code": 808}.get(kind)
    emulator.faults.append(Fault(UPLOAD, kind, value=value))  # type: ignore[arg-type]
    outcome = await client.run(invert(10))
    assert outcome.results
    assert emulator.counters.orders == 1


async def test_an_upload_the_new_endpoint_will_not_take_goes_by_the_old_one(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(UPLOAD, "code", value=1008, count=None))
    outcome = await client.run(invert(10))
    assert outcome.results
    assert emulator.counters.requests["/task/openapi/upload"] == 1


async def test_a_file_that_the_new_endpoint_finds_too_large_goes_by_the_old_one(
    client: Client, emulator: Emulator
) -> None:
    assert emulator.upload_limit < emulator.old_upload_limit
    source = Source(Kind.IMAGE, bytes(emulator.upload_limit + 1), ".png", "image/png")
    uploaded = await client.uploads.send(source)
    assert emulator.uploads[uploaded.name].data == source.body
    assert uploaded.name.startswith("api/")


async def test_an_upload_that_fails_for_good_orders_nothing(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/openapi/v2/media", "status", value=500, count=None))
    emulator.faults.append(Fault("/task/openapi/upload", "code", value=808, count=None))
    with pytest.raises(RunningHubError):
        await client.run(invert(10))
    assert emulator.counters.orders == 0


# Results


@pytest.mark.parametrize("kind", ["html", "reset", "truncated", "status"])
async def test_a_download_that_breaks_is_taken_up(
    client: Client, emulator: Emulator, kind: str
) -> None:
    value = {"status": 503}.get(kind)
    emulator.faults.append(Fault("/results/", kind, value=value))  # type: ignore[arg-type]
    outcome = await client.run(paint())
    assert outcome.results[0].path is not None
    assert outcome.results[0].path.read_bytes().endswith(b"IEND\xaeB`\x82")


async def test_a_result_that_is_gone_is_an_error_with_its_task_and_nothing_is_saved(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/results/", "status", value=404, count=None))
    with pytest.raises(ResultUnavailable) as caught:
        await client.run(paint())
    assert caught.value.task_id in emulator.tasks
    assert not list((tmp_path / "state" / "runninghub-results").rglob("*.png"))
    assert emulator.counters.under("/results/") == 1  # a 404 is not asked again


async def test_a_page_instead_of_a_picture_is_never_saved(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    page = Fault("/results/", "body", value="<!DOCTYPE html><html>", content_type="text/html")
    page.count, page.status = None, 200
    emulator.faults.append(page)
    with pytest.raises(ResultUnavailable):
        await client.run(paint())
    saved = [
        path for path in (tmp_path / "state" / "runninghub-results").rglob("*") if path.is_file()
    ]
    assert saved == []


async def test_a_result_without_an_end_is_given_up_and_fetched_once_there_is_one(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("/results/", "endless"))
    limited = make_client(RUNNINGHUB_MAX_RESULT_GB="0.002")
    with pytest.raises(ResultUnavailable, match="RUNNINGHUB_MAX_RESULT_GB") as caught:
        await limited.run(paint())
    (task,) = emulator.tasks
    assert task in str(caught.value)
    saved = [path for path in (tmp_path / "state").rglob("*.part*") if path.is_file()]
    assert saved == []
    assert (await limited.run(paint())).results
    assert emulator.counters.orders == 1


async def test_a_result_on_a_foreign_host_is_fetched_without_paying_once_it_is_allowed(
    make_client: MakeClient, emulator: Emulator, base_url: str
) -> None:
    emulator.result_base = base_url.replace("127.0.0.1", "results.example.com")
    with pytest.raises(ResultUnavailable, match="RUNNINGHUB_RESULT_HOSTS"):
        await make_client().run(paint())
    assert emulator.counters.orders == 1


async def test_results_that_were_not_fetched_are_fetched_on_the_next_run_for_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/results/", "status", value=403))
    with pytest.raises(ResultUnavailable):
        await make_client().run(paint())
    outcome = await make_client().run(paint())
    assert outcome.results[0].path is not None
    assert emulator.counters.orders == 1


# Side by side


async def test_three_orders_at_a_limit_of_three_run_at_once(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 3
    emulator.hold_at = "3"
    jobs = asyncio.gather(*(client.run(paint(f"{n}")) for n in range(3)))
    await until(lambda: len(emulator.open_tasks(emulator.default_key)) == 3)
    emulator.hold_at = None
    await jobs


async def test_more_orders_than_places_wait_their_turn_without_being_refused(
    client: Client, emulator: Emulator
) -> None:
    emulator.account.limit = 2
    emulator.run_seconds = 0.2
    stages: set[Stage] = set()
    await asyncio.gather(
        *(client.run(paint(f"{n}"), lambda p: stages.add(p.stage)) for n in range(6))
    )
    assert emulator.counters.requests[CREATE] == emulator.counters.orders == 6
    assert Stage.WAITING_SLOT in stages
    assert Stage.WAITING_FOREIGN not in stages


@pytest.mark.parametrize(
    ("own", "allowed", "most", "waiting_for"),
    [
        ("2", 4, 2, Stage.WAITING_OWN),
        ("4", 2, 2, Stage.WAITING_SLOT),
        ("2", 2, 2, Stage.WAITING_SLOT),
        ("2", None, 2, Stage.WAITING_OWN),
    ],
)
async def test_no_more_tasks_run_than_account_and_user_allow_and_waiting_says_which(
    make_client: MakeClient,
    emulator: Emulator,
    own: str,
    allowed: int | None,
    most: int,
    waiting_for: Stage,
) -> None:
    if allowed is None:  # the account does not tell its limit
        emulator.faults.append(Fault("/openapi/v2/queue/status", "status", count=None, value=500))
    emulator.account.limit = allowed or 5
    emulator.hold_at = "3"
    client = make_client(RUNNINGHUB_MAX_TASKS=own)
    waiting: list[Progress] = []

    def watch(news: Progress) -> None:
        if news.stage in (Stage.WAITING_OWN, Stage.WAITING_SLOT):
            waiting.append(news)

    jobs = asyncio.gather(*(client.run(paint(f"{n}"), watch) for n in range(6)))
    await until(lambda: len(waiting) == 6 - most and emulator.counters.orders == most)
    assert {news.stage for news in waiting} == {waiting_for}
    assert {news.params["limit"] for news in waiting} == {most}
    emulator.hold_at = None
    await jobs
    assert emulator.counters.requests[CREATE] == emulator.counters.orders == 6


async def test_a_running_order_is_taken_up_after_a_restart(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.8
    first = make_client()
    running = asyncio.Event()
    job = asyncio.ensure_future(
        first.run(paint(), lambda n: n.stage is Stage.RUNNING and running.set())
    )
    await running.wait()
    # Another process asks for the same while the first one is gone without a word.
    outcome = await make_client().run(paint())
    assert emulator.counters.orders == 1
    assert (await job).task_id == outcome.task_id


async def test_a_workflow_that_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(WorkflowNotFound):
        await client.run(Job("1234567890123456789"))
    assert catalog.INVERT
