"""What counts as the end of a task, and what its list of results must have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from unit.run.world import RUNNING, SUCCESS, Answer, Service, code, state, until

from rh_api.errors import ContentRefused, Fate, RunningHubError, TaskCancelled, TaskFailed
from rh_api.run.report_query import missing_nodes
from rh_api.wire.tasks import Phase
from tests.unit.run.polling import LISTED, OFFLINE, follow


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (state("FAILED", errorCode="1501", errorMessage="no"), ContentRefused),
        (state("FAILED"), TaskFailed),
        (state("CANCEL"), TaskCancelled),
        # A refusal that comes without a status is an end as well.
        (state("", errorCode="1501", errorMessage="no"), ContentRefused),
        (code(1505), ContentRefused),
    ],
)
def test_every_other_end_is_an_error(last: Answer, kind: type[RunningHubError]):
    service = Service(query=[RUNNING, last], outputs=[{"code": 804, "data": None}, code(805)])
    with pytest.raises(kind) as caught:
        follow(service)
    assert type(caught.value) is kind
    assert caught.value.fate is Fate.OVER
    assert len(service.times("query")) == 2


BARE = [
    state("FAILED"),
    state("CANCEL"),
    state("FAILED", failedReason={}, usage={}),
    state("FAILED", failedReason="{}"),
    state("FAILED", errorCode="0", errorMessage=""),
    state("FAILED", errorCode=0),
]


@pytest.mark.parametrize("bare", BARE, ids=str)
def test_an_end_without_a_reason_is_none_while_the_older_poll_contradicts_it(bare: Answer):
    running = {"code": 804, "data": None}
    service = Service(query=[RUNNING, bare, bare, until(20, SUCCESS)], outputs=[running])
    report, at, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert 20 <= at < 30


@pytest.mark.parametrize("bare", BARE, ids=str)
@pytest.mark.parametrize("older", [OFFLINE, code(805), code(807), code(412)], ids=str)
def test_an_end_without_a_reason_counts_where_nobody_contradicts_it(bare: Answer, older: Answer):
    service = Service(query=[RUNNING, bare], outputs=[{"code": 804, "data": None}, older])
    with pytest.raises(TaskFailed if "FAILED" in str(bare) else TaskCancelled):
        follow(service)
    assert len(service.times("query")) == 2
    assert len(service.times("outputs")) == 2


def test_a_success_that_the_older_poll_knows_outweighs_a_cancel():
    service = Service(query=[state("CANCEL")], outputs=[LISTED])
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert report.results


def test_a_success_without_results_ends_all_the_same():
    service = Service(query=[state("SUCCESS")])
    report, at, _, _ = follow(service)
    assert (report.phase, report.results) == (Phase.SUCCESS, None)
    assert at < 20


def test_an_empty_list_is_an_answer_when_both_polls_stay_by_it_for_ten_seconds():
    service = Service(query=[state("SUCCESS", [])], outputs=[{"code": 0, "data": []}])
    report, at, _, _ = follow(service)
    assert report.results == ()
    first = service.times("query")[0]
    assert 9 <= at - first <= 11
    assert len(service.times("outputs")) >= 5
    assert len(service.times("query")) >= 5


def test_an_empty_list_is_an_answer_at_once_where_nothing_is_to_come():
    service = Service(query=[state("SUCCESS", [])])
    report, at, _, _ = follow(service, awaited=frozenset())
    assert report.results == ()
    assert at == service.times("query")[0]


PART = state("SUCCESS", [{"url": "https://files.example/a.png", "nodeId": "9"}])
BOTH = [
    {"url": "https://files.example/a.png", "nodeId": "9"},
    {"url": "https://files.example/b.png", "nodeId": "12"},
]
NULL = [BOTH[0], {"url": None, "nodeId": "12", "text": None}]


@pytest.mark.parametrize("first", [PART, state("SUCCESS", []), state("SUCCESS", NULL)], ids=str)
@pytest.mark.parametrize("route", ["query", "outputs"])
def test_what_is_not_listed_yet_is_asked_for_by_both_polls(first: Answer, route: str):
    whole = state("SUCCESS", BOTH)
    older = {"code": 0, "data": [{**result, "fileUrl": result["url"]} for result in BOTH]}
    if route == "query":
        service = Service(query=[RUNNING, first, first, whole], outputs=[code(500)])
    else:
        service = Service(query=[RUNNING, first], outputs=[{"code": 0, "data": []}, older])
    report, _, _, _ = follow(service, awaited=frozenset({"9", "12"}))
    assert report.results is not None
    assert [result.url[-5:] for result in report.results] == ["a.png", "b.png"]


def hanging(_: object) -> Any:
    """As long as a call waits for its answer."""

    async def hang() -> None:
        await asyncio.sleep(20)
        raise OFFLINE

    return hang()


@pytest.mark.parametrize(("query", "count"), [(hanging, 2), (PART, 6)], ids=["both", "one"])
def test_polls_that_hang_do_not_hold_up_a_list_in_part(query: Answer, count: int):
    service = Service(query=[PART, query], outputs=[hanging])
    report, at, _, _ = follow(service, awaited=frozenset({"9", "12"}))
    assert missing_nodes(report, {"9", "12"}) == ("12",)
    assert at - service.times("query")[0] <= 11
    assert len(service.times("query")) >= count


def test_what_one_poll_lists_is_not_held_up_by_the_other():
    service = Service(query=[PART, PART, state("SUCCESS", BOTH)], outputs=[hanging])
    report, at, _, _ = follow(service, awaited=frozenset({"9", "12"}))
    assert missing_nodes(report, {"9", "12"}) == ()
    assert at - service.times("query")[0] <= 2
