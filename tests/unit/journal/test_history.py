"""Looking back: what is found, in which order, what it cost, and what deleting leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.groups.history import read_since, search_query, spent_csv
from rh_api.journal import Identity, ResultRow, State, Store
from rh_api.journal.history import READ_AT_ONCE, Query, Spent
from rh_api.money.amounts import MICRO, micros
from rh_api.wire.tasks import Usage
from tests.support.clocks import SetClock
from tests.unit.journal.samples import prune

SITE, KEY = "https://www.runninghub.ai", "a1b2c3d4e5f60718"
OWN = (SITE, KEY)
DAY = 86_400.0


def add(
    store: Store,
    text: str = "a cat",
    *,
    state: State = State.DONE,
    program: str = "1900000000000000109",
    task: str = "",
    account: str = KEY,
    name: str = "",
    coins: str | None = "3",
    money: str | None = None,
) -> int:
    """An order that went as far as `state`."""
    item = store.last_order()
    identity = Identity(SITE, account, program, "", text, item)
    details = {"inputs": {"6.text": text, "10.image": {"sha256": "f" * 64}}, "name": name}
    order = store.intend(identity, instance="default", what=details)
    if state in (State.INTENDED, State.UNCERTAIN):
        if state is State.UNCERTAIN:
            store.set_uncertain(order, key="error.unreachable")
        return order
    store.set_placed(order, task or f"2000{order}")
    if state is State.DONE:
        file = ResultRow("9", 0, "image", "https://x/1.png", f"results/{order}/1.png", 5)
        store.set_done(order, Usage(coins, money), results=[file, ResultRow("9", 1, "", text="t")])
    elif state is State.FAILED:
        store.set_failed(order, key="error.task_failed")
    elif state is State.CANCELLED:
        store.set_cancelled(order)
    return order


def search(store: Store, query: Query | str = "", **more: object) -> list[int]:
    query = search_query(query) if isinstance(query, str) else query
    values = {"account": None, "before": None, "limit": 50, **more}
    return [entry.row.id for entry in store.history.page(query, **values)]  # type: ignore[arg-type]


def test_pages_are_newest_first_and_leave_nothing_out(store: Store) -> None:
    orders = [add(store, f"picture {number}") for number in range(7)]
    first = search(store, limit=3)
    second = search(store, limit=3, before=first[-1])
    third = search(store, limit=3, before=second[-1])
    assert first + second + third == orders[::-1]


def test_a_page_tells_how_many_results_there_are_and_the_first(store: Store) -> None:
    add(store)
    (entry,) = store.history.page(Query(), None, None, 5)
    assert entry.results == 2
    assert entry.first == ResultRow("9", 0, "image", "https://x/1.png", "results/1/1.png", 5)


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        ("cat", ["a CAT on a roof", "cats and 100% rain"]),
        ("CAT roof", ["a CAT on a roof"]),
        ("roof rain", []),
        ("100%", ["cats and 100% rain"]),
        ("猫", ["一只猫在屋顶"]),
        ("\uff43\uff41\uff54", ["a CAT on a roof", "cats and 100% rain"]),
        ("' OR 1=1 --", []),
    ],
)
def test_words_are_found_in_an_order_s_own_texts(
    store: Store, words: str, texts: list[str]
) -> None:
    orders = {
        add(store, text): text for text in ("一只猫在屋顶", "cats and 100% rain", "a CAT on a roof")
    }
    assert [orders[order] for order in search(store, words)] == texts


def test_texts_of_many_orders_are_noted_in_pieces_before_a_search(store: Store) -> None:
    add(store, "the first")
    many = 2 * READ_AT_ONCE
    with closing(sqlite3.connect(store.folder / "orders.sqlite3")) as db, db:
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(orders)")][1:]
        own = {"identity_digest": "'copy ' || n", "task_id": "n"}
        values = ", ".join(own.get(name, name) for name in columns)
        counted = f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {many})"
        into = f"INSERT INTO orders ({', '.join(columns)})"
        db.execute(f"{counted} {into} SELECT {values} FROM orders, c WHERE id = 1")
    last = add(store, "the last")
    pieces = 1
    while store.history.read_words():
        pieces += 1
    assert pieces == 3
    assert not store.history.read_words()
    assert len(search(store, "first", limit=2 * many)) == many + 1
    assert search(store, "last") == [last]


def test_names_programs_tasks_and_numbers_are_found(store: Store) -> None:
    named = add(store, name="Portrait of a Fox")
    model = add(store, program="model/rhart-image-n-pro/edit")
    task = add(store, task="1955123456789012345")
    assert search(store, "portrait") == [named]
    assert search(store, "n-pro/edit") == [model]
    assert search(store, "195512345") == [task]
    assert search(store, "23456789") == []  # of an id the beginning counts
    assert search(store, f"#{model}") == [model]


def test_a_file_s_hash_finds_nothing(store: Store) -> None:
    add(store)
    assert search(store, "ffffffff") == []


def test_a_state_is_a_word_and_a_filter(store: Store) -> None:
    failed, done = add(store, state=State.FAILED), add(store)
    named = add(store, "a failed soufflé")
    running = add(store, state=State.PLACED)
    uncertain = add(store, state=State.UNCERTAIN)
    assert search(store, "failed") == [named, failed]
    assert search(store, Query(states=(State.FAILED,))) == [failed]
    assert search(store, Query(states=(State.UNCERTAIN, State.PLACED, State.DONE))) == [
        uncertain,
        running,
        named,
        done,
    ]


def test_days_bound_what_is_found(store: Store, clock: SetClock) -> None:
    orders = []
    for date in ("2027-03-01", "2027-03-02", "2027-04-01"):
        clock.now = read_since(date, 0.0) + 3600
        orders.append(add(store))
    assert search(store, "2027-03-02") == [orders[1]]
    assert search(store, "2027-03") == [orders[1], orders[0]]
    assert search(store, "2027-02") == []
    assert search(store, Query(since=clock.now - DAY)) == [orders[2]]
    assert search(store, Query(since=clock.now + DAY)) == []
    assert search(store, "2027-13-77") == []


def test_orders_of_a_clock_that_was_set_back_are_found_by_their_day(
    store: Store, clock: SetClock
) -> None:
    later = read_since("2027-03-02", 0.0) + 60
    clock.now = later
    first = add(store)
    clock.now = later - 2 * DAY
    second = add(store)
    clock.now = later
    third = add(store)
    assert search(store, "2027-03-02") == [third, first]
    assert search(store, "2027-02-28") == [second]


def test_costs_are_compared(store: Store) -> None:
    cheap, dear = add(store, coins="3"), add(store, coins="30")
    wallet = add(store, coins=None, money="0.25")
    untold = add(store, coins=None)
    assert search(store, ">5") == [dear]
    assert search(store, "<=3") == [wallet, cheap]
    assert search(store, "=0.25") == [wallet]
    assert untold not in search(store, ">=0")


def test_accounts_are_apart_unless_all_are_asked_for(store: Store) -> None:
    own, other = add(store), add(store, account="0" * 16)
    assert search(store, account=OWN) == [own]
    assert search(store) == [other, own]


def test_an_order_of_before_the_searched_texts_is_found(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        add(store, "an old Castle 城堡")
    with closing(sqlite3.connect(tmp_path / "orders.sqlite3")) as db:
        db.executescript(
            "DROP TABLE amounts; DROP TABLE reservations; DROP TABLE limits; DROP TABLE ends;"
            "DROP TABLE webhooks;"
            "DROP TABLE words; DROP INDEX tasks; DROP INDEX states; DROP INDEX days;"
            "DROP INDEX spent; DROP INDEX programs; ALTER TABLE orders DROP COLUMN deleted;"
            "PRAGMA user_version = 2"
        )
    with closing(Store.open(tmp_path)) as store:
        assert search(store, "castle") == [1]
        assert search(store, "城堡") == [1]


def test_sums_of_a_period_are_exact(store: Store, clock: SetClock) -> None:
    start = clock.now
    for _ in range(10):
        add(store, coins="1", money="0.1")
    add(store, coins=None, state=State.DONE)
    add(store, state=State.PLACED)
    clock.now = start + DAY
    add(store, coins="100")
    (spent,) = store.history.spent(OWN, start, start + DAY)
    assert (spent.orders, spent.untold) == (11, 1)
    assert (spent.coins, spent.money) == (Decimal(10), Decimal(1))
    assert spent.third_party_money is None
    assert store.history.spent(OWN, start - DAY, start) == []


NUMBERS = st.decimals(0, 10**10, allow_nan=False, places=7).map(str)
ODD = st.text("0123456789.+-e_ ٣", max_size=18)


@given(st.lists(NUMBERS | ODD | st.integers(0, 10**10).map(str), min_size=1, max_size=20))
def test_any_text_is_summed_as_limits_read_it(costs: list[str]) -> None:
    with TemporaryDirectory() as folder, closing(Store.open(Path(folder))) as store:
        with store.together():
            for cost in costs:
                add(store, coins=None, money=cost)
        (spent,) = store.history.spent(OWN, 0, store.now() + 1)
    amounts = [amount for amount in map(micros, costs) if amount is not None]
    assert spent.untold == len(costs) - len(amounts)
    assert spent.money == (Decimal(sum(amounts)) / MICRO if amounts else None)


def test_programs_are_summed_each_under_its_latest_name(store: Store, clock: SetClock) -> None:
    add(store, program="app/1", name="Old name", coins="4")
    add(store, program="app/1", name="New name", coins="4")
    add(store, program="app/2", coins="9")
    add(store, program="app/3", coins="900", account="0" * 16)
    spent = store.history.spent(OWN, clock.now, clock.now + 1, by_program=True)
    assert [(total.program, total.name, total.orders, total.coins) for total in spent] == [
        ("app/2", "", 1, Decimal(9)),
        ("app/1", "New name", 2, Decimal(8)),
    ]


def test_what_is_deleted_is_gone_and_still_counts(store: Store, clock: SetClock) -> None:
    secret, running = add(store, "a secret"), add(store, state=State.PLACED)
    row = store.order(secret)
    assert row is not None
    assert store.history.delete([secret, running, 77, secret]) == [secret]
    assert search(store) == [running]
    assert search(store, "secret") == []
    assert store.find(row.identity_digest) is None
    assert store.results(secret) == []
    gone = store.order(secret)
    assert gone is not None
    assert "secret" not in repr(gone)
    (spent,) = store.history.spent(OWN, clock.now, clock.now + 1)
    assert spent.coins == Decimal(3)


def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet() -> None:
    spent = Spent(0.0, "app/1", "=HYPERLINK(1)", 2, 0, Decimal("1.50"), None, None)
    assert spent_csv([spent], "USD").splitlines() == [
        "day,program,name,orders,untold,coins,money,third_party_money,currency",
        ",app/1,'=HYPERLINK(1),2,0,1.5,,,",
    ]


def test_what_is_kept_for_a_shorter_time_than_spend_is_told_still_counts(
    store: Store, clock: SetClock
) -> None:
    start = clock.now
    add(store, "old")
    clock.now = start + 10 * DAY
    add(store, "new")
    assert store.history.old_orders(clock.now, 7, 1000) == [1]
    assert prune(store, clock.now, 7, 1000) == [1]
    assert search(store) == [2]
    assert store.history.old_orders(clock.now, 7, 1000) == []
    (spent,) = store.history.spent(OWN, start, clock.now + 1)
    assert spent.orders == 2
    clock.now = start + 40 * DAY
    add(store, "newer")
    prune(store, clock.now, 7, 1000)
    assert store.order(1) is None
    assert store.order(2) is not None


def test_a_comparison_that_is_none_is_the_caller_s_mistake_and_no_damage() -> None:
    with pytest.raises(ValueError, match="=="):
        Query(costs=(("==", 1.0),))


@pytest.mark.parametrize("figure", ["-500", "1e300", "9e18", "1,234", "NaN", "Infinity", "much"])
def test_what_is_no_sum_counts_as_untold(store: Store, clock: SetClock, figure: str) -> None:
    start = clock.now
    add(store, "a", coins="10")
    add(store, "b", coins=figure)
    (spent,) = store.history.spent(OWN, start - DAY, clock.now + DAY)
    assert (spent.coins, spent.orders, spent.untold) == (Decimal(10), 2, 1)
