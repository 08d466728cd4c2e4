"""Polls decide: every way a task can be watched by them, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from unit.run.world import (
    PICTURE,
    QUEUED,
    RUNNING,
    SUCCESS,
    TASK,
    Answer,
    Service,
    Watcher,
    code,
    now,
    state,
    until,
    virtually,
)

from rh_api.errors import (
    Fate,
    KeyRefused,
    Refused,
    RunningHubError,
    TaskCancelled,
    TaskFailed,
    TaskNotFound,
    TimeLimit,
    Unreachable,
)
from rh_api.run.paid_time import PaidTime
from rh_api.run.poller import NO_NEWS_AFTER, Poller
from rh_api.run.progress import Stage
from rh_api.wire.call import Response
from rh_api.wire.orders import Ticket
from rh_api.wire.tasks import Phase, Report
from tests.support.clocks import LoopClock
from tests.unit.run.polling import LISTED, OFFLINE, follow

BROKEN = [
    OFFLINE,
    Response(502, b"<html>Bad Gateway</html>"),
    Response(200, b'{"taskId": "19'),
    Response(500, b""),
    {"nonsense": 1},
    code(500),
    code(1005),
    code(4711),
]


NO_OLD_ROUTE: list[Answer] = [Response(404, b"<html>")]


@pytest.mark.parametrize("name", ["COMPLETED", "succeeded", " Finished ", "success\n"])
def test_an_end_of_another_name_is_seen_where_the_old_route_is_gone(name: str):
    service = Service(query=[RUNNING, state(name, [PICTURE])], outputs=NO_OLD_ROUTE)
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert report.results


AWAY: Answer = Response(503, b"<html>")


@pytest.mark.parametrize("older", [AWAY, OFFLINE, *NO_OLD_ROUTE])
def test_results_amid_a_state_that_nobody_knows_are_no_end_yet(older: Answer):
    every = state("SUCCESS", [PICTURE, {**PICTURE, "nodeId": "8"}])
    query: list[Answer] = [RUNNING, state("SAVING", [PICTURE]), until(60, every)]
    report, at, _, _ = follow(Service(query=query, outputs=[older]))
    assert at >= 60
    assert report.results is not None
    assert [result.node_id for result in report.results] == ["9", "8"]


def test_an_old_route_that_fails_for_a_while_is_not_gone():
    query: list[Answer] = [RUNNING, state("SAVING", [PICTURE])]
    _, at, _, _ = follow(Service(query=query, outputs=[until(60, LISTED, AWAY)]))
    assert at >= 60


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CANCELLED", TaskCancelled), ("canceled", TaskCancelled), ("ERROR", TaskFailed)],
)
def test_an_end_of_another_name_that_is_none_of_success_is_seen_too(
    name: str, kind: type[RunningHubError]
):
    with pytest.raises(kind):
        follow(Service(query=[RUNNING, state(name)], outputs=NO_OLD_ROUTE))


def test_ten_minutes_of_a_state_that_nobody_knows_lose_sight_of_the_task():
    service = Service(query=[RUNNING, state("EXPIRED")], outputs=NO_OLD_ROUTE)
    with pytest.raises(Unreachable, match="EXPIRED") as caught:
        follow(service)
    assert (caught.value.fate, caught.value.task_id) == (Fate.RUNNING, TASK)
    assert 600 < service.sent[-1].at < 640


def test_a_service_that_is_away_is_told_and_so_is_its_return():
    def story(_: object) -> Answer:
        if 5 < now() < 90:
            return BROKEN[0]
        return SUCCESS if now() > 150 else RUNNING

    _, _, watcher, _ = follow(Service(query=[story]))
    assert watcher.stages == ["RUNNING", "NO_NEWS", "RUNNING"]
    (away,) = [news for _, news in watcher.seen if news.stage is Stage.NO_NEWS]
    assert away.params["elapsed"] >= NO_NEWS_AFTER


@pytest.mark.parametrize("broken", BROKEN[1:], ids=str)
def test_where_the_new_route_tells_nothing_the_old_one_is_asked(broken: Answer):
    done = until(20, LISTED, {"code": 804, "data": None})
    report, at, _, _ = follow(Service(query=[RUNNING, broken], outputs=[done]))
    assert report.results
    assert at < 30


@pytest.mark.parametrize("broken", BROKEN[:4], ids=str)
def test_ten_minutes_without_an_answer_lose_sight_of_a_task_that_runs(broken: Answer):
    service = Service(query=[RUNNING, broken], outputs=[broken])
    with pytest.raises(Unreachable) as caught:
        follow(service)
    error = caught.value
    assert error.key == "error.lost_sight"
    assert (error.fate, error.task_id) == (Fate.RUNNING, TASK)
    assert 600 < service.sent[-1].at < 640


def test_a_code_that_says_it_runs_is_a_sign_of_life():
    service = Service(query=[until(1000, SUCCESS, before=code(804))], outputs=[OFFLINE])
    report, at, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert at >= 1000


def test_one_answer_within_ten_minutes_is_enough():
    def sometimes(_: object) -> Answer:
        return RUNNING if int(now()) % 500 < 20 else OFFLINE

    service = Service(query=[lambda r: SUCCESS if now() > 3000 else sometimes(r)])
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS


@pytest.mark.parametrize(
    "refusal", [code(412), code(802), code(1014), code(404), Response(404, b"<html>")], ids=str
)
def test_where_the_new_route_is_refused_the_old_one_decides(refusal: Answer):
    done = {"code": 0, "data": [{"fileUrl": "https://files.example/a.png", "nodeId": "9"}]}
    outputs: list[Answer] = [code(813), until(20, done, {"code": 804, "data": None})]
    service = Service(query=[refusal], outputs=outputs)
    report, at, _, _ = follow(service, Phase.QUEUED)
    assert report.phase is Phase.SUCCESS
    assert at < 30


def test_an_end_that_nobody_knows_by_name_is_looked_up_by_the_old_poll():
    outputs: list[Answer] = [{"code": 804, "data": None}, code(805)]
    service = Service(query=[RUNNING, state("EXPIRED")], outputs=outputs)
    with pytest.raises(TaskFailed):
        follow(service)
    assert len(service.times("outputs")) == 2


@pytest.mark.parametrize(("refusal", "stage"), [(802, "KEY_REFUSED"), (301, "NO_NEWS")])
def test_a_key_that_is_refused_amid_a_run_is_told_as_that(refusal: int, stage: str):
    def story(running: Answer, done: Answer) -> Answer:
        return lambda _: code(refusal) if 5 < now() < 90 else running if now() < 150 else done

    running = {"code": 804, "data": None}
    service = Service(query=[story(RUNNING, SUCCESS)], outputs=[story(running, LISTED)])
    _, _, watcher, _ = follow(service)
    assert watcher.stages == ["RUNNING", stage, "RUNNING"]
    assert len([news for _, news in watcher.seen if news.stage is Stage[stage]]) == 1


ODD_REFUSAL = Response(401, b'{"code": 40101, "msg": "bad token"}')


@pytest.mark.parametrize("refusals", [(code(412), code(802)), (ODD_REFUSAL, ODD_REFUSAL)], ids=str)
def test_a_key_that_both_routes_refuse_ends_the_watching_of_a_running_task(
    refusals: tuple[Answer, Answer],
):
    service = Service(query=[RUNNING, refusals[0]], outputs=[refusals[1]])
    with pytest.raises(KeyRefused) as caught:
        follow(service)
    assert caught.value.fate is Fate.RUNNING
    assert 150 <= service.sent[-1].at < 240
    sentence = str(caught.value)
    assert "goes on in the cloud" in sentence
    assert f"task {TASK} --fetch" in sentence


def test_what_the_older_route_refuses_otherwise_is_no_word_on_the_key():
    service = Service(query=[RUNNING, code(412)], outputs=[code(301, "PARAMS_INVALID")])
    with pytest.raises(Refused) as caught:
        follow(service)
    assert (caught.value.code, caught.value.fate) == (301, Fate.RUNNING)
    assert caught.value.key != "error.key_refused_running"


@pytest.mark.parametrize("seen", [[], [RUNNING]], ids=["new", "seen before"])
def test_a_task_that_stays_unknown_to_both_endpoints_is_gone(seen: list[Answer]):
    service = Service(query=[*seen, code(807)], outputs=[code(807)])
    with pytest.raises(TaskNotFound) as caught:
        follow(service)
    assert caught.value.fate is Fate.OVER
    assert 150 <= service.sent[-1].at < 200


@pytest.mark.parametrize("seen", [[], [RUNNING]], ids=["new", "seen before"])
@pytest.mark.parametrize("route", ["query", "outputs"])
def test_a_task_that_both_endpoints_do_not_know_for_a_while_is_followed(
    seen: list[Answer], route: str
):
    service = Service(query=[*seen, code(1004)], outputs=[code(807)])
    late = until(120, SUCCESS if route == "query" else LISTED, code(807))
    setattr(service, route, [*(seen if route == "query" else []), late])
    report, at, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert at < 150


def test_a_task_that_one_endpoint_has_lost_is_followed_by_the_other():
    done = {"code": 0, "data": [{"fileUrl": "https://files.example/a.png", "nodeId": "9"}]}
    service = Service(
        query=[RUNNING, code(1004)],
        outputs=[lambda _: done if now() > 30 else {"code": 804, "data": None}],
    )
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS


@pytest.mark.parametrize(
    ("query", "outputs"),
    [(code(1004), OFFLINE), (code(802), AWAY), (OFFLINE, code(807)), (AWAY, code(802))],
    ids=str,
)
def test_a_refusal_is_not_believed_while_the_other_poll_is_away(query: Answer, outputs: Answer):
    service = Service(query=[RUNNING, until(300, SUCCESS, query)], outputs=[outputs])
    report, at, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert at >= 300


@pytest.mark.parametrize("query", [code(1004), code(802), OFFLINE, AWAY], ids=str)
def test_a_task_that_the_older_poll_calls_over_is_over(query: Answer):
    running = {"code": 804, "data": None}
    service = Service(query=[RUNNING, query], outputs=[until(20, code(805), running)])
    with pytest.raises(TaskFailed):
        follow(service)
    assert service.sent[-1].at < 30


def test_a_service_that_asks_for_a_slower_pace_gets_it():
    slow = Response(429, b"", {"retry-after": "25"})
    service = Service(query=[RUNNING, slow, until(5, SUCCESS)])
    _, at, _, _ = follow(service)
    first, second, third = service.times("query")
    assert third == pytest.approx(second + 25)
    assert second - first < 25
    assert at == third


@pytest.mark.parametrize("pause", ["100000", "31", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_no_pause_that_is_asked_for_ends_the_watching(pause: str):
    slow = Response(429, b"", {"retry-after": pause})
    service = Service(query=[RUNNING, slow, slow, until(5, SUCCESS)])
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    _, *paused = service.times("query")
    assert [later - earlier for earlier, later in pairwise(paused)] == pytest.approx([30, 30])


def test_limits_hold_while_a_service_asks_for_pauses():
    slow = Response(429, b"", {"retry-after": "100000"})
    for limit in ({"time_limit": 100.0}, {"paid": PaidTime(100.0)}):
        service = Service(query=[RUNNING, slow])
        with pytest.raises(TimeLimit):
            follow(service, **limit)
        assert 100 <= service.sent[-1].at <= 101
    service = Service(query=[RUNNING, slow])
    with pytest.raises(Unreachable) as caught:
        follow(service)
    assert caught.value.key == "error.lost_sight"
    assert 600 < service.sent[-1].at < 640


@pytest.mark.parametrize("start", [0, 100])
@pytest.mark.parametrize(
    "odd",
    [
        (Response(403, b""), Response(404, b"<html>")),
        (Response(404, b""), Response(403, b"")),
        (Response(403, b""), Response(403, b""), Response(404, b""), Response(407, b"")),
        (code(802), code(1014), code(404)),
    ],
    ids=["403 404", "404 403", "four", "codes"],
)
def test_odd_refusals_in_a_row_do_not_end_a_wait(odd: tuple[Answer, ...], start: float):
    refusals = list(odd)

    def answer(otherwise: Answer) -> Any:
        def give(_: object) -> Answer:
            return refusals.pop(0) if now() >= start and refusals else otherwise

        return give

    service = Service(
        query=[lambda r: answer(SUCCESS if now() > 200 else RUNNING)(r)],
        outputs=[lambda r: answer(LISTED if now() > 200 else {"code": 804, "data": None})(r)],
    )
    report, _, _, _ = follow(service)
    assert report.phase is Phase.SUCCESS
    assert not refusals


# The time limit


def test_only_running_time_counts_against_the_limit():
    service = Service(
        query=[lambda _: QUEUED if now() < 500 else RUNNING if now() < 520 else SUCCESS]
    )
    report, _, _, _ = follow(service, Phase.QUEUED, time_limit=30.0)
    assert report.phase is Phase.SUCCESS


@pytest.mark.parametrize(
    ("query", "key"), [(code(1004), "error.cost_time_unseen"), (RUNNING, "error.cost_time")]
)
def test_at_the_end_of_what_is_paid_only_what_was_seen_is_said_to_have_run(query: Answer, key: str):
    service = Service(query=[query], outputs=[code(807)])
    with pytest.raises(TimeLimit) as caught:
        follow(service, Phase.QUEUED, paid=PaidTime(30.0))
    assert caught.value.key == key


def test_a_task_that_ends_at_the_limit_is_still_taken():
    service = Service(query=[until(29.9, SUCCESS)])
    report, at, _, _ = follow(service, time_limit=30.0)
    assert report.phase is Phase.SUCCESS
    assert at <= 30


# A sleep of the machine


def after_a_sleep(answers: list[Answer], **more: Any) -> Report:
    clock = LoopClock()

    async def main() -> Report:
        asyncio.get_running_loop().call_later(20, setattr, clock, "slept", 8 * 3600.0)
        service = Service(query=[lambda _: RUNNING if now() < 20 else answers.pop(0)])
        following = Poller(service, clock, Ticket(TASK, Phase.RUNNING), Watcher(), **more)
        return await following.until_over()

    return virtually(main())


def test_a_task_that_ended_while_the_machine_slept_is_not_taken_for_too_long() -> None:
    assert after_a_sleep([OFFLINE, SUCCESS], time_limit=600.0).phase is Phase.SUCCESS


def test_a_task_that_ran_all_the_while_is_ended_by_its_limit() -> None:
    with pytest.raises(TimeLimit):
        after_a_sleep([OFFLINE, RUNNING], time_limit=600.0)


def test_a_sleep_is_no_silence_of_the_service() -> None:
    assert after_a_sleep([OFFLINE, OFFLINE, RUNNING, SUCCESS]).phase is Phase.SUCCESS


def test_a_service_that_is_mute_does_not_hold_up_the_limit() -> None:
    service = Service(query=[until(29, OFFLINE, RUNNING)])
    with pytest.raises(TimeLimit):
        follow(service, time_limit=30.0)
    assert service.sent[-1].at < 60
