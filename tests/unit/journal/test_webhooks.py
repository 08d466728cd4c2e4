"""Addresses that orders carry: told apart by a hash, believed only while they prove themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rh_api.journal import Address, Store, token_hash
from rh_api.journal.webhooks import ALIVE, GRACE, remove_heartbeat, touch_heartbeat
from tests.support.clocks import SetClock
from tests.unit.journal.samples import identity, place

TUNNEL = "https://tunnel.example"
TOKEN = "a-token-that-nobody-guesses"


def carrying(store: Store, item: int = 0, base: str = TUNNEL, token: str = "") -> int:
    """An order that runs, with an address."""
    address = Address(base, token_hash(token or f"token-{item}"))
    order = store.intend(identity(item), instance="plus", what={}, webhook=address)
    store.set_placed(order, f"task-{item}")
    return order


@pytest.fixture
def served(tmp_path: Path, clock: SetClock) -> Callable[[], None]:
    """A listener serves the folder now, by the clock of the rows; and once more when called."""

    def sign() -> None:
        touch_heartbeat(tmp_path)
        os.utime(tmp_path / "webhooks.alive", (clock.now, clock.now))

    sign()
    return sign


def test_a_token_is_kept_as_a_hash_alone(store: Store, tmp_path: Path) -> None:
    order = carrying(store, token=TOKEN)

    expected = store.webhooks.expected(token_hash(TOKEN))
    assert expected is not None
    assert (expected.order, expected.task_id, expected.heard) == (order, "task-0", False)
    assert store.webhooks.expected(token_hash("another")) is None
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert TUNNEL.encode() in written
    assert TOKEN.encode() not in written


def test_what_was_heard_is_heard_in_every_process(
    store: Store, tmp_path: Path, clock: SetClock
) -> None:
    first, second, plain = carrying(store), carrying(store, 1), place(store, 2)
    other = Store.open(tmp_path, clock=clock)
    other.webhooks.hear([second, second, plain, 999])
    other.close()

    assert store.webhooks.received([first, second, plain]) == {second}
    assert store.webhooks.received([first]) == set()
    assert store.webhooks.received([]) == set()


@pytest.mark.usefixtures("served")
def test_a_delivery_is_promised_only_after_one_came_at_the_same_address(store: Store) -> None:
    first, second = carrying(store), carrying(store, 1)
    elsewhere = carrying(store, 2, base="https://another.example")
    assert store.webhooks.promised(first) is False

    store.webhooks.hear([first])
    assert store.webhooks.promised(second) is True
    assert store.webhooks.promised(elsewhere) is False
    assert store.webhooks.promised(place(store, 3)) is None


def test_a_delivery_that_did_not_come_ends_the_promise(
    store: Store, clock: SetClock, served: Callable[[], None]
) -> None:
    first, missed, third = carrying(store), carrying(store, 1), carrying(store, 2)
    store.webhooks.hear([first])
    store.set_done(missed)
    assert store.webhooks.promised(third) is True, "it may still be on the way"

    clock.now += GRACE + 1
    served()
    assert store.webhooks.promised(third) is False
    store.webhooks.hear([missed])
    assert store.webhooks.promised(third) is True


def test_a_stopped_order_says_nothing_of_the_line(
    store: Store, clock: SetClock, served: Callable[[], None]
) -> None:
    first, stopped, third = carrying(store), carrying(store, 1), carrying(store, 2)
    store.webhooks.hear([first])
    store.set_cancelled(stopped)
    clock.now += GRACE + 1
    served()
    assert store.webhooks.promised(third) is True


@pytest.mark.usefixtures("served")
def test_nothing_is_promised_without_a_listener(
    store: Store, tmp_path: Path, clock: SetClock
) -> None:
    order = carrying(store)
    store.webhooks.hear([order])
    assert store.webhooks.promised(order) is True

    clock.now += ALIVE + 1
    assert store.webhooks.promised(order) is False
    clock.now -= ALIVE + 1
    remove_heartbeat(tmp_path)
    assert store.webhooks.promised(order) is False


def test_an_address_goes_with_its_order(store: Store) -> None:
    order = store.intend(
        identity(), instance="plus", what={}, webhook=Address(TUNNEL, token_hash(TOKEN))
    )
    store.drop(order)
    assert store.webhooks.expected(token_hash(TOKEN)) is None
