"""One rule for every call: nothing is asked again that may have had an effect."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.run.world import Service, virtually

from rh_api import errors
from rh_api.errors import (
    BadReply,
    Fate,
    KeyRefused,
    QueueFull,
    RateLimited,
    RunningHubError,
    ServiceFault,
    Unreachable,
    UploadFailed,
)
from rh_api.run.retry import (
    BUDGET,
    MAX_PAUSE,
    MAX_RETRY_AFTER,
    PATIENCE,
    REFILL,
    RETRY_COST,
    TRIES,
    Retry,
    RetryBudget,
    Sender,
)
from rh_api.wire.tasks import cancel
from tests.support.clocks import LoopClock

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, RunningHubError)
]
ERRORS = st.builds(
    lambda kind, fate: kind(fate=fate), st.sampled_from(KINDS), st.none() | st.sampled_from(Fate)
)


@settings(deadline=None)
@given(st.lists(ERRORS, min_size=1, max_size=10), st.booleans(), st.integers(1, 5), st.integers())
def test_never_more_than_its_tries_and_never_an_unknown_create(
    failures: list[RunningHubError], repeatable: bool, tries: int, seed: int
):
    rule = Retry(RetryBudget(), repeatable, tries, random.Random(seed))
    again = 0
    for error in failures:
        pause = rule.pause_before_next(error)
        if pause is None:
            break
        again += 1
        assert 0 <= pause <= MAX_PAUSE
        assert error.fate is not Fate.RUNNING or isinstance(error, RateLimited)
        if not repeatable:
            assert error.fate is Fate.NOT_STARTED or isinstance(error, RateLimited)
    assert again < tries


@pytest.mark.parametrize(
    ("error", "create", "other"),
    [
        (Unreachable(fate=Fate.NOT_STARTED), True, True),
        (Unreachable(fate=Fate.UNKNOWN), False, True),
        (BadReply(), False, True),
        (BadReply(fate=Fate.NOT_STARTED), False, True),
        (ServiceFault(), False, True),
        (UploadFailed(), True, True),
        (RateLimited(), True, True),
        (KeyRefused(), False, False),
        (QueueFull(), False, False),
        (errors.UnknownCode(), False, False),
        (errors.TaskFailed(), False, False),
        (errors.Redirected(), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_asked_again(error: RunningHubError, create: bool, other: bool):
    assert (Retry(RetryBudget(), repeatable=False).pause_before_next(error) is not None) is create
    assert (Retry(RetryBudget(), repeatable=True).pause_before_next(error) is not None) is other


def slow(seconds: float | None) -> RateLimited:
    return RateLimited(retry_after=seconds)


def test_a_pace_beyond_patience_is_not_waited_for():
    assert (
        Retry(RetryBudget(), repeatable=True).pause_before_next(slow(MAX_RETRY_AFTER + 1)) is None
    )


@settings(deadline=None)
@given(st.integers())
def test_pauses_grow_and_are_spread(seed: int):
    rule = Retry(RetryBudget(), repeatable=True, tries=20, chance=random.Random(seed))
    pauses = [rule.pause_before_next(ServiceFault()) for _ in range(10)]
    assert all(p is not None and p <= 0.5 * 2**i for i, p in enumerate(pauses))
    assert len(set(pauses)) == len(pauses)


def test_when_everything_fails_the_calls_of_a_client_stop_asking_again():
    budget = RetryBudget()
    again = [
        Retry(budget, repeatable=True).pause_before_next(ServiceFault()) is not None
        for _ in range(100)
    ]
    assert 0 < sum(again) < 50
    assert not again[-1]
    for _ in range(1000):
        budget.succeeded()
    assert budget.tokens == BUDGET
    assert Retry(budget, repeatable=True).pause_before_next(ServiceFault()) is not None


DAY = 86_400.0  # since the machine started


@pytest.mark.parametrize(
    ("error", "repeatable", "waited"),
    [
        (Unreachable(fate=Fate.UNKNOWN), True, True),
        (Unreachable(fate=Fate.NOT_STARTED), False, True),
        (Unreachable(fate=Fate.UNKNOWN), False, False),
        (Unreachable("error.tls", fate=Fate.UNKNOWN), True, False),
        (ServiceFault(), True, False),
    ],
    ids=["away", "never left", "may have arrived", "a certificate", "a fault"],
)
def test_only_a_line_that_is_gone_is_waited_for_and_by_what_may_go_again_alone(
    error: RunningHubError, repeatable: bool, waited: bool
):
    rule, now, again = Retry(RetryBudget(), repeatable, waits=True), DAY, 0
    while (pause := rule.pause_before_next(error, now)) is not None:
        now, again = now + pause, again + 1
    assert (now >= DAY + PATIENCE) is waited
    assert waited or again == (TRIES - 1 if repeatable else 0)


def test_however_long_each_takes_a_transfer_has_all_its_tries():
    rule, now, again = Retry(RetryBudget(), repeatable=True, waits=True), 0.0, 0
    while rule.pause_before_next(Unreachable("error.too_slow"), now) is not None:
        now, again = now + PATIENCE, again + 1
    assert again == TRIES - 1


def test_what_succeeds_pays_for_what_is_asked_again():
    refill = [{"code": 0, "data": None}] * int(RETRY_COST / REFILL)
    service = Service(cancel=[*refill, {"code": 500}, {"code": 0}])

    async def story() -> None:
        sender = Sender(service, LoopClock(), RetryBudget(0.0))
        for _ in range(len(refill) + 1):
            await sender.send(cancel("1"))

    virtually(story())
    assert len(service.sent) == len(refill) + 2
