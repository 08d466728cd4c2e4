"""Ordering by the V2 routes: off unless said, and never where the first create may have begun."""

from __future__ import annotations

import json

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BadInput, NotFound, RunningHubError, Uncertain
from rh_api.settings import Settings
from tests.client.conftest import MakeClient
from tests.support.jobs import invert, paint
from tests.support.service import CREATE

V2 = "/openapi/v2/run/"


def creates(emulator: Emulator) -> tuple[int, int]:
    """Requests to the two routes."""
    requests = emulator.counters.requests
    return requests[CREATE], sum(count for path, count in requests.items() if path.startswith(V2))


def gone(kind: str = "html", value: object = 404) -> Fault:
    return Fault(CREATE, kind, count=None, value=value)  # type: ignore[arg-type]


@pytest.fixture
def auto(make_client: MakeClient) -> Client:
    return make_client(RUNNINGHUB_SUBMIT="auto")


@pytest.mark.parametrize(
    "fault", [gone(), gone(value=410), gone("code", 404)], ids=["404", "410", "code 404"]
)
async def test_where_v1_is_gone_v2_takes_the_order(
    auto: Client, emulator: Emulator, fault: Fault
) -> None:
    emulator.faults.append(fault)
    outcome = await auto.run(invert(10))

    assert outcome.results[0].path is not None
    assert (creates(emulator), emulator.counters.orders) == ((1, 1), 1)
    again = await auto.run(invert(11))
    assert again.results
    assert creates(emulator) == (1, 2), "v1 is not asked again"


async def test_the_next_start_knows_how_the_last_order_went(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.faults.append(gone())
    await make_client(RUNNINGHUB_SUBMIT="auto").run(invert(10))
    await make_client(RUNNINGHUB_SUBMIT="auto").run(invert(11))
    assert (creates(emulator), emulator.counters.orders) == ((1, 2), 2)


@pytest.mark.parametrize("fault", [gone(), gone(value=410), gone("code", 404)])
async def test_unless_it_is_set_nothing_goes_by_v2(
    client: Client, emulator: Emulator, fault: Fault
) -> None:
    emulator.faults.append(fault)
    with pytest.raises(NotFound):
        await client.run(paint())
    assert (creates(emulator), emulator.counters.orders) == ((1, 0), 0)


@pytest.mark.parametrize("value", [404, 410])
async def test_a_path_that_took_orders_may_have_begun_this_one(
    auto: Client, emulator: Emulator, value: int
) -> None:
    await auto.run(paint())
    emulator.faults.append(gone(value=value))
    with pytest.raises(Uncertain):
        await auto.run(paint("a dog"))
    assert creates(emulator) == (2, 0)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("status", 500), ("status", 408), ("lost_reply", None), ("html", 200), ("code", 500)],
)
async def test_an_answer_that_leaves_it_open_is_no_reason_for_a_second_create(
    auto: Client, emulator: Emulator, kind: str, value: object
) -> None:
    await auto.run(paint())
    emulator.faults.append(gone(kind, value))
    with pytest.raises(Uncertain):
        await auto.run(paint("a dog"))
    assert creates(emulator)[1] == 0


@pytest.mark.parametrize("code", [803, 380, 414, 802, 301])
async def test_a_refusal_for_another_reason_stays_one(
    auto: Client, emulator: Emulator, code: int
) -> None:
    emulator.faults.append(gone("code", code))
    with pytest.raises(RunningHubError):
        await auto.run(paint())
    assert (creates(emulator)[1], emulator.counters.orders) == (0, 0)


@pytest.fixture
def by_v2(make_client: MakeClient) -> Client:
    return make_client(RUNNINGHUB_SUBMIT="v2")


async def test_v2_alone_runs_workflows_apps_and_whole_graphs(
    by_v2: Client, emulator: Emulator
) -> None:
    app = next(iter(emulator.apps))
    graph = emulator.workflows[catalog.TEXT_TO_IMAGE].graph
    jobs = [paint(), Job(app=app), Job(graph=json.loads(json.dumps(graph)))]
    for job in jobs:
        assert (await by_v2.run(job)).results
    assert (creates(emulator), emulator.counters.orders) == ((0, 3), 3)
    assert emulator.counters.requests["/task/openapi/ai-app/run"] == 0


async def test_a_lost_reply_of_v2_is_a_question_too(by_v2: Client, emulator: Emulator) -> None:
    emulator.faults.append(Fault(V2, "lost_reply"))
    with pytest.raises(Uncertain):
        await by_v2.run(paint())
    assert creates(emulator) == (0, 1)


async def test_what_v2_refuses_says_so(by_v2: Client, emulator: Emulator) -> None:
    emulator.faults.append(Fault(V2, "code", value=1101))
    with pytest.raises(RunningHubError) as caught:
        await by_v2.run(paint())
    assert (caught.value.code, emulator.counters.orders) == (1101, 0)


def test_a_word_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="v1, auto or v2"):
        Settings.from_mapping({"RUNNINGHUB_SUBMIT": "v3"})
