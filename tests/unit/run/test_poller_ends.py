"""What counts as the end of a task, and what its list of results must have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from unit.run.world import RUNNING, SUCCESS, TASK, Answer, Service, code, state, until

from rh_api.errors import ContentRefused, Fate, RunningHubError, TaskCancelled, TaskFailed
from rh_api.run.report_query import missing_nodes
from rh_api.wire.tasks import Phase
from tests.unit.run.polling import LISTED, OFFLINE, follow

REASON = {
    "node_id": "3",
    "node_name": "KSampler",
    "exception_type": "OutOfMemoryError",
    "exception_message": "too big",
}


def test_a_failure_names_the_node_by_its_title():
    failed = state("FAILED", errorCode="805", failedReason=REASON)
    service = Service(query=[RUNNING, failed])
    with pytest.raises(TaskFailed) as caught:
        follow(service, titles={"3": "Second pass"})
    error = caught.value
    assert (error.task_id, error.node_id, error.fate) == (TASK, "3", Fate.OVER)
    assert error.params["title"] == "Second pass"
    for word in ("KSampler", "OutOfMemoryError", "too big", TASK):
        assert word in str(error)


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


def test_an_end_with_a_reason_costs_no_further_request():
    service = Service(query=[RUNNING, state("FAILED", errorCode="805", failedReason=REASON)])
    with pytest.raises(TaskFailed):
        follow(service)
    assert len(service.times("outputs")) == 1  # for the socket


def test_results_that_are_listed_late_are_waited_for():
    done = {"code": 0, "data": [{"fileUrl": "https://files.example/a.png", "nodeId": "9"}]}
    waiting = {"code": 804, "data": None}
    outputs: list[Answer] = [waiting, OFFLINE, waiting, done]
    service = Service(query=[RUNNING, state("SUCCESS")], outputs=outputs)
    report, _, _, _ = follow(service)
    assert report.results is not None
    assert len(report.results) == 1


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


def test_a_list_that_stays_in_part_is_taken_as_it_is():
    service = Service(query=[PART], outputs=[code(804)])
    report, at, _, _ = follow(service, awaited=frozenset({"9", "12"}))
    assert report.results is not None
    assert len(report.results) == 1
    assert missing_nodes(report, {"9", "12"}) == ("12",)
    assert at - service.times("query")[0] <= 11


def test_what_was_told_is_complete_without_a_second_look():
    service = Service(query=[state("SUCCESS", BOTH)])
    follow(service, awaited=frozenset({"9", "12"}))
    assert len(service.sent) == 1
    unnamed = [{"url": f"https://files.example/{name}.png"} for name in "ab"]
    service = Service(query=[state("SUCCESS", unnamed)])
    follow(service, awaited=frozenset({"9", "12"}))  # of whichever nodes
    assert len(service.sent) == 1
