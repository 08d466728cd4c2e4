"""Kinds of accounts: what each key may do, how its limit is kept, and what it pays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rh_api.emulator import Account
from rh_api.emulator.accounts import example_key

from .conftest import TEXT_TO_IMAGE, Remote


def use(remote: Remote, account: Account) -> None:
    remote.emulator.accounts[remote.key] = account


async def answers(remote: Remote, key: str) -> dict[str, Any]:
    """What a key is told by each family of paths: a code, "" or 0 for none."""
    remote.key, remote.bearer = key, {"Authorization": f"Bearer {key}"}
    status = await remote.post("/uc/openapi/accountStatus", {"apikey": key}, **remote.bearer)
    model = await remote.post(
        "/openapi/v2/mureka-ai/generate-lyrics", {"prompt": "x"}, **remote.bearer
    )
    return {
        "account": status["code"],
        "kind": (status["data"] or {}).get("apiType"),
        "create": (await remote.create())["code"],
        "model": model.get("errorCode") or model.get("code") or "",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("free", {"account": 801, "kind": None, "create": 801, "model": "801"}),
        ("", {"account": 0, "kind": "NORMAL", "create": 0, "model": "1014"}),
        ("shared", {"account": 0, "kind": "SHARED", "create": 0, "model": ""}),
        ("dedicated", {"account": 0, "kind": "EXCLUSIVE", "create": 0, "model": "1014"}),
    ],
)
async def test_there_is_a_key_of_each_kind(
    remote: Remote, name: str, expected: dict[str, Any]
) -> None:
    key = example_key(name) if name else remote.emulator.default_key
    assert len(key) == 32
    assert await answers(remote, key) == expected


async def test_who_may_wait_in_a_personal_queue_is_counted_without_those_that_run(
    remote: Remote,
) -> None:
    remote.emulator.run_seconds = 60
    use(remote, Account(kind="EXCLUSIVE", limit=2, personal_queue=1))

    codes = [(await remote.create(usePersonalQueue=True))["code"] for _ in range(4)]

    assert codes == [0, 0, 0, 814]
    assert (await remote.create())["code"] == 415


async def test_a_queued_task_starts_when_a_machine_is_free(remote: Remote) -> None:
    remote.emulator.foreign_tasks = 1
    use(remote, Account(kind="EXCLUSIVE", limit=1))
    queued = await remote.create(usePersonalQueue=True)
    before = await remote.query(queued["data"]["taskId"])
    remote.emulator.foreign_tasks = 0

    assert before["status"] == "QUEUED"
    assert (await remote.finished(queued))["status"] == "SUCCESS"


async def test_a_personal_queue_is_for_dedicated_keys_only(remote: Remote) -> None:
    remote.emulator.run_seconds = 60
    use(remote, Account(kind="SHARED", money=Decimal(5), limit=1))
    await remote.create()

    assert (await remote.create(usePersonalQueue=True))["code"] == 421


async def test_the_time_that_a_machine_is_retained_is_billed(remote: Remote) -> None:
    use(remote, Account(kind="SHARED", money=Decimal(5), coins=0))
    plain = await remote.finished(await remote.create())
    retained = await remote.finished(await remote.create(retainSeconds=100))

    paid = [Decimal(reply["usage"]["consumeMoney"]) for reply in (plain, retained)]
    assert paid[0] < Decimal("0.01")
    assert paid[1] - paid[0] == pytest.approx(Decimal("0.14"), abs=Decimal("0.003"))
    assert remote.emulator.account.money == Decimal(5) - sum(paid)


async def test_a_dedicated_key_pays_with_its_subscription(remote: Remote) -> None:
    use(remote, Account(kind="EXCLUSIVE", coins=7))
    usage = (await remote.finished(await remote.create()))["usage"]

    assert (usage["consumeCoins"], usage["consumeMoney"]) == (None, None)
    assert remote.emulator.account.coins == 7


@pytest.mark.parametrize(("machine", "instance"), [("plus", None), ("default", "plus")])
async def test_a_dedicated_key_has_machines_of_one_size(
    remote: Remote, machine: str, instance: str | None
) -> None:
    use(remote, Account(kind="EXCLUSIVE", machine=machine))

    assert (await remote.create(instanceType=instance))["code"] == 435
    assert (await remote.create(TEXT_TO_IMAGE, instanceType=machine))["code"] == 0
