"""Tasks and results of an earlier start are taken up, fetched and served, and not paid again."""

from __future__ import annotations

from unit.run.world import PICTURE, RUNNING, SUCCESS, TASK, Answer, state

from rh_api.errors import ResultUnavailable, Unreachable
from rh_api.journal import State
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
