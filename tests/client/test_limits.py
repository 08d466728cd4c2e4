"""Limits of cost: what is refused before anything goes up, what is held, stopped and booked."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rh_api.client import Client, Job, Progress, Stage
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.models.catalogue import Price
from rh_api.errors import (
    BadInput,
    CostLimit,
    RunningHubError,
    StoreUnavailable,
    TaskFailed,
    TimeLimit,
    Uncertain,
)
from rh_api.journal import State
from rh_api.models.stored import model_json
from rh_api.money.limits import Reached
from rh_api.run.cost_bounds import refusal
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.client.test_apps import APP_WITH_PICTURE as APP
from tests.client.test_apps import field_of
from tests.support.jobs import PAINTER, invert, paint, paint_by_model, picture
from tests.support.service import CREATE, api_balance_empty, uploads
from tests.support.waiting import begun, until

COIN = 1_000_000


async def day(client: Client) -> dict[str, int]:
    return {unit: amount for unit, amount in (await client.costs.committed()).day.items() if amount}


async def test_without_a_limit_costs_are_booked_and_nobody_is_asked_more(
    client: Client, emulator: Emulator
) -> None:
    before = emulator.account.coins
    await client.run(invert())
    assert await day(client) == {"coins": (before - emulator.account.coins) * COIN}
    assert emulator.counters.requests["/uc/openapi/accountStatus"] == 0


async def test_a_limit_that_is_reached_refuses_before_any_upload(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="1 coins")
    with pytest.raises(CostLimit) as refused:
        await client.run(invert())
    assert "RUNNINGHUB_MAX_COST_ORDER" in str(refused.value)
    assert "1 coin." in str(refused.value)
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)
    assert await day(client) == {}


async def test_what_one_order_may_cost_bounds_its_time_and_is_said_before(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="3 coins", pace=40)
    emulator.run_seconds = 60
    news: list[Progress] = []
    with pytest.raises(TimeLimit) as stopped:
        await client.run(invert(), news.append)
    assert stopped.value.key == "error.cost_time"
    await client.close()
    (task,) = emulator.tasks.values()
    assert task.status == "CANCEL"
    stages = [progress.stage for progress in news]
    assert stages.index(Stage.COST_BOUND) < stages.index(Stage.UPLOADING)
    assert Stage.COST_WARNING in stages
    assert (task.coins or 0) <= 3


async def test_near_the_end_of_what_is_paid_all_who_wait_are_warned_before_it_is_cancelled(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="3 coins", pace=40)
    emulator.run_seconds = 60
    heard: tuple[list[Progress], list[Progress]] = ([], [])
    first = asyncio.ensure_future(client.run(invert(), heard[0].append))
    await until(lambda: emulator.counters.orders == 1)
    ends = await asyncio.gather(
        first, client.run(invert(), heard[1].append), return_exceptions=True
    )
    assert [getattr(end, "key", end) for end in ends] == ["error.cost_time"] * 2
    (bound,) = [progress for progress in heard[0] if progress.stage is Stage.COST_BOUND]
    for news in heard:
        (warning,) = [progress for progress in news if progress.stage is Stage.COST_WARNING]
        assert warning.params["seconds"] == bound.params["seconds"]
        assert warning.params["elapsed"] >= int(0.8 * warning.params["seconds"])
    await client.close()
    (task,) = emulator.tasks.values()
    assert (task.status, emulator.counters.orders) == ("CANCEL", 1)


@pytest.mark.parametrize("scope", ["ORDER", "PROMPT", "DAY"])
async def test_what_is_paid_in_a_unit_that_no_limit_names_is_refused(
    make_client: MakeClient, emulator: Emulator, scope: str
) -> None:
    client = make_client(**{f"RUNNINGHUB_MAX_COST_{scope}": "5 USD"})
    with pytest.raises(CostLimit) as refused:
        await client.run(invert())
    assert "paid in coins" in str(refused.value)
    assert "only in USD" in str(refused.value)
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)
    await make_client("other", **{f"RUNNINGHUB_MAX_COST_{scope}": "5 USD, 50 coins"}).run(invert())


async def test_a_model_s_price_in_a_unit_that_no_limit_names_is_refused(
    make_client: MakeClient, in_dollars: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_PROMPT="1 CNY")
    with pytest.raises(CostLimit) as refused:
        await client.run(edit_by_model())
    assert refused.value.key == "error.cost_other_unit"
    assert in_dollars.counters.orders == 0


@pytest.mark.parametrize("scope", ["order", "prompt", "day"])
async def test_a_limit_that_would_never_hold_is_not_stored(client: Client, scope: str) -> None:
    with pytest.raises(BadInput, match="pays in coins"):
        await client.costs.set_rule(scope, "5 CNY")
    await client.costs.set_rule(scope, "50 coins, 5 CNY")
    with pytest.raises(BadInput):
        await client.costs.set_rule(scope, "5 USD")
    limits = (await client.costs.rules()).limits
    assert limits.units == {"coins", "CNY"}
    await client.costs.set_rule("floor", "5 CNY")  # which is said of each balance


def test_a_limit_that_is_passed_already_tells_of_no_cost_of_nothing() -> None:
    error = refusal(Reached("day", "USD", 1_000_000, 5_988_000, 0), "x")
    words = "Nothing was uploaded or ordered. Spent or held today already: 5.988 USD of the 1 USD"
    assert str(error).startswith(words)


@pytest.mark.parametrize("needed", [0, 2_000_000])
def test_a_limit_of_a_run_tells_that_it_may_stop_what_else_runs(needed: int) -> None:
    words = str(refusal(Reached("prompt", "coins", 3_000_000, 2_000_000, needed), "x"))
    assert words.startswith("Nothing was uploaded or ordered for this")
    assert "Its other orders may be stopped now, and cost the time that they ran" in words


async def test_at_once_they_never_hold_more_than_the_day_leaves_and_one_too_many_waits(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(
        pace=1.0, RUNNINGHUB_MAX_COST_ORDER="10 coins", RUNNINGHUB_MAX_COST_DAY="25 coins"
    )
    emulator.hold_at = "13"
    jobs = [asyncio.ensure_future(client.run(invert(red))) for red in range(3)]
    await until(lambda: emulator.counters.orders == 3)
    today = await day(client)
    assert today["coins"] <= 25 * COIN
    jobs.append(await begun(client, invert(99), Stage.WAITING_COSTS))
    assert (emulator.counters.orders, await day(client)) == (3, today)
    emulator.hold_at = None
    await asyncio.gather(*jobs)
    assert emulator.counters.orders == 4
    assert await day(client) == {"coins": sum(t.coins or 0 for t in emulator.tasks.values()) * COIN}


async def test_what_waits_for_the_limit_is_stopped_and_leaves_nothing_held(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(pace=1.0, RUNNINGHUB_MAX_COST_DAY="10 coins")
    emulator.hold_at = "13"
    first = await begun(client, invert(1))
    today = await day(client)
    second = await begun(client, invert(2), Stage.WAITING_COSTS)
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    assert await day(client) == today
    emulator.hold_at = None
    await first
    assert emulator.counters.orders == 1


async def test_what_does_not_run_is_not_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="10 coins")
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(Uncertain):
        await client.run(invert(1))
    with pytest.raises(CostLimit) as refused:
        await client.run(invert(2))
    assert refused.value.key == "error.cost_day"


async def test_of_what_ran_before_twice_the_highest_cost_is_held(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="90 coins", pace=1.0)
    news: list[Progress] = []
    for red, seconds in enumerate((3.0, 0.3, 0.3)):
        emulator.run_seconds = seconds
        await client.run(replace(invert(red), options=TaskOptions(instance="plus")), news.append)
    assert [task.coins for task in emulator.tasks.values()] == [2, 1, 1]
    sums = [news.params["sum"] for news in news if news.stage is Stage.COST_BOUND]
    assert [str(held) for held in sums] == ["90 coins", "4 coins", "4 coins"]


async def test_two_processes_share_a_day(make_client: MakeClient, emulator: Emulator) -> None:
    limits = {"RUNNINGHUB_MAX_COST_DAY": "10 coins", "RUNNINGHUB_MAX_COST_ORDER": "7 coins"}
    client, other = make_client(pace=1.0, **limits), make_client(pace=1.0, **limits)
    emulator.hold_at = "13"
    first = asyncio.ensure_future(client.run(invert(1)))
    await until(lambda: emulator.counters.orders == 1)
    second = asyncio.ensure_future(other.run(invert(2)))
    await until(lambda: emulator.counters.orders == 2)
    third = await begun(client, invert(3), Stage.WAITING_COSTS)
    emulator.hold_at = None
    await asyncio.gather(first, second, third)
    assert emulator.counters.orders == 3


async def test_an_app_needs_a_sum_by_name(make_client: MakeClient, emulator: Emulator) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="100 coins")
    job = Job(app=APP, fields={field_of(APP, "IMAGE"): picture()})
    with pytest.raises(CostLimit) as refused:
        await client.run(job)
    assert refused.value.key == "error.cost_unbounded"
    assert f"app/{APP}" in str(refused.value)
    await client.costs.set_rule(f"allow/app/{APP}", "20 coins")
    await client.run(job)
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("allowed", ["20 coins", "20 CNY"])
async def test_a_sum_by_name_lifts_no_limit_in_another_unit(
    make_client: MakeClient, emulator: Emulator, allowed: str
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="100 CNY")
    await client.costs.set_rule(f"allow/app/{APP}", allowed)
    with pytest.raises(CostLimit) as refused:
        await client.run(Job(app=APP, fields={field_of(APP, "IMAGE"): picture()}))
    assert refused.value.key == "error.cost_other_unit"
    assert emulator.counters.orders == 0


async def test_a_model_is_held_by_its_price_and_what_is_above_it_blocks_what_follows(
    make_client: MakeClient, emulator: Emulator
) -> None:
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), "CNY"
    client = make_client(RUNNINGHUB_MAX_COST_DAY="1 CNY")
    emulator.cost_over_preview = 20.0
    await client.run(paint_by_model())
    spent = Decimal(9) - account.wallet
    assert await day(client) == {"CNY": int(spent * COIN)}
    assert spent > 1
    with pytest.raises(CostLimit) as refused:
        await client.run(paint_by_model("a dog"))
    assert refused.value.key == "error.cost_day"


EDITOR = "rhart-image-n-pro/edit"


def edit_by_model() -> Job:
    return Job(model=EDITOR, fields={"prompt": "a red boat", "imageUrls": [picture()]})


@pytest.fixture
def in_dollars(emulator: Emulator) -> Emulator:
    """An account that no price list speaks of, on a service that tells no price of filler."""
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), "USD"
    return emulator


async def test_what_goes_out_is_priced_after_the_upload_and_before_the_create(
    make_client: MakeClient, in_dollars: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="1 USD")
    await client.run(edit_by_model())
    calls = [call for call in in_dollars.journal if EDITOR in call.path or "/upload" in call.path]
    *_, upload, preview, create = calls
    assert "upload" in upload.path
    assert ("price-preview" in preview.path, preview.json) == (True, create.json)
    assert create.json["prompt"] == "a red boat"
    assert (await client.costs.committed()).day["USD"] > 0


async def test_a_price_of_what_goes_out_above_the_limit_orders_nothing(
    make_client: MakeClient, in_dollars: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="0.01 USD")
    with pytest.raises(CostLimit) as refused:
        await client.run(edit_by_model())
    assert refused.value.key == "error.cost_order"
    assert (in_dollars.counters.orders, await day(client)) == (0, {})
    # A person may let it pass.
    client.costs.allow_once([str(refused.value.params["order_key"])])
    await client.run(edit_by_model())
    assert in_dollars.counters.orders == 1


async def test_a_price_that_rose_since_the_list_is_held_or_refused(
    make_client: MakeClient, emulator: Emulator
) -> None:
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), "CNY"
    painter = emulator.models[PAINTER]
    emulator.models[PAINTER] = replace(painter, price=Price(amounts={"": 3.0}))
    with pytest.raises(CostLimit):
        await make_client(RUNNINGHUB_MAX_COST_ORDER="2 CNY").run(paint_by_model())
    assert emulator.counters.orders == 0
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="4 CNY", pace=1.0)
    emulator.run_seconds = 3600
    running = asyncio.ensure_future(client.run(paint_by_model()))
    await until(lambda: emulator.counters.orders == 1)
    assert (await client.costs.committed()).day["CNY"] == 3 * COIN
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize("before", ["", "50 coins"])
async def test_a_limit_that_is_set_while_an_order_waits_holds_for_it(
    client: Client, emulator: Emulator, before: str
) -> None:
    if before:
        await client.costs.set_rule("day", before)
    emulator.foreign_tasks = emulator.account.limit
    order = await begun(client, paint(), Stage.WAITING_FOREIGN)
    await client.costs.set_rule("order", "0.1 coins")
    emulator.foreign_tasks = 0
    with pytest.raises(CostLimit) as refused:
        await order
    assert refused.value.key == "error.cost_order"
    assert "Nothing was ordered" in str(refused.value)  # what it needs may have been uploaded
    assert (emulator.counters.orders, await day(client)) == (0, {})


async def test_a_price_that_came_with_a_node_s_model_bounds_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), "CNY"
    emulator.faults.append(Fault("/openapi/v2/price-preview/", "code", value=1007, count=None))
    client = make_client(RUNNINGHUB_MAX_COST_DAY="0.1 CNY")
    schema = model_json(client.models.find(PAINTER))
    schema["price"] = {"unit": "run", "as_of": "2026-11-01", "amount": 0.000001}
    cheap = replace(paint_by_model(), schema=schema)
    with pytest.raises(CostLimit) as refused:
        await client.run(cheap)
    assert refused.value.key == "error.cost_day"
    assert (await client.costs.quote(cheap)).ranges["CNY"].amount > COIN // 10
    # Of a model that is in no catalogue nobody tells a price.
    unlisted = replace(cheap, model="some/model", schema={**schema, "endpoint": "some/model"})
    with pytest.raises(CostLimit) as refused:
        await client.run(unlisted)
    assert refused.value.key == "error.cost_unbounded"
    assert emulator.counters.orders == 0


async def test_a_price_in_another_currency_than_the_account_s_bounds_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), "USD"
    emulator.faults.append(Fault("/openapi/v2/price-preview/", "status", value=500, count=None))
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="1 USD", pace=200)
    with pytest.raises(CostLimit):
        await client.run(paint_by_model())


def pays_in(emulator: Emulator, currency: str) -> None:
    account = emulator.account
    account.kind, account.coins, account.money, account.currency = "SHARED", 0, Decimal(9), currency


async def test_a_fresh_process_books_what_it_takes_up_in_the_account_s_currency(
    make_client: MakeClient, emulator: Emulator
) -> None:
    pays_in(emulator, "CNY")
    emulator.hold_at = "13"
    first = make_client()
    ordering = await begun(first, invert())
    (task,) = emulator.tasks.values()
    await first.leave()
    await asyncio.wait((ordering,))
    emulator.hold_at = None
    fresh = make_client()
    assert (await fresh.task(task.id).wait()).results
    await fresh.close()
    limited = make_client(RUNNINGHUB_MAX_COST_DAY=f"{task.money} CNY")
    with pytest.raises(CostLimit) as refused:
        await limited.run(invert(2))
    assert refused.value.key == "error.cost_day"
    assert task.money is not None
    assert await day(limited) == {"CNY": int(task.money * COIN)}
    assert emulator.counters.orders == 1


@pytest.mark.parametrize("ends", ["well", "failed"])
async def test_a_sum_waits_until_the_account_tells_its_currency(
    make_client: MakeClient, emulator: Emulator, ends: str
) -> None:
    pays_in(emulator, "CNY")
    untold = Fault("/uc/openapi/accountStatus", "status", value=503, count=None)
    emulator.faults.append(untold)
    client = make_client()
    if ends == "failed":
        emulator.fail_next = {"node_id": "13", "exception_type": "E", "exception_message": "no"}
    with contextlib.suppress(TaskFailed):
        await client.run(invert())
    assert await day(client) == {}
    await client.close()
    emulator.faults.remove(untold)
    (task,) = emulator.tasks.values()
    assert task.money is not None
    later = make_client()
    await later.costs.balance()
    assert await day(later) == {"CNY": int(task.money * COIN)}


async def test_a_failed_task_costs_what_the_service_says(
    client: Client, emulator: Emulator
) -> None:
    emulator.fail_next = {"node_id": "13", "exception_type": "E", "exception_message": "no"}
    with pytest.raises(TaskFailed) as failed:
        await client.run(invert())
    (task,) = emulator.tasks.values()
    assert task.coins
    coins = "1 coin" if task.coins == 1 else f"{task.coins} coins"
    assert f"It cost {coins}. [task {task.id}]" in str(failed.value)
    assert await day(client) == {"coins": task.coins * COIN}  # the report of the failure told it


async def test_a_cost_that_is_never_told_stays_held_unless_the_task_failed(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.tells_costs = False
    await make_client(RUNNINGHUB_MAX_COST_ORDER="100 coins", pace=200).run(invert(1))
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="60 coins", pace=200)
    emulator.fail_next = {"node_id": "13", "exception_type": "E", "exception_message": "no"}
    with pytest.raises(TaskFailed):
        await client.run(invert(2))
    assert await day(client) == {"coins": 160 * COIN}
    while (costs := await day(client)) != {"coins": 100 * COIN}:  # minutes, by their clock
        assert costs
        await asyncio.sleep(0.02)  # a journal that is read all the time costs a core


async def test_a_lost_reply_stays_held(make_client: MakeClient, emulator: Emulator) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="10 coins")
    emulator.faults.append(Fault(CREATE, "lost_reply"))
    with pytest.raises(RunningHubError):
        await client.run(invert())
    assert await day(client) == {"coins": 10 * COIN}


async def test_a_refused_order_holds_nothing(make_client: MakeClient, emulator: Emulator) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="10 coins")
    emulator.faults.append(api_balance_empty())
    with pytest.raises(RunningHubError):
        await client.run(invert())
    assert await day(client) == {}


async def test_an_order_that_is_stopped_before_its_refusal_holds_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client, other = make_client(RUNNINGHUB_MAX_COST_ORDER="10 coins"), make_client()
    emulator.faults.append(api_balance_empty())
    emulator.latency = 0.5
    ordering = await begun(client, invert(), Stage.ORDERING)
    ordering.cancel()
    await asyncio.wait((ordering,))
    assert await day(other) == {"coins": 10 * COIN}
    await client.close()  # which waits for the refusal
    assert await day(other) == {}


async def test_a_bare_number_is_what_the_account_pays_in(make_client: MakeClient) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="1")
    with pytest.raises(CostLimit) as refused:
        await client.run(invert())
    assert "coin" in str(refused.value)


@pytest.mark.parametrize("kind", ["EXCLUSIVE", "of tomorrow"])
async def test_a_bare_number_bounds_nothing_where_it_is_not_known_what_is_paid_in(
    make_client: MakeClient, emulator: Emulator, kind: str
) -> None:
    emulator.account.kind = kind
    client = make_client(RUNNINGHUB_MAX_COST_DAY="50")
    with pytest.raises(BadInput, match="has no unit"):
        await client.run(invert())
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)


async def test_where_nothing_can_be_written_nothing_is_ordered_under_a_limit(
    make_client: MakeClient, emulator: Emulator, tmp_path: Path
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="10 coins")
    await client.account.status()
    file = tmp_path / "state" / "orders.sqlite3"
    file.chmod(0o600)
    file.write_bytes(b"no journal" * 1000)
    with pytest.raises(StoreUnavailable):
        await client.run(invert())
    assert (uploads(emulator), emulator.counters.orders) == (0, 0)


async def test_the_stored_limit_and_the_environment_s_the_lower_holds(
    make_client: MakeClient,
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="50 coins")
    await client.costs.set_rule("day", "1 coins")
    with pytest.raises(CostLimit) as refused:
        await client.run(invert())
    assert "RunningHub: Costs" in str(refused.value)
    await client.costs.set_rule("day", "")
    await client.run(invert())
    with pytest.raises(BadInput):
        await client.costs.set_rule("day", "many")


async def test_a_quote_is_by_own_runs_and_before_them_the_rate(client: Client) -> None:
    quote = await client.costs.quote(paint())
    assert (quote.is_known, quote.rate, quote.rate_unit) == (False, 200_000, "coins")
    for text in ("a", "b", "c"):
        await client.run(paint(text))
    quote = await client.costs.quote(paint("d"))
    assert (quote.runs, quote.ranges["coins"].amount) == (3, COIN)


async def test_a_killed_process_s_order_is_stopped_by_the_next_before_it_orders(
    make_client: MakeClient, emulator: Emulator
) -> None:
    limits = {"RUNNINGHUB_MAX_COST_ORDER": "3 coins", "RUNNINGHUB_MAX_COST_DAY": "100 coins"}
    killed = make_client(pace=40, **limits)
    emulator.hold_at = "13"
    emulator.run_seconds = 0.0
    running = await begun(killed, invert(1))
    (order,) = await killed.open_orders(followed=True)
    assert order.state in (State.PLACED, State.RUNNING)
    await killed.leave()
    await asyncio.gather(running, return_exceptions=True)
    emulator.hold_at = "13"
    following = make_client(pace=40, **limits)
    (task,) = emulator.tasks.values()
    work = asyncio.ensure_future(following.run(invert(2)))
    await until(lambda: task.status == "CANCEL", 60)
    emulator.hold_at = None
    await asyncio.gather(work, return_exceptions=True)


async def test_what_was_refused_passes_once_when_a_person_says_so(
    make_client: MakeClient, emulator: Emulator
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="1 coins")
    with pytest.raises(CostLimit) as refused:
        await client.run(paint("a"))
    # In the run that it was let pass for.
    client.costs.allow_once([str(refused.value.params["order_key"])], "another run")
    with pytest.raises(CostLimit):
        await client.run(paint("a"))
    client.costs.allow_once([str(refused.value.params["order_key"])])
    with pytest.raises(CostLimit):
        await client.run(invert())  # of another program
    await client.run(paint("b"))  # a page may have drawn another seed
    with pytest.raises(CostLimit):
        await client.run(paint("a"))
    assert emulator.counters.orders == 1
    assert (await day(client))["coins"] > 0


async def test_a_balance_below_the_floor_is_said_and_stops_nobody(
    client: Client, emulator: Emulator
) -> None:
    await client.costs.set_rule("floor", "100 coins")
    news: list[Progress] = []
    await client.run(invert(1), news.append)
    assert Stage.BALANCE_LOW not in [progress.stage for progress in news]
    emulator.account.coins = 7
    outcome = await client.run(invert(2), news.append)
    (low,) = [progress.params for progress in news if progress.stage is Stage.BALANCE_LOW]
    assert low == {"left": "7 coins", "floor": "100 coins"}
    assert [(note.key, note.params) for note in outcome.notices] == [("progress.balance_low", low)]


@pytest.mark.parametrize("turns", range(0, 60, 4))
async def test_stop_in_any_moment_after_the_create_reaches_the_task(
    make_client: MakeClient, emulator: Emulator, turns: int
) -> None:
    emulator.run_seconds = 3600
    client = make_client(RUNNINGHUB_MAX_COST_ORDER="50 coins")
    job = asyncio.ensure_future(client.run(paint()))
    while not emulator.tasks:  # noqa: ASYNC110 - each turn of the loop counts
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    job.cancel()
    await asyncio.wait([job])
    await client.close()
    assert not emulator.open_tasks(emulator.default_key)


@pytest.mark.parametrize("turns", [10, 30, 100, 300, 1000])
async def test_stop_while_a_sum_is_being_held_holds_nothing(
    make_client: MakeClient, emulator: Emulator, turns: int
) -> None:
    client = make_client(RUNNINGHUB_MAX_COST_DAY="50 coins")
    await client.run(paint("what a start does is done by then"))
    # Another process writes to the journal, so the hold is on its way for as long.
    file = client.settings.state / "orders.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        job = asyncio.ensure_future(client.run(paint()))
        for _ in range(turns):
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.sleep(0)
        writer.execute("ROLLBACK")
        await asyncio.wait([job])
    await client.close()
    with closing(sqlite3.connect(file)) as book:
        rows = book.execute("SELECT count(*) FROM reservations WHERE order_id IS NULL")
        assert rows.fetchone() == (0,)
    assert emulator.counters.orders == 1
