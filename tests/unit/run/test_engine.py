"""An order from its row to its file, and every way in which it may end."""

from __future__ import annotations

import pytest
from unit.run.world import PICTURE, QUEUED, RUNNING, SUCCESS, TASK, Answer, state, taken, until

from rh_api.errors import GraphRejected, NoOutput, RunningHubError, TaskCancelled, TaskFailed
from rh_api.journal import State
from tests.unit.run.engine_world import CANCELLED, ORDER, fails, run


def test_an_order_goes_from_its_row_to_its_file(make):
    world = make(query=[QUEUED, until(10, SUCCESS)], create=[taken(status="QUEUED")])
    outcome = run(world)
    (result,) = outcome.results
    assert outcome.task_id == TASK
    assert result.path is not None
    assert result.path.read_bytes() == PICTURE["url"].encode()
    assert world.watcher.stages == ["ORDERING", "QUEUED", "RUNNING", "DOWNLOADING"]
    row = world.row()
    assert row is not None
    assert (row.state, row.task_id) == (State.DONE, TASK)
    (stored,) = world.rows.store.results(row.id)
    assert stored.path is not None
    assert (world.folder / stored.path).samefile(result.path)
    (sent,) = [sent for sent in world.service.sent if sent.path == "create"]
    assert sent.fresh
    assert sent.body["nodeInfoList"] == [
        {"nodeId": "6", "fieldName": "text", "fieldValue": "a cat"}
    ]


def test_the_row_is_written_before_the_request_leaves(make):
    seen: list[State | None] = []

    def look(_: object) -> Answer:
        seen.append(world.state())
        return taken()

    world = make(create=[look])
    run(world)
    assert seen == [State.INTENDED]


def test_the_task_s_id_is_written_before_it_is_followed(make):
    seen: list[tuple[State | None, str | None]] = []

    def look(_: object) -> Answer:
        row = world.row()
        seen.append((row and row.state, row and row.task_id))
        return SUCCESS

    world = make(query=[look])
    run(world)
    assert seen == [(State.RUNNING, TASK)]


# Ends


@pytest.mark.parametrize(
    ("last", "kind", "left"),
    [
        (state("FAILED", errorCode="805"), TaskFailed, State.FAILED),
        (state("CANCEL"), TaskCancelled, State.CANCELLED),
        (state("SUCCESS", []), NoOutput, State.DONE),
    ],
)
def test_every_end_is_in_the_book_and_names_the_task(
    make, last: Answer, kind: type[RunningHubError], left: State
):
    world = make(query=[RUNNING, last])
    assert fails(world, kind).task_id == TASK
    assert world.state() is left
    assert world.service.times("cancel") == []


def tips(outputs: list[str]) -> Answer:
    node = {"errors": [{"message": "Value not in list"}], "class_type": "Loader"}
    details = {"outputs_to_execute": outputs, "node_errors": {"4": node}}
    return {"code": 0, "data": {"taskId": TASK, "taskStatus": "RUNNING", "promptTips": details}}


def test_an_order_of_which_nothing_will_run_is_cancelled_and_refused(make):
    world = make(create=[tips([])], query=[CANCELLED])
    error = fails(world, GraphRejected)
    assert (error.node_id, error.task_id) == ("4", TASK)
    assert len(world.service.times("cancel")) == 1
    assert world.state() is State.CANCELLED


def test_an_order_of_which_a_part_runs_is_followed(make):
    world = make(create=[tips(["9"])])
    outcome = run(world)
    assert outcome.tips.outputs == ("9",)
    assert list(outcome.tips.node_errors) == ["4"]


def test_run_times_are_remembered_for_the_next(make):
    world = make(query=[until(10, SUCCESS)])
    run(world)
    (seconds,) = world.rows.store.caches.run_times(ORDER.program_key, "default")
    assert 5 <= seconds <= 15
