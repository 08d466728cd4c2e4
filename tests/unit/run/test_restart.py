"""What a restart finds: time limits, cancels to repeat, open orders."""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate

import pytest
from unit.run.world import QUEUED, RUNNING, SUCCESS, TASK, Answer, code, now, state, taken, until

from rh_api.errors import (
    RunningHubError,
    TaskCancelled,
    TaskFailed,
    TimeLimit,
    Uncertain,
    Unreachable,
)
from rh_api.journal import State
from rh_api.run.orders import Order
from rh_api.wire.call import Request, Response
from tests.unit.run.engine_world import (
    CANCELLED,
    DAY,
    LOST,
    ORDER,
    World,
    fails,
    play,
    questions,
    run,
    stop_at,
    stopped_until_asked,
)


def test_the_time_limit_counts_what_ran_before_the_restart(make):
    limited = Order(ORDER.program_id, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.rows.later(700)  # of its running time, without us
    world.service.query = [lambda _: CANCELLED if world.service.times("cancel") else RUNNING]
    fails(world, TimeLimit, order=limited)
    assert 250 < world.service.times("cancel")[0] < 310
    assert world.state(limited) is State.CANCELLED


def dated(answer: Answer, ahead: float) -> Answer:
    """An answer with a Date header, by the clock of a service that nobody sets."""

    def reply(_: Request) -> Response:
        date = formatdate(SERVICE_BEGAN + now() + ahead, usegmt=True)
        return Response(200, json.dumps(answer).encode(), {"date": date})

    return reply


SERVICE_BEGAN = 1_900_000_000.0


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_clock_that_was_set_meanwhile_does_not_end_a_task_at_its_limit(make, seconds: float):
    limited = Order(ORDER.program_id, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(create=[dated(taken(), 0)], query=[dated(RUNNING, 0), LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.rows.later(seconds)
    away = 700.0
    world.service.query = [dated(RUNNING, away)] * 3 + [dated(SUCCESS, away)]
    assert run(world, order=limited).task_id == TASK
    assert world.service.times("cancel") == []


def test_by_the_service_s_clock_the_limit_is_kept_whatever_this_machine_s_says(make):
    limited = Order(ORDER.program_id, inputs=ORDER.inputs, time_limit=1000.0)
    world = make(create=[dated(taken(), 0)], query=[dated(RUNNING, 0), LOST])
    fails(world, Unreachable, order=limited)
    world.restart()
    world.rows.later(-DAY)
    away = 700.0  # of its running time, when we are back
    world.service.query = [
        lambda request: (
            CANCELLED if world.service.times("cancel") else dated(RUNNING, away)(request)
        )  # type: ignore[operator]
    ]
    fails(world, TimeLimit, order=limited)
    assert 250 < world.service.times("cancel")[0] < 310


def test_time_in_the_queue_does_not_count_after_a_restart(make):
    limited = Order(ORDER.program_id, inputs=ORDER.inputs, time_limit=100.0)
    world = make(create=[taken(status="QUEUED")], query=[QUEUED, LOST])
    fails(world, Unreachable, order=limited)
    assert world.state(limited) is State.PLACED
    world.restart()
    world.rows.later(7000)
    world.service.query = [QUEUED, QUEUED, RUNNING, SUCCESS]
    assert run(world, order=limited).task_id == TASK


def stopped_without_proof(world: World) -> None:
    """Stop is pressed, and the service is not heard of."""
    world.service.query = [RUNNING]
    world.service.cancel = [code(500)]
    stop_at(world, 5)
    row = world.row()
    assert row is not None
    assert row.cancel == "wanted"
    world.service.sent.clear()
    world.stops.clear()
    world.restart()


def test_a_stopped_order_that_became_a_question_is_cancelled_at_the_next_start(make):
    world = make(query=[code(1004)], outputs=[code(807)], cancel=[code(807)])
    play(world, lambda: stopped_until_asked(world))
    (order,) = play(world, questions(world).open_orders)
    assert (order.state, order.cancelling) == (State.UNCERTAIN, True)
    play(world, questions(world).repeat_cancels)
    assert world.state() is State.UNCERTAIN  # nobody knows it still
    world.service.query = [RUNNING]
    world.service.cancel = [lambda _: world.service.query.__setitem__(0, CANCELLED) or code(0)]
    play(world, questions(world).repeat_cancels)
    assert world.state() is State.CANCELLED


def test_what_still_cannot_be_cancelled_is_taken_up_when_it_is_wanted_again(make):
    world = make()
    stopped_without_proof(world)
    world.service.query = [until(3, SUCCESS)]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 0


MUTE_FAILURES = [
    {**RUNNING, "status": "FAILED", "errorCode": code, "errorMessage": text}
    for code, text in (("", ""), ("805", "APIKEY_TASK_STATUS_ERROR"), ("1000", "unknown error"))
]
"""How a cancelled task may be reported, with no more reason than a failed one."""


@pytest.mark.parametrize("end", [CANCELLED, *MUTE_FAILURES], ids=str)
def test_what_turns_out_to_be_cancelled_is_ordered_anew(make, end: Answer):
    world = make()
    stopped_without_proof(world)
    world.service.create = [taken("2")]

    def poll(request: Request) -> Answer:
        return SUCCESS if (request.body or {})["taskId"] == "2" else end

    world.service.query = [poll]
    assert run(world).task_id == "2"
    assert len(world.service.times("create")) == 1


@pytest.mark.parametrize(
    ("end", "kind"), [(CANCELLED, TaskCancelled), (state("FAILED"), TaskFailed)], ids=str
)
def test_what_ends_without_a_word_and_nobody_here_stopped_is_not_ordered_anew(
    make, end: Answer, kind: type[RunningHubError]
):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query = [end]
    fails(world, kind)
    assert len(world.service.times("create")) == 1


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ({"errorCode": "805", "errorMessage": "out of memory"}, "out of memory"),
        ({"errorMessage": "out of memory"}, "out of memory"),
        ({"errorCode": "1015"}, "1015"),
    ],
)
def test_what_failed_with_a_reason_after_a_stop_is_told_and_not_ordered_anew(
    make, reason: dict[str, str], told: str
):
    world = make()
    stopped_without_proof(world)
    world.service.query = [{**RUNNING, "status": "FAILED", **reason}]
    assert told in str(fails(world, TaskFailed))
    assert len(world.service.times("create")) == 0


def test_open_orders_are_those_of_before_that_nobody_waits_for(make):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query = [until(30, SUCCESS)]
    before = questions(world)

    async def story() -> None:
        (order,) = await before.open_orders()
        assert (order.task_id, order.state, order.program) == (
            TASK,
            State.RUNNING,
            ORDER.program_key,
        )
        assert order.inputs == ORDER.inputs
        assert not order.is_uncertain
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(5)
        assert await before.open_orders() == []
        await job
        assert await before.open_orders() == []

    play(world, story)


@pytest.mark.parametrize(
    ("last", "left"),
    [(state("FAILED", errorCode="805"), State.FAILED), (CANCELLED, State.CANCELLED)],
)
def test_a_look_at_a_task_that_has_failed_closes_its_order(make, last: Answer, left: State):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query, world.service.outputs = [last], [code(805)]
    play(world, lambda: world.engine.report(TASK))
    assert world.state() is left
    assert play(world, questions(world).open_orders) == []


@pytest.mark.parametrize("bare", [state("FAILED"), CANCELLED], ids=str)
def test_a_look_closes_no_order_that_the_older_poll_knows_to_run(make, bare: Answer):
    world = make(query=[RUNNING, LOST])
    fails(world, Unreachable)
    world.restart()
    world.service.query, world.service.outputs = [bare], [code(804)]
    assert not play(world, lambda: world.engine.report(TASK)).phase.is_over
    world.service.query = [SUCCESS]
    assert run(world).task_id == TASK
    assert len(world.service.times("create")) == 1


def test_an_order_of_this_start_is_open_too_and_told_from_those_of_before(make):
    world = make(create=[LOST])
    before = questions(world)
    fails(world, Uncertain)
    (order,) = play(world, before.open_orders)
    assert (order.is_uncertain, order.from_before) == (True, False)
    world.restart()
    (order,) = play(world, questions(world).open_orders)
    assert order.from_before


def test_an_order_that_is_being_placed_is_no_open_one(make):
    world = make(create=[LOST], query=[SUCCESS])
    world.service.latency = 5.0
    before = questions(world)

    async def story() -> None:
        job = asyncio.ensure_future(world.run())
        await asyncio.sleep(8)  # between the limit's answer and the create's
        assert world.state() is State.INTENDED
        assert await before.open_orders() == []
        await asyncio.wait((job,))
        job.exception()

    play(world, story)
