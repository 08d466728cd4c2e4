"""Cost limits of an order: reserved before upload, enforced while it runs, booked once known."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from ..errors import BadInput, CostLimit, RunningHubError, StoreUnavailable
from ..journal import Hold, LimitReached, Rules
from ..money.amounts import Sums, added, larger, say_sums
from ..money.limits import VARIABLES, Limits, Reached
from ..texts import Words
from .context import AccountContext
from .cost_bounds import (
    Bound,
    bound_of,
    highest,
    next_bound,
    priced,
    refusal,
    require_limited,
    unbounded,
)
from .cost_facts import CostFinder
from .orders import Order, digest
from .paid_time import PaidTime
from .progress import Progress, Stage, Watch, unwatched
from .watcher import ASK_AGAIN, Watcher

log = logging.getLogger("runninghub")

WAIT_SECONDS = 1.0  # between looks at what running orders hold
NO_LIMITS = Limits()


@dataclass(slots=True)
class Budget:
    """Reservations and costs of one account's orders. `limits`: from the environment; `command`:
    of one command-line invocation, whose scope takes the place of a prompt's."""

    context: AccountContext
    cost_finder: CostFinder
    watcher: Watcher
    limits: Limits = field(default_factory=Limits)
    command: Limits = field(default_factory=Limits)
    _once: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """(scope, order key) of each order that the user allowed once in spite of the limits."""
    _preparing: set[int] = field(default_factory=set[int])
    """Reservations of this process whose order is not in the journal yet."""
    _first_waiting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the first of the orders that wait for what running ones hold."""

    def in_force(self, rules: Rules) -> Limits:
        """Return the lowest of all limits: environment, command, and those in the journal."""
        return self.limits.lowest(self.command).lowest(rules.limits)

    # Before

    @contextlib.asynccontextmanager
    async def reserved(
        self, order: Order, watch: Watch, *, uploaded: bool = False
    ) -> AsyncGenerator[Hold]:
        """Reserve what an order may cost. If the body raises, release it unless bound to a row.

        Waits while running orders hold what the limits leave. `uploaded`: its files may be at the
        service already. Raises CostLimit if a limit leaves too little (also for LimitReached from
        the body); StoreUnavailable if nothing can be held.
        """
        params: dict[str, object] = {"order_key": _key_of(order)}
        try:
            hold = await self._reserve(order, watch)
            uploaded = True
            self._preparing.add(hold.number)
            try:
                yield hold
            except LimitReached as error:  # the price is higher, or a concurrent order reserved it
                await self._release(hold)
                journal = self.context.journal
                rules = await journal(journal.store.ledger.rules, *journal.owner)
                raise self._refused(error.reached, rules) from None
            except BaseException:  # a cancel too; the hold of an order that may run stays
                await self._release(hold)
                raise
            finally:
                self._preparing.discard(hold.number)
        except CostLimit as error:
            if uploaded:
                params["done"] = Words.of(lambda say: say("money.not_ordered", {}))
            raise error.with_context(params=params) from error.__cause__
        # No await from here on: a cancel now would lose the task that was just placed.

    async def _release(self, hold: Hold) -> None:
        if hold.number:
            release = self.context.journal.record_released(hold.number)
            await asyncio.shield(self.context.spawn(release))

    async def at_service_price(self, order: Order, hold: Hold) -> Hold:
        """Replace a model order's hold by the price that the service quotes for its final body.

        Returns `hold` itself if no price is needed. Raises CostLimit or LimitReached, with nothing
        ordered, if the price exceeds what the limits leave or no price is known.
        """
        if not order.is_model or not hold.limits or hold.once:
            return hold
        journal = self.context.journal
        amounts = priced(await order.price(order.body), journal.currency)
        if not amounts and not hold.amounts:
            raise unbounded(order.program_key, hold.limits)
        require_limited(amounts, hold.limits)
        if amounts and amounts != hold.amounts:
            hold = replace(hold, amounts=amounts, at=self.cost_finder.wallet.unix())
            await journal.replace_hold(hold)
        return hold

    async def _reserve(self, order: Order, watch: Watch) -> Hold:
        hold = await self._try_to_reserve(order, watch)
        if hold is None:
            watch(Progress(Stage.WAITING_COSTS))
            async with self._first_waiting:
                while (hold := await self._try_to_reserve(order, unwatched)) is None:
                    await self.context.sender.clock.sleep(WAIT_SECONDS)
        if hold.seconds is not None:
            params = {
                "seconds": int(hold.seconds),
                "sum": Words.of(partial(say_sums, hold.amounts)),
            }
            watch(Progress(Stage.COST_BOUND, params=params))
        return hold

    async def _try_to_reserve(self, order: Order, watch: Watch) -> Hold | None:
        """Reserve within the limits; None while running orders hold too much of what they leave."""
        journal = self.context.journal
        rules = await journal(journal.store.ledger.rules, *journal.owner)
        limits = self.in_force(rules)
        if not limits:
            await self._warn_low_balance(rules.floor, watch)
            return Hold(order.scope, at=self.cost_finder.wallet.unix())
        facts = await self.cost_finder.facts_of(order, rules)
        await self._warn_low_balance(larger(rules.floor, highest(facts)), watch)
        limits = await self._in_units(limits)
        if self._consume_exemption(order):
            at = self.cost_finder.wallet.unix()
            hold = Hold(order.scope, highest(facts), limits=limits, at=at, once=True)
            return replace(hold, number=await self._hold(order, hold))
        if order.native_task_id:
            raise unbounded(order.program_key, limits, "error.native_limit")
        await self.watcher.see_to_overdue()
        at = self.cost_finder.wallet.unix()
        ledger, spender = journal.store.ledger, (*journal.owner, order.scope, at)
        committed = await journal(ledger.committed, *spender)
        bound = bound_of(facts, limits, committed.prompt, committed.day)
        if isinstance(bound, Bound):
            hold = Hold(order.scope, bound.amounts, bound.seconds, limits, at)
            with contextlib.suppress(LimitReached):  # another order was faster
                return replace(hold, number=await self._hold(order, hold))
        since = journal.now() - sum(ASK_AGAIN)
        later = await journal(
            ledger.committed_without_running, *spender, preparing=self._preparing, since=since
        )
        bound = bound_of(facts, limits, later.prompt, later.day)
        if isinstance(bound, Reached):
            raise self._refused(bound, rules)
        return None

    async def _hold(self, order: Order, hold: Hold) -> int:
        """Reserve in the journal; return the reservation's number. A cancel releases it again."""
        reserving = asyncio.ensure_future(self.context.journal.reserve(order.program_key, hold))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self.context.spawn(self._release_reservation(reserving))
            raise

    async def _release_reservation(self, reserving: asyncio.Future[int]) -> None:
        with contextlib.suppress(LimitReached, RunningHubError):
            await self.context.journal.record_released(await reserving)

    def allow_once(self, keys: Iterable[str], scope: str) -> None:
        """Exempt the orders of these keys (`CostLimit`) from the limits, once each, in the run of
        that scope ("": any)."""
        self._once.update((scope, key) for key in keys)

    def _consume_exemption(self, order: Order) -> bool:
        """Consume the exemption of this order, else one of the same program: the canvas may draw
        a new seed for each run, which changes the key."""
        own, program = _key_of(order), f"{order.program_key} "
        passing = sorted(
            (key != own, scope, key)
            for scope, key in self._once
            if scope in ("", order.scope) and key.startswith(program)
        )
        if passing:
            self._once.discard(passing[0][1:])
        return bool(passing)

    async def _in_units(self, limits: Limits) -> Limits:
        """Resolve limits without a unit to the account's billing unit; BadInput if unknown."""
        if "" not in limits.units:
            return limits
        unit = self.cost_finder.wallet.unit(await self.cost_finder.wallet.read())
        if not unit:
            raise BadInput("error.cost_unit", hint="costs")
        return limits.in_unit(unit)

    def _refused(self, reached: Reached, rules: Rules) -> CostLimit:
        """Return the error, naming where the binding limit is set: variable, option or page."""
        where = VARIABLES[reached.scope]
        if reached.limit in getattr(self.command, reached.scope).values():
            where = self.command.option
        if reached.limit == getattr(rules.limits, reached.scope).get(reached.unit):
            where = Words.of(lambda say: say("money.page", {}))
        return refusal(reached, where)

    async def _warn_low_balance(self, least: Sums, watch: Watch) -> None:
        """Report BALANCE_LOW if the balance is below `least` in some unit; never refuses. Errors
        of the account query are ignored."""
        if not least:
            return
        with contextlib.suppress(RunningHubError):
            balance = self.cost_finder.wallet.balance(await self.cost_finder.wallet.read())
            low = [unit for unit, amount in least.items() if balance.get(unit, amount) < amount]
            for unit in low[:1]:
                amounts = {"left": {unit: balance[unit]}, "floor": {unit: least[unit]}}
                params = {name: Words.of(partial(say_sums, sums)) for name, sums in amounts.items()}
                watch(Progress(Stage.BALANCE_LOW, params=params))

    # While it runs

    async def paid_time(self, order: Order, order_id: int | None) -> PaidTime:
        """Return the running time that the order's hold pays for, and a way to extend it."""
        if order_id is None:
            return PaidTime()
        journal = self.context.journal
        hold = await self.context.if_readable(journal(journal.store.ledger.held, order_id))
        if hold is None or hold.seconds is None:
            return PaidTime()

        async def extend() -> float:
            nonlocal hold
            more = None if hold is None else await self._extend_hold(hold, order)
            hold = more or hold
            return 0.0 if more is None or more.seconds is None else more.seconds

        return PaidTime(hold.seconds, extend)

    async def _extend_hold(self, hold: Hold, order: Order) -> Hold | None:
        """Enlarge the hold within the limits, at most to double; None if it stays as it is."""
        journal = self.context.journal
        try:
            rules = await journal(journal.store.ledger.rules, *journal.owner)
            limits = await self._in_units(self.in_force(rules))
            facts = await self.cost_finder.facts_of(order, rules)
            at, ledger = self.cost_finder.wallet.unix(), journal.store.ledger
            committed = await journal(ledger.committed, *journal.owner, hold.scope, at)
        except RunningHubError as error:
            log.info("no more can be held for an order: %s", error)
            return None
        own = {unit: -amount for unit, amount in hold.amounts.items()}
        prompt, day = added((committed.prompt, own)), committed.day
        if committed.since <= (hold.at or 0.0) < committed.until:  # else counted on another day
            day = added((day, own))
        more = None if facts.allowed else next_bound(facts, limits, prompt, day, hold.amounts)
        if more is None or more.seconds is None:
            return None
        hold = replace(hold, amounts=more.amounts, seconds=more.seconds, limits=limits)
        with contextlib.suppress(LimitReached, StoreUnavailable):
            if await journal.replace_hold(replace(hold, at=self.cost_finder.wallet.unix())):
                return hold
        return None


def _key_of(order: Order) -> str:
    """Return the order's key: its program, and a digest of graph and inputs."""
    return f"{order.program_key} {digest([order.graph_hash, order.inputs_hash])}"
