"""An order from its row to its file, and every way in which it may end."""

from __future__ import annotations

from unit.run.world import TASK, Answer

from rh_api.errors import GraphRejected
from rh_api.journal import State
from tests.unit.run.engine_world import CANCELLED, fails, run

# Ends


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
