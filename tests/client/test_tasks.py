"""Tasks by their id: how one is doing, its results wherever it was ordered, its end."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from rh_api.client import Client, Phase, Progress, Stage
from rh_api.emulator import Account, Emulator, Fault
from rh_api.errors import (
    BadInput,
    Detached,
    Fate,
    NoOutput,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    TaskUnfinished,
)
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint

QUERY = "/openapi/v2/query"
OUTPUTS = "/task/openapi/outputs"


async def ordered_elsewhere(client: Client, emulator: Emulator) -> str:
    """A task of the account that this client's journal does not know, while it runs."""
    running = asyncio.ensure_future(client.run(paint()))
    while not emulator.tasks:  # noqa: ASYNC110 - the other side of a socket has no event
        await asyncio.sleep(0.01)
    running.add_done_callback(lambda done: done.cancelled() or done.exception())
    return next(iter(emulator.tasks))


async def test_results_of_a_task_that_was_ordered_elsewhere_are_fetched(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    ordered = await make_client("elsewhere").run(invert())
    fetched = await make_client("here").task(ordered.task_id).fetch()

    (theirs,), (ours,) = ordered.results, fetched.results
    assert theirs.path is not None
    assert ours.path is not None
    assert ours.path.is_relative_to(tmp_path / "here" / "runninghub-results")
    assert ours.path.read_bytes() == theirs.path.read_bytes()
    assert (ours.node_id, fetched.usage) == (theirs.node_id, ordered.usage)
    assert (ordered.taken_up, fetched.taken_up) == (False, True)
    assert emulator.counters.orders == 1


async def test_results_that_are_here_are_not_fetched_again(
    client: Client, emulator: Emulator
) -> None:
    ordered = await client.run(invert())
    emulator.journal.clear()
    fetched = await client.task(f" {ordered.task_id} ").fetch()

    assert fetched.kept
    assert fetched.results == ordered.results
    assert not emulator.journal


async def test_results_that_an_order_still_owes_are_kept_for_it(
    client: Client, emulator: Emulator
) -> None:
    ordered = await client.run(invert())
    path = ordered.results[0].path
    assert path is not None
    path.unlink()  # somebody tidied up

    assert (await client.task(ordered.task_id).fetch()).results == ordered.results
    assert path.exists()
    assert (await client.run(invert())).kept
    assert emulator.counters.orders == 1


async def test_the_same_fetch_at_once_is_one(make_client: MakeClient, emulator: Emulator) -> None:
    ordered = await make_client("elsewhere").run(invert())
    client = make_client("here")
    before = emulator.counters.under("/results/")
    both = await asyncio.gather(*(client.task(ordered.task_id).fetch() for _ in range(2)))

    assert both[0] == both[1]
    assert emulator.counters.under("/results/") == before + 1


async def test_a_task_that_is_not_over_says_so_and_goes_on(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 60
    task_id = await ordered_elsewhere(make_client("elsewhere"), emulator)
    client = make_client("here")

    assert (await client.task(task_id).refresh()).phase is Phase.RUNNING
    with pytest.raises(TaskUnfinished, match="running") as caught:
        await client.task(task_id).fetch()
    assert (caught.value.fate, caught.value.task_id) == (Fate.RUNNING, task_id)

    assert await client.task(task_id).cancel()
    assert (await client.task(task_id).refresh()).phase is Phase.CANCELLED
    with pytest.raises(TaskCancelled) as cancelled:
        await client.task(task_id).fetch()
    assert cancelled.value.task_id == task_id


async def test_a_failed_task_says_why(make_client: MakeClient, emulator: Emulator) -> None:
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    with pytest.raises(TaskFailed):
        await make_client("elsewhere").run(paint())
    (task_id,) = emulator.tasks

    with pytest.raises(TaskFailed, match=r"KSampler.*out of memory") as caught:
        await make_client("here").task(task_id).fetch()
    assert (caught.value.task_id, caught.value.fate) == (task_id, Fate.OVER)


async def test_a_success_that_comes_after_a_failure_was_told_is_taken(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 1.0
    failed = {"status": "FAILED", "errorCode": "805", "errorMessage": "the machine was lost"}
    emulator.faults.append(Fault(QUERY, "body", value=json.dumps(failed), status=200))
    with pytest.raises(TaskFailed):
        await client.run(invert())
    (task_id,) = emulator.tasks

    late = await client.task(task_id).wait()
    again = await client.run(invert())

    assert (again.task_id, again.kept) == (task_id, True)
    assert again.results == late.results
    assert emulator.counters.orders == 1
    (today,) = await client.spent()
    assert (today.orders, today.coins) == (1, Decimal(late.usage.coins or 0))


@pytest.mark.parametrize("seen_by", ["the question for its cost", "a cancel"])
async def test_whoever_sees_a_late_success_takes_it(
    client: Client, emulator: Emulator, seen_by: str
) -> None:
    emulator.run_seconds = 0.4
    failed = {"status": "FAILED", "errorCode": "805", "errorMessage": "the machine was lost"}
    emulator.faults.append(Fault(QUERY, "body", value=json.dumps(failed), status=200))
    with pytest.raises(TaskFailed):
        await client.run(invert())
    (task_id,) = emulator.tasks
    while emulator.open_tasks(emulator.default_key):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)

    if seen_by == "a cancel":
        await client.task(task_id).cancel()
    else:
        while not (await client.spent())[0].coins:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    again = await client.run(invert())

    assert again.task_id == task_id
    assert again.results
    assert emulator.counters.orders == 1


@pytest.mark.parametrize(
    ("tells_costs", "counts"), [(False, "3"), (True, None)], ids=["not told again", "told anew"]
)
async def test_of_a_late_success_a_cost_counts_once(
    client: Client, emulator: Emulator, counts: str | None, *, tells_costs: bool
) -> None:
    emulator.tells_costs = tells_costs
    lost = {"status": "FAILED", "errorCode": "805", "errorMessage": "the machine was lost"}
    failed = {**lost, "usage": {"consumeCoins": "3"}}
    emulator.faults.append(Fault(QUERY, "body", value=json.dumps(failed), status=200))
    with pytest.raises(TaskFailed):
        await client.run(invert())
    (task_id,) = emulator.tasks

    late = await client.task(task_id).wait()

    coins = Decimal(counts or late.usage.coins or 0)
    (today,) = await client.spent()
    assert (today.orders, today.coins) == (1, coins)
    assert (await client.costs.committed()).day == {"coins": coins * 1_000_000}


async def test_a_task_without_files_is_no_empty_success(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.no_outputs = True
    with pytest.raises(NoOutput):
        await make_client("elsewhere").run(paint())
    (task_id,) = emulator.tasks

    with pytest.raises(NoOutput, match=task_id):
        await make_client("here").task(task_id).fetch()


async def test_a_task_that_nobody_knows_is_not_found(client: Client) -> None:
    task = client.task("1900000000000000999")
    for ask in (task.refresh, task.fetch):
        with pytest.raises(TaskNotFound):
            await ask()


@pytest.mark.parametrize("task_id", ["", "../x", "1/2", "x" * 65, "a b"])
async def test_what_is_no_task_id_is_refused_without_a_request(
    client: Client, emulator: Emulator, task_id: str
) -> None:
    with pytest.raises(BadInput):
        client.task(task_id)
    assert emulator.counters.total == 0


@pytest.mark.parametrize("code", [412, 1001])
async def test_without_the_recommended_route_the_older_one_tells(
    make_client: MakeClient, emulator: Emulator, code: int
) -> None:
    ordered = await make_client("elsewhere").run(invert())
    emulator.faults.append(Fault(QUERY, "code", value=code, count=None))
    client = make_client("here")

    assert (await client.task(ordered.task_id).refresh()).phase is Phase.SUCCESS
    assert len((await client.task(ordered.task_id).fetch()).results) == 1


# Followed by their id


async def test_a_task_of_elsewhere_is_followed_to_its_results(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.hold_at = "3"
    task_id = await ordered_elsewhere(make_client("elsewhere"), emulator)
    heard: list[Progress] = []

    def watch(news: Progress) -> None:
        heard.append(news)
        if news.stage is Stage.RUNNING:
            emulator.hold_at = None

    outcome = await make_client("here").task(task_id).wait(watch)

    assert (outcome.task_id, len(outcome.results)) == (task_id, 1)
    assert Stage.RUNNING in {news.stage for news in heard}
    assert Stage.DOWNLOADING in {news.stage for news in heard}
    assert emulator.counters.orders == 1


async def test_who_stops_following_leaves_the_task_alone(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 60
    elsewhere = make_client("elsewhere")
    task_id = await ordered_elsewhere(elsewhere, emulator)
    await elsewhere.leave()
    client = make_client("here")
    begun = asyncio.Event()
    following = asyncio.ensure_future(client.task(task_id).wait(lambda _: begun.set()))
    await begun.wait()
    following.cancel()
    await asyncio.wait((following,))
    await client.close()

    assert following.cancelled()
    assert emulator.counters.cancels == 0
    assert not emulator.tasks[task_id].is_over


async def test_a_task_of_ours_may_be_followed_beside_its_order(
    client: Client, emulator: Emulator
) -> None:
    emulator.run_seconds = 1.0
    running = asyncio.Event()

    def watch(news: Progress) -> None:
        if news.stage is Stage.RUNNING:
            running.set()

    ordering = asyncio.ensure_future(client.run(paint(), watch))
    await running.wait()
    (task_id,) = emulator.tasks
    following = asyncio.ensure_future(client.task(task_id).wait())
    stopped = asyncio.ensure_future(client.task(task_id).wait())
    await asyncio.sleep(0)
    stopped.cancel()
    ordered, followed = await asyncio.gather(ordering, following)

    assert followed.results == ordered.results
    assert await client.open_orders() == []
    assert emulator.counters.under("/results/") == 1
    assert (emulator.counters.orders, emulator.counters.cancels) == (1, 0)


async def test_a_task_left_by_an_earlier_start_is_followed_and_its_order_closed(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.6
    first = make_client()
    task_id = await ordered_elsewhere(first, emulator)
    await first.leave()
    second = make_client()
    outcome = await second.task(task_id).wait()

    assert await second.open_orders() == []
    assert (await second.run(paint())).results == outcome.results
    assert emulator.counters.orders == 1


async def test_a_task_that_fails_while_it_is_followed_says_why(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.run_seconds = 0.5
    emulator.fail_next = {"node_id": "3", "exception_message": "out of memory"}
    first = make_client()
    task_id = await ordered_elsewhere(first, emulator)
    await first.leave()
    second = make_client()
    with pytest.raises(TaskFailed, match="out of memory") as caught:
        await second.task(task_id).wait()

    assert caught.value.task_id == task_id
    assert await second.open_orders() == []


async def test_who_follows_may_detach_too(make_client: MakeClient, emulator: Emulator) -> None:
    emulator.run_seconds = 60
    elsewhere = make_client("elsewhere")
    task_id = await ordered_elsewhere(elsewhere, emulator)
    await elsewhere.leave()
    client = make_client("here")
    running = asyncio.Event()
    following = asyncio.ensure_future(client.task(task_id).wait(lambda _: running.set()))
    await running.wait()

    assert client.task(task_id).detach()
    with pytest.raises(Detached, match=task_id):
        await following


# Ids that cannot be followed


async def test_a_task_of_another_account_is_not_found(
    make_client: MakeClient, emulator: Emulator
) -> None:
    other_key = "second7Key0second7Key0second7Key"
    emulator.accounts[other_key] = Account()
    ordered = await make_client("theirs", RUNNINGHUB_API_KEY=other_key).run(paint())
    task = make_client().task(ordered.task_id)
    for ask in (task.refresh, task.fetch, task.wait):
        with pytest.raises(TaskNotFound, match="this key's account"):
            await ask()
    assert emulator.counters.orders == 1


async def test_a_task_that_was_purged_is_not_found(
    make_client: MakeClient, emulator: Emulator
) -> None:
    ordered = await make_client("elsewhere").run(paint())
    emulator.tasks.clear()
    task = make_client("here").task(ordered.task_id)
    for ask in (task.refresh, task.fetch, task.wait):
        with pytest.raises(TaskNotFound, match="forgets old tasks"):
            await ask()


async def test_a_task_of_a_standard_model_is_followed_by_the_recommended_route(
    make_client: MakeClient, emulator: Emulator, base_url: str
) -> None:
    shared = "shared7Key0shared7Key0shared7Key"
    emulator.accounts[shared] = Account(kind="SHARED", money=Decimal(5), currency="USD")
    emulator.run_seconds = 0.5
    emulator.faults.append(Fault(OUTPUTS, "code", value=807, count=None))  # it knows no models

    def order() -> str:
        reply = requests.post(
            f"{base_url}/openapi/v2/rhart-image-n-pro/text-to-image",
            json={"prompt": "a cat", "resolution": "1k"},
            headers={"Authorization": f"Bearer {shared}"},
            timeout=120,
        )
        return reply.json()["taskId"]

    task_id = await asyncio.to_thread(order)
    outcome = await make_client(RUNNINGHUB_API_KEY=shared).task(task_id).wait()
    assert (outcome.task_id, len(outcome.results)) == (task_id, 1)
