"""What each kind of account may do, what is waited for, and what is refused at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from rh_api.client import Client, Job, Progress, Stage
from rh_api.emulator import Account, Emulator, Fault, catalog
from rh_api.errors import BadInput, Fate, InstanceNotFound, PlanRefused, RunningHubError
from rh_api.settings import Secret
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.support.jobs import paint

CREATE = "/task/openapi/create"
RUN_APP = "/task/openapi/ai-app/run"
APP = next(iter(catalog.apps()))


def use(emulator: Emulator, account: Account) -> None:
    emulator.accounts[emulator.default_key] = account


FREE = Account(kind="FREE")
NORMAL = Account()
SHARED = Account(kind="SHARED", coins=0, money=Decimal("128.50"), currency="CNY", limit=30)
DEDICATED = Account(kind="EXCLUSIVE", coins=0, limit=2)


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        (NORMAL, ("NORMAL", "76600", None, None, 3)),
        (SHARED, ("SHARED", "0", "128.50", "CNY", 30)),
        (DEDICATED, ("EXCLUSIVE", "0", None, None, 2)),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
async def test_each_kind_of_account_says_what_it_has(
    client: Client, emulator: Emulator, account: Account, shown: tuple[object, ...]
) -> None:
    use(emulator, account)
    status, queue = await asyncio.gather(client.account.status(), client.account.queue())

    assert (status.kind, status.coins, status.money, status.currency, queue.limit) == shown
    assert queue.kind == account.kind


@pytest.mark.parametrize(
    ("account", "kind", "code", "words"),
    [
        (FREE, PlanRefused, 801, "free account"),
        (Account(kind="EXCLUSIVE", subscribed=False), PlanRefused, 436, "subscription"),
        (Account(kind="EXCLUSIVE", machine="plus"), InstanceNotFound, 435, "'plus'"),
    ],
    ids=["801", "436", "435"],
)
async def test_what_an_account_may_not_do_is_refused_at_once(
    client: Client,
    emulator: Emulator,
    account: Account,
    kind: type[RunningHubError],
    code: int,
    words: str,
) -> None:
    use(emulator, account)
    with pytest.raises(kind, match=words) as caught:
        await client.run(paint())

    assert (caught.value.code, caught.value.fate) == (code, Fate.NOT_STARTED)
    assert emulator.counters.requests[CREATE] <= 1
    assert emulator.counters.orders == 0


async def test_a_standard_model_of_another_plan_is_refused_at_once(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(Fault(CREATE, "code", value=1014, count=None))
    with pytest.raises(PlanRefused, match="enterprise shared key") as caught:
        await client.run(paint())

    assert (caught.value.code, caught.value.fate) == (1014, Fate.NOT_STARTED)
    assert emulator.counters.requests[CREATE] == 1


async def test_the_right_machine_of_a_dedicated_key_is_taken(
    client: Client, emulator: Emulator
) -> None:
    use(emulator, Account(kind="EXCLUSIVE", machine="plus"))
    assert (await client.run(paint(options=TaskOptions(instance="plus")))).results


async def test_busy_dedicated_machines_are_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    use(emulator, Account(kind="EXCLUSIVE", limit=2))
    emulator.foreign_tasks = 2
    stages: list[Stage] = []

    def watch(news: Progress) -> None:
        stages.append(news.stage)
        if news.stage is Stage.WAITING_FOREIGN:
            emulator.foreign_tasks = 0

    outcome = await make_client().run(paint(), watch)

    assert outcome.results
    assert Stage.WAITING_FOREIGN in stages
    assert emulator.counters.requests[CREATE] == 2
    assert emulator.counters.orders == 1


async def test_a_personal_queue_takes_the_order_at_once(client: Client, emulator: Emulator) -> None:
    use(emulator, Account(kind="EXCLUSIVE", limit=2))
    emulator.foreign_tasks = 2
    stages: list[Stage] = []

    def watch(news: Progress) -> None:
        stages.append(news.stage)
        if news.stage is Stage.QUEUED:
            emulator.foreign_tasks = 0

    await client.run(paint(options=TaskOptions(personal_queue=True)), watch)

    assert Stage.QUEUED in stages
    assert Stage.WAITING_FOREIGN not in stages
    assert emulator.counters.requests[CREATE] == 1


async def test_a_full_personal_queue_is_waited_for(client: Client, emulator: Emulator) -> None:
    use(emulator, Account(kind="EXCLUSIVE", limit=2, personal_queue=1))
    emulator.foreign_tasks = 2
    options = TaskOptions(personal_queue=True)

    def watch(news: Progress) -> None:
        if news.stage is Stage.WAITING_FOREIGN:
            emulator.foreign_tasks = 0

    jobs = [paint(text, options=options) for text in ("a cat", "a dog")]
    outcomes = await asyncio.gather(*(client.run(job, watch) for job in jobs))

    assert len({outcome.task_id for outcome in outcomes}) == 2
    assert emulator.counters.requests[CREATE] > 2
    assert emulator.counters.orders == 2


async def test_waits_for_a_machine_grow_up_to_eight_seconds(
    make_client: MakeClient, emulator: Emulator
) -> None:
    use(emulator, Account(kind="EXCLUSIVE", limit=2))
    emulator.faults.append(Fault(CREATE, "code", value=415, count=6))
    pace = 50.0
    started = time.monotonic()
    await make_client(pace=pace).run(paint())

    waited = (time.monotonic() - started) * pace
    assert waited >= (2 + 4 + 8 + 8 + 8 + 8) / 2  # of each up to a half is left out, by chance
    assert emulator.counters.requests[CREATE] == 7


# Options, as they are sent


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ({"instance": "plus"}, {"instanceType": "plus"}),
        ({"instance": "ultra"}, {"instanceType": "ultra"}),
        ({"personal_queue": True}, {"usePersonalQueue": True}),
        ({"retain_seconds": 10}, {"retainSeconds": 10}),
        ({"retain_seconds": 180}, {"retainSeconds": 180}),
        ({"webhook_url": "https://example.com/end"}, {"webhookUrl": "https://example.com/end"}),
        ({"add_metadata": False}, {"addMetadata": False}),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [CREATE, RUN_APP], ids=["workflow", "app"])
async def test_each_option_is_sent_by_its_name_and_no_other(
    client: Client,
    emulator: Emulator,
    path: str,
    option: dict[str, object],
    sent: dict[str, object],
) -> None:
    use(emulator, Account(kind="SHARED", money=Decimal(5)))
    plain = {"apiKey", "nodeInfoList", "workflowId", "webappId"}
    options = TaskOptions(**option)  # type: ignore[arg-type]
    job = paint(options=options) if path == CREATE else Job(app=APP, options=options)
    await client.run(job)

    (body,) = [entry.json for entry in emulator.journal if entry.path == path]
    extra = {name: value for name, value in body.items() if name not in plain}
    if path == CREATE:
        assert extra == {"addMetadata": True, **sent}
    else:
        # An app's files never carry its workflow, so there is nothing to switch off.
        assert extra == {name: value for name, value in sent.items() if name != "addMetadata"}


@pytest.mark.parametrize("path", [CREATE, RUN_APP], ids=["workflow", "app"])
async def test_the_password_of_the_environment_opens_what_is_protected(
    make_client: MakeClient, emulator: Emulator, path: str
) -> None:
    emulator.workflows[catalog.TEXT_TO_IMAGE].password = "open sesame"
    emulator.apps[APP].password = "open sesame"
    job = paint() if path == CREATE else Job(app=APP)
    with pytest.raises(RunningHubError):
        await make_client("without").run(job)
    assert emulator.counters.orders == 0

    await make_client(RUNNINGHUB_ACCESS_PASSWORD="open sesame").run(job)

    sent = [entry.json for entry in emulator.journal if entry.path == path]
    assert sent[-1]["accessPassword"] == "open sesame"


async def test_settings_that_are_adopted_bring_their_password(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.workflows[catalog.TEXT_TO_IMAGE].password = "open sesame"
    client = make_client()
    with pytest.raises(RunningHubError):
        await client.run(paint())
    password = Secret("open sesame")
    client.adopt(replace(client.settings, access_password=password))
    assert (await client.run(paint())).results


async def test_a_webhook_is_told_the_end(client: Client, emulator: Emulator) -> None:
    address = f"{emulator.base_url}/emulator/nobody"
    outcome = await client.run(paint(options=TaskOptions(webhook_url=address)))
    (webhook,) = emulator.webhooks.values()

    assert (webhook.task_id, webhook.url) == (outcome.task_id, address)


@pytest.mark.parametrize(
    "address",
    [
        *("hello", "example.com/end", "ftp://a.example", "https://[", "http://a.example/end"),
        *("http://127.0.0.1:8188/end", "https://a.example:8188/end", "https://me:pw@a.example/end"),
        *("https://a.example/\u200bend", "https://a.example/a b", f"https://a.example/{'x' * 300}"),
    ],
)
async def test_a_webhook_that_nobody_could_call_is_refused_before_any_cost(
    client: Client, emulator: Emulator, address: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await client.run(paint(options=TaskOptions(webhook_url=address)))
    assert refused.value.key == "error.webhook_url"
    assert not [entry for entry in emulator.journal if entry.path == CREATE]


async def test_a_webhook_with_the_key_in_it_is_refused(client: Client, emulator: Emulator) -> None:
    address = f"https://a.example/?key={emulator.default_key}"
    with pytest.raises(BadInput) as refused:
        await client.run(paint(options=TaskOptions(webhook_url=address)))
    assert refused.value.key == "error.key_in_field"
    assert emulator.default_key not in str(refused.value)
