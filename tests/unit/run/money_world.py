"""A season of orders under limits, in virtual time, on the emulator's own account.

Workflows of log-normal length and models with a price, alone and in batches of one prompt, by two
processes that share a journal; each of them may be killed at any moment, and another then starts.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from unit.run.world import Files, UnthreadedJournal, code, load, now, taken, virtually

from rh_api.emulator.accounts import Account
from rh_api.errors import RunningHubError, Unreachable
from rh_api.money.amounts import MICRO, read_sums
from rh_api.money.limits import Limits
from rh_api.money.quotes import Quote, QuoteSource, fixed
from rh_api.run.context import AccountContext
from rh_api.run.engine import Engine
from rh_api.run.orders import Order
from rh_api.run.progress import unwatched
from rh_api.run.retry import Sender
from rh_api.run.transfers import Transfers
from rh_api.wire.call import Call, Response
from rh_api.wire.models import create
from rh_api.wire.orders import NodeInfo, TaskOptions
from tests.support.clocks import LoopClock

T = TypeVar("T")

ORDER, PROMPT, DAY = 12, 30, 4_000  # coins
PRICE = Decimal("0.35")  # CNY
MONEY_A_DAY = 60  # CNY
LIMITS = Limits(
    read_sums(f"{ORDER} coins, 1 CNY"),
    read_sums(f"{PROMPT} coins, 5 CNY"),
    read_sums(f"{DAY} coins, {MONEY_A_DAY} CNY"),
)
MADE = {"text": "made", "nodeId": "9", "outputType": "txt"}
NOON = 1_800_014_400.0


@dataclass
class Task:
    """What the service knows of one. Times are those of the loop."""

    id: str
    label: str
    start: float
    needs: float
    machine: str
    is_model: bool
    status: str = "RUNNING"
    coins: int | None = None
    money: Decimal | None = None
    untold: int = 0
    """Polls after the end that tell no cost yet."""
    ended: float = 0.0


@dataclass
class Bank:
    """The service: it runs tasks, stops them, and takes what they cost off its accounts."""

    chance: random.Random
    account: Account = field(default_factory=lambda: Account(coins=10**9))
    wallet: Account = field(default_factory=lambda: Account(kind="SHARED", money=Decimal(10**6)))
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])

    async def upload(self, *_: object) -> Response:
        raise NotImplementedError

    async def send(self, call: Call[T], *, fresh: bool = False) -> T:
        request = call.request
        body = dict(request.body or {})
        await asyncio.sleep(self.chance.uniform(0.01, 0.4))
        self._pass_time()
        if request.path.endswith("accountStatus"):
            data = {"remainCoins": "1000", "remainMoney": "9", "currency": "CNY"}
            answer: Any = {"code": 0, "data": {**data, "apiType": "NORMAL"}}
        elif request.path.endswith("queue/status"):
            answer = load(20)
        elif request.path.endswith("/query"):
            answer = self._query(self.tasks[str(body["taskId"])])
        elif request.path.endswith("/outputs"):
            is_over = self.tasks[str(body["taskId"])].status in ("CANCEL", "FAILED")
            answer = code(805 if is_over else 804)
        elif request.path.endswith("/cancel"):
            answer = self._cancel(self.tasks[str(body["taskId"])])
        else:
            answer = self._create(request.path, body)
        if isinstance(answer, Exception):
            raise answer
        return call.read(Response(200, json.dumps(answer).encode()))

    @asynccontextmanager
    async def socket(self, url: str) -> AsyncIterator[AsyncIterator[str | bytes]]:
        raise Unreachable(host="x", reason="none here")
        yield

    def _create(self, path: str, body: dict[str, Any]) -> Any:
        if self.chance.random() < 0.03:
            return code(421)
        is_model = "painter" in path
        label = str(body["label"] if is_model else body["workflowId"])
        task = Task(
            str(len(self.tasks) + 1),
            label,
            now() + self.chance.choice([0, 0, 3]),
            length(self.chance, label),
            str(body.get("instanceType", "default")),
            is_model,
            untold=self.chance.choice([0, 0, 0, 2]),
        )
        self.tasks[task.id] = task
        return {"taskId": task.id, "status": "RUNNING"} if is_model else taken(task.id, "RUNNING")

    def _query(self, task: Task) -> Any:
        status = task.status
        if status == "RUNNING" and now() < task.start:
            status = "QUEUED"
        answer = {"taskId": task.id, "status": status, "errorCode": "", "results": None}
        if status == "SUCCESS":
            answer["results"] = [MADE]
        if status not in ("RUNNING", "QUEUED"):
            task.untold -= 1
            if task.untold < 0:
                ran = str(max(1, math.ceil(task.ended - task.start)))
                money = None if task.money is None else str(task.money)
                coins = None if task.coins is None else str(task.coins)
                answer["usage"] = {
                    "consumeCoins": coins,
                    "consumeMoney": None,
                    "thirdPartyConsumeMoney": money,
                    "taskCostTime": ran,
                }
        return answer

    def _cancel(self, task: Task) -> Any:
        if task.status == "RUNNING" and not task.is_model:
            self._end(task, "CANCEL", now())
        return code(0)

    def _pass_time(self) -> None:
        for task in self.tasks.values():
            if task.status == "RUNNING" and task.start + task.needs <= now():
                self._end(task, "SUCCESS", task.start + task.needs)

    def _end(self, task: Task, status: str, at: float) -> None:
        task.status, task.ended = status, at
        if task.is_model:
            self.wallet.money = self.wallet.wallet - PRICE
            task.money = PRICE
        elif at > task.start:
            task.coins, _ = self.account.charge(at - task.start, task.machine)
        else:
            task.coins = 0


def length(chance: random.Random, label: str) -> float:
    """Seconds that a program takes: its own middle, sometimes a cold machine."""
    middle = 6.0 * (1 + int(label) % 8)
    return middle * math.exp(chance.gauss(0, 0.3)) * (1.5 if chance.random() < 0.1 else 1.0)


@dataclass
class Season:
    """What became of it: each is a list of what is wrong, and shall be empty."""

    placed: int = 0
    refused: int = 0
    over_order: list[str] = field(default_factory=list)
    over_prompt: list[str] = field(default_factory=list)
    over_day: list[str] = field(default_factory=list)
    not_covered: list[str] = field(default_factory=list)
    not_booked: list[str] = field(default_factory=list)
    killed: int = 0


class Process:
    """One process: an engine over the shared journal. `began`: when time was 0."""

    def __init__(
        self, folder: Path, bank: Bank, limits: Limits = LIMITS, began: float = NOON
    ) -> None:
        self.rows = UnthreadedJournal(folder, clock=lambda: began + now())
        sender = Sender(bank, LoopClock())
        transfers = Transfers(Files(), sender, self.rows.journal)
        self.context = AccountContext(sender, self.rows.journal)
        last = self.rows.store.last_order()
        self.engine = Engine.of(self.context, transfers, last, limits)
        self.engine.watcher.start()
        self.jobs: set[asyncio.Future[None]] = set()

    async def kill(self) -> None:
        """It ends as a process does that is killed: nothing is cancelled, nothing is written."""
        self.context.leaving = True
        for job in self.jobs:
            job.cancel()
        await asyncio.gather(*self.jobs, return_exceptions=True)
        await self.close()

    async def close(self) -> None:
        await self.engine.close()
        self.rows.store.close()


async def _price(_: object) -> Quote:
    return fixed("CNY", int(PRICE * MICRO), QuoteSource.LIST)


def play(folder: Path, seed: int, count: int, *, kills: float = 0.0) -> Season:
    """`count` orders; `kills` is the share of them after which a process is killed."""
    chance = random.Random(seed)
    season, bank = Season(), Bank(chance)
    scopes: dict[str, str] = {}
    left_by: set[str] = set()

    async def main() -> None:
        processes = [Process(folder, bank), Process(folder, bank)]
        number = 0
        while number < count:
            process = chance.choice(processes)
            scope = f"prompt {number}"
            for _ in range(chance.choice([1, 1, 2, 8])):
                number += 1
                label = str(number)
                scopes[label] = scope
                work = _place(process, _order(label, scope, chance), season)
                process.jobs.add(asyncio.ensure_future(work))
            await asyncio.sleep(chance.choice([0, 1, 10]))
            _check_covered(processes[0], bank, season)
            if chance.random() < kills:
                season.killed += 1
                running = [task for task in bank.tasks.values() if task.status == "RUNNING"]
                left_by.update(task.label for task in running)
                index = processes.index(process)
                await process.kill()
                await asyncio.sleep(chance.choice([1, 20, 200]))
                processes[index] = Process(folder, bank)
        for process in processes:
            await asyncio.gather(*process.jobs)
        await asyncio.sleep(1_500)  # costs that are told late
        _check_covered(processes[0], bank, season)
        await _check_booked(processes[0], bank, season)
        for process in processes:
            await process.close()

    virtually(main())
    _check_limits(bank, season, scopes, left_by)
    return season


def _order(label: str, scope: str, chance: random.Random) -> Order:
    if chance.random() < 0.2:
        body = {"label": label}
        return Order(
            "painter",
            "model",
            inputs={"n": label},
            body=body,
            scope=scope,
            create_call=lambda order, *_, **__: create(order.program_id, order.body),
            price=_price,
        )
    program = Order(label, inputs={"n": label}, key_override=f"graph/{int(label) % 8}", scope=scope)
    machine = chance.choice(["default", "plus"])
    limit = chance.choice([0.0, 0.0, 20.0])
    return Order(
        program.program_id,
        inputs=program.inputs,
        key_override=program.key_override,
        scope=scope,
        options=TaskOptions(instance=machine),
        time_limit=limit,
        is_free_of_others=lambda: True,
    )


async def _place(process: Process, order: Order, season: Season) -> None:
    async def prepare() -> Any:
        return dict(order.body) if order.is_model else tuple[NodeInfo, ...]()

    try:
        await process.engine.run(order, prepare, unwatched)
    except RunningHubError as error:
        is_time = error.key.startswith("error.cost_time")
        season.refused += error.key.startswith("error.cost_") and not is_time


def _billed(bank: Bank) -> dict[str, int]:
    return {
        "coins": sum(task.coins or 0 for task in bank.tasks.values()) * MICRO,
        "CNY": int(
            sum((task.money or Decimal(0) for task in bank.tasks.values()), Decimal(0)) * MICRO
        ),
    }


def _check_covered(process: Process, bank: Bank, season: Season) -> None:
    """What is booked and held is never less than what was taken."""
    journal = process.rows.journal
    day = process.rows.store.ledger.committed(journal.origin, journal.account, "", None).day
    for unit, taken_off in _billed(bank).items():
        if day.get(unit, 0) < taken_off:
            season.not_covered.append(f"{now():.0f}: {unit} {day.get(unit, 0)} < {taken_off}")


async def _check_booked(process: Process, bank: Bank, season: Season) -> None:
    journal = process.rows.journal
    ledger = process.rows.store.ledger
    day = ledger.committed(journal.origin, journal.account, "", None).day
    for unit, taken_off in _billed(bank).items():
        if day.get(unit, 0) != taken_off:
            season.not_booked.append(f"{unit} {day.get(unit, 0)} != {taken_off}")


def _check_limits(bank: Bank, season: Season, scopes: dict[str, str], left_by: set[str]) -> None:
    """Orders that a killed process left may cost more; then only those."""
    season.placed = len(bank.tasks)
    by_scope: dict[str, int] = {}
    for task in bank.tasks.values():
        if task.label in left_by:
            continue
        by_scope[scopes[task.label]] = by_scope.get(scopes[task.label], 0) + (task.coins or 0)
        if (task.coins or 0) > ORDER:
            season.over_order.append(f"{task.label}: {task.coins}")
    season.over_prompt += [f"{name}: {cost}" for name, cost in by_scope.items() if cost > PROMPT]
    coins = sum((task.coins or 0) for task in bank.tasks.values() if task.label not in left_by)
    if coins > DAY:
        season.over_day.append(f"{coins} coins")
    if sum(task.money or 0 for task in bank.tasks.values()) > MONEY_A_DAY:
        season.over_day.append("money")
