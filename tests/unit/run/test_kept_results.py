"""Tasks and results of an earlier start are taken up, fetched and served, and not paid again."""

from __future__ import annotations

import pytest
from unit.run.world import PICTURE, RUNNING, SUCCESS, TASK, Answer, code, state, taken

from rh_api.errors import DiskFull, ResultUnavailable, Unreachable
from rh_api.journal import State
from rh_api.wire.call import Request
from tests.unit.run.engine_world import DAY, LOST, ORDER, fails, run


def test_a_task_that_was_left_running_is_taken_up_and_not_ordered_again(make):
    world = make(query=[RUNNING, RUNNING, LOST])
    fails(world, Unreachable)  # sight is lost after ten minutes; as good as a crash
    assert world.state() is State.RUNNING
    world.restart()
    world.service.query = [SUCCESS]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1
    # When it started was not seen, so its length says nothing.
    assert world.rows.store.caches.run_times(ORDER.program_key, "default") == []


def test_results_that_did_not_arrive_are_fetched_without_an_order(make):
    text = {"nodeId": "10", "text": "a caption", "outputType": "txt"}
    pictures = [{**PICTURE, "nodeId": "12"}, text, PICTURE]
    usage = {"consumeCoins": "17", "taskCostTime": "83"}
    world = make(query=[state("SUCCESS", pictures, usage=usage)])
    world.files.failing = ResultUnavailable(reason="offline", is_transient=True)
    error = fails(world, ResultUnavailable)
    assert error.task_id == TASK
    world.files.failing = None
    world.restart()
    outcome = run(world)
    assert [result.node_id for result in outcome.results] == ["12", "10", "9"]
    assert outcome.results[1].text == "a caption"
    assert (outcome.usage.coins, outcome.usage.seconds) == ("17", "83")
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1


def test_results_that_are_here_are_served_for_nothing(make):
    world = make(query=[SUCCESS])
    first = run(world)
    world.restart()
    second = run(world)
    assert second.kept
    assert not first.kept
    assert [r.path for r in second.results] == [r.path for r in first.results]
    assert len(world.service.times("create")) == 1
    assert world.prepared == 1


@pytest.mark.parametrize("wish", [{"again": True}, {"serve": False}])
def test_a_new_run_is_ordered_when_asked_for(make, wish: dict[str, bool]):
    world = make(query=[SUCCESS])
    run(world)
    assert not run(world, **wish).kept
    assert len(world.service.times("create")) == 2


def test_results_that_were_deleted_here_are_fetched_again(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1


def test_results_that_are_gone_everywhere_are_ordered_anew(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.rows.later(25 * 3600)
    world.files.refuse = gone
    world.service.outputs = [code(807)]
    world.service.create = [lambda _: setattr(world.files, "refuse", lambda _: None) or taken("2")]

    def poll(request: Request) -> Answer:
        return SUCCESS if (request.body or {})["taskId"] == "2" else code(1004)

    world.service.query = [poll]
    assert run(world).task_id == "2"
    assert len(world.service.times("create")) == 2


def test_a_clock_that_was_set_forward_gives_up_no_results(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.rows.later(3 * DAY)
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1


def test_a_clock_that_was_set_back_pays_for_nothing_twice(make):
    world = make(query=[SUCCESS])
    run(world)
    world.rows.later(-DAY)
    assert run(world).kept
    assert len(world.service.times("create")) == 1


def test_results_that_may_come_back_stay_owed_while_the_order_is_young(make):
    world = make(query=[SUCCESS])
    (result,) = run(world).results
    assert result.path is not None
    result.path.unlink()
    world.rows.later(-DAY)
    world.files.refuse = gone
    fails(world, ResultUnavailable)
    assert len(world.service.times("create")) == 1


def gone(_: str) -> ResultUnavailable:
    return ResultUnavailable(reason="HTTP 404", status=404)


def signed(sign: str) -> Answer:
    return state("SUCCESS", [{**PICTURE, "url": f"{PICTURE['url']}?sign={sign}"}])


def expired(url: str) -> ResultUnavailable | None:
    if "sign=old" not in url:
        return None
    return ResultUnavailable(reason="HTTP 403", status=403)


def test_a_result_whose_address_has_expired_is_fetched_by_a_new_one(make):
    world = make(query=[signed("old"), signed("new")])
    world.files.refuse = expired
    (result,) = run(world).results
    assert result.url.endswith("sign=new")
    assert len(world.service.times("query")) == 2


def test_a_result_that_only_the_new_list_has_is_kept_like_the_others(make):
    other = {**PICTURE, "nodeId": "12", "url": f"{PICTURE['url']}?sign=new&other"}
    fresh = {**PICTURE, "url": f"{PICTURE['url']}?sign=new"}
    world = make(query=[signed("old"), state("SUCCESS", [fresh, other])])
    world.files.refuse = expired
    assert len(run(world).results) == 2
    world.restart()
    again = run(world)
    assert [result.node_id for result in again.results] == ["9", "12"]
    assert again.kept
    assert len(world.service.times("create")) == 1


def test_where_there_is_no_other_address_the_result_stays_owed(make):
    world = make(query=[signed("old")])
    world.files.refuse = expired
    fails(world, ResultUnavailable)
    assert len(world.service.times("query")) == 2
    world.service.query = [signed("new")]
    assert run(world).results[0].url.endswith("sign=new")
    assert len(world.service.times("create")) == 1


def test_a_full_disk_keeps_the_task_and_goes_on_when_there_is_room(make):
    world = make(query=[SUCCESS])
    world.files.failing = DiskFull(folder="x")
    assert fails(world, DiskFull).task_id == TASK
    assert world.state() is State.DONE
    world.files.failing = None
    world.restart()
    assert run(world).results[0].path is not None
    assert len(world.service.times("create")) == 1
