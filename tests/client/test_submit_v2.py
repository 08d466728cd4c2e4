"""Ordering by the V2 routes: off unless said."""

from __future__ import annotations

import json

import pytest

from rh_api.client import Client, Job
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.errors import BadInput, NotFound, RunningHubError, Uncertain
from rh_api.settings import Settings
from tests.client.conftest import MakeClient
from tests.support.jobs import paint
from tests.support.service import CREATE

V2 = "/openapi/v2/run/"


def creates(emulator: Emulator) -> tuple[int, int]:
    """Requests to the two routes."""
    requests = emulator.counters.requests
    return requests[CREATE], sum(count for path, count in requests.items() if path.startswith(V2))


def gone(kind: str = "html", value: object = 404) -> Fault:
    return Fault(CREATE, kind, count=None, value=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", ["", "v1", "auto"])
@pytest.mark.parametrize("fault", [gone(), gone(value=410), gone("code", 404)])
async def test_unless_it_is_set_nothing_goes_by_v2(
    make_client: MakeClient, emulator: Emulator, fault: Fault, setting: str
) -> None:
    emulator.faults.append(fault)
    with pytest.raises(NotFound):
        await make_client(RUNNINGHUB_SUBMIT=setting).run(paint())
    assert (creates(emulator), emulator.counters.orders) == ((1, 0), 0)


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
    with pytest.raises(BadInput, match="v1 or v2"):
        Settings.from_mapping({"RUNNINGHUB_SUBMIT": "v3"})
