"""Webhooks: an account's address goes with its orders; a delivery is looked up, and sent again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rh_api.client import Job
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.accounts import example_key
from rh_api.errors import BadInput, Fate, Unreachable
from rh_api.wire.orders import TaskOptions
from tests.client.conftest import MakeClient
from tests.client.test_native import inverting
from tests.client.test_quick import PAINT
from tests.support.jobs import paint, paint_by_model

DETAIL = "/task/openapi/getWebhookDetail"
RESEND = "/task/openapi/retryWebhook"
SHARED = {"RUNNINGHUB_API_KEY": example_key("shared")}


@pytest.fixture
def address(emulator: Emulator) -> str:
    return f"{emulator.base_url}/emulator/nobody?a=b/"


def addresses(emulator: Emulator) -> list[Any]:
    urls = [(entry.json or {}).get("webhookUrl") for entry in emulator.journal]
    return [url for url in urls if url is not None]


@pytest.mark.parametrize("job", [paint(), paint_by_model()], ids=["workflow", "model"])
async def test_an_accounts_address_goes_with_its_orders_as_it_is(
    make_client: MakeClient, emulator: Emulator, address: str, job: Job
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL=address, **SHARED)
    outcome = await client.run(job)
    assert addresses(emulator) == [address]
    (webhook,) = emulator.webhooks.values()
    assert webhook.task_id == outcome.task_id
    assert (await client.webhooks.details(outcome.task_id)).url == address


async def test_an_address_of_the_order_comes_first(
    make_client: MakeClient, emulator: Emulator, address: str
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL="https://of-all.example")
    await client.run(paint(options=TaskOptions(webhook_url=address)))
    assert addresses(emulator) == [address]


async def test_without_an_address_no_order_carries_one(
    make_client: MakeClient, emulator: Emulator
) -> None:
    await make_client().run(paint())
    assert addresses(emulator) == []


@pytest.mark.parametrize("job", [Job(quick=PAINT.example()), inverting()], ids=["quick", "native"])
async def test_routes_that_take_no_webhook_run_without(
    make_client: MakeClient, emulator: Emulator, address: str, job: Job
) -> None:
    outcome = await make_client(RUNNINGHUB_WEBHOOK_URL=address).run(job)
    assert outcome.results
    assert addresses(emulator) == []


@pytest.mark.parametrize(
    ("setting", "key"),
    [("tunnel.example", "error.webhook_url"), ("https://x.example/?k={key}", "error.key_in_field")],
)
async def test_an_address_that_cannot_work_or_tells_the_key_is_refused_before_any_cost(
    make_client: MakeClient, emulator: Emulator, setting: str, key: str
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL=setting.format(key=emulator.default_key))
    with pytest.raises(BadInput) as refused:
        await client.run(paint())
    assert refused.value.key == key
    assert emulator.default_key not in str(refused.value)
    assert not emulator.tasks


async def test_only_what_may_be_asked_twice_is_sent_again_after_a_lost_reply(
    make_client: MakeClient, emulator: Emulator, address: str
) -> None:
    client = make_client(RUNNINGHUB_WEBHOOK_URL=address, **SHARED)
    outcome = await client.run(paint())
    emulator.faults += [Fault(path, "lost_reply") for path in (DETAIL, RESEND)]
    before = Counter(emulator.counters.requests)
    details = await client.webhooks.details(outcome.task_id)  # it reads
    with pytest.raises(Unreachable) as caught:
        await client.webhooks.resend(details)  # each time it is POSTed once more
    assert caught.value.fate is Fate.NO_ORDER
    requests = emulator.counters.requests - before
    assert (requests[DETAIL], requests[RESEND]) == (2, 1)
