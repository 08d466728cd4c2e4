"""The order state machine: resume an earlier order or place a new one, follow it, deliver."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass

from ..errors import (
    Fate,
    GraphRejected,
    NoOutput,
    Refused,
    ResultUnavailable,
    RunningHubError,
    TaskUnfinished,
    TimeLimit,
)
from ..journal import LimitsChanged, OrderExists, OrderRow, State
from ..journal.clock import age
from ..money.limits import Limits
from ..wire.orders import Ticket, Tips, rejected_nodes
from ..wire.tasks import Phase, Report
from .budget import NO_LIMITS, Budget
from .cancellation import Canceller
from .context import AccountContext
from .cost_facts import CostFinder
from .limiter import AccountLimiter
from .orders import ActiveOrder, Order
from .poller import Poller
from .progress import Progress, Stage, Watch
from .recovery import CANCELS, TASK_UNKNOWN, Recovery, order_of
from .report_query import (
    UNNAMED,
    Followed,
    asks,
    completed,
    look,
    may_be_cancel,
    missing_nodes,
    record_and_map,
    record_end,
    say_cost,
)
from .result_delivery import EXPIRED, ResultDelivery
from .results import Outcome
from .submit import Prepare, Submitter
from .transfers import Transfers
from .wallet import Wallet
from .watcher import Watcher


@dataclass(slots=True)
class Engine:
    """Runs the orders of one account on one site."""

    context: AccountContext
    delivery: ResultDelivery
    submitter: Submitter
    canceller: Canceller
    recovery: Recovery
    budget: Budget
    watcher: Watcher

    @classmethod
    def of(
        cls,
        context: AccountContext,
        transfers: Transfers,
        last_before_start: int = 0,
        limits: Limits = NO_LIMITS,
        command: Limits = NO_LIMITS,
    ) -> Engine:
        """`last_before_start`: see `Recovery`. `limits`, `command`: see `Budget`."""
        canceller, limiter = Canceller(context), AccountLimiter(sender=context.sender)
        recovery = Recovery(context, canceller, last_before_start)
        wallet = Wallet(context.sender, context.journal)
        watcher = Watcher(context, canceller, wallet, last_before_start)
        return cls(
            context,
            ResultDelivery(context, transfers, context.journal.folder),
            Submitter(context, canceller, limiter),
            canceller,
            recovery,
            Budget(context, CostFinder(context.journal, wallet), watcher, limits, command),
            watcher,
        )

    def start(self) -> None:
        """Start background work: clean-up, and whatever orders of earlier processes need."""
        self.delivery.keep_tidy()
        self.context.spawn(self.recovery.repeat_cancels(), CANCELS)
        self.watcher.start()

    async def close(self) -> None:
        """Wait for downloads, cancels, clean-up; stop what asks in the background."""
        await self.delivery.wait_for_downloads()
        await self.context.wait_for_background()
        if self.canceller.trying:
            await self.canceller.close()
        await self.watcher.close()

    async def run(
        self,
        order: Order,
        prepare: Prepare,
        watch: Watch,
        *,
        again: bool = False,
        serve: bool = True,
    ) -> Outcome:
        """Resume the earlier order of the same identity, or place a new one; deliver its results.

        `prepare` uploads the inputs and returns the payload; it is called at most once, and only
        if something has to be ordered.
        `again`: order anew unless the earlier one is known to run, or was placed by the same prompt
        or command; the caller accepts paying twice.
        `serve`: results of an earlier equal order may be returned.
        """
        order = await self.recovery.by_contents(order)
        identity = order.identity(*self.context.journal.owner)
        prepared, scope = False, order.scope if serve else ""
        while True:
            earlier = await self.recovery.find(identity)
            if earlier is None:
                if not again:
                    await self.recovery.check_lost_journal()
            elif again and not (earlier.is_under_way or earlier.is_done_in(scope)):
                await self.recovery.supersede(earlier)
            else:
                taken_up = await self._take_up(earlier, order, watch, serve=serve)
                if taken_up is not None:
                    return taken_up
            await self.context.journal.check_results_folder()
            try:
                async with self.budget.reserved(order, watch, uploaded=prepared) as hold:
                    if not prepared:
                        order = order.with_payload(await self.submitter.prepared(prepare))
                        prepared = True
                    hold = await self.budget.at_service_price(order, hold)
                    after = earlier.id if earlier else 0
                    active = await self.submitter.submit(order, identity, watch, hold, after=after)
            except LimitsChanged:
                continue  # changed while it queued: the next iteration reserves by the new ones
            except OrderExists:
                again = False  # another process placed it first: follow that one
            else:
                return await self._follow_and_deliver(active)

    async def report(self, task_id: str) -> Report:
        """Query a task's state once. A failed or cancelled end is recorded in the journal, and a
        success after such an end; who follows or fetches a task records any other success."""
        report = await look(self.context.sender.send, task_id)
        if report.phase.is_over:
            journal = self.context.journal
            row = await self.context.if_readable(
                journal(journal.store.of_task, *journal.owner, task_id)
            )
            if row is not None and row.state.is_over is (report.phase is Phase.SUCCESS):
                return await record_end(journal, row.id, report)
        return report

    async def fetch(self, task_id: str, watch: Watch, *, wait: bool = False) -> Outcome:
        """Return the results of a task, ordered here or elsewhere; from local files if present.

        `wait`: follow it until it is over; cancelling this does not cancel the task. Without
        it TaskUnfinished is raised while the task runs. A failed task raises its error.
        """
        journal = self.context.journal
        earlier = await journal(journal.store.of_task, *journal.owner, task_id)
        cached = None
        if earlier is not None and earlier.state is State.DONE:
            cached = await self.delivery.kept_results(earlier)
            if isinstance(cached, Outcome):
                outcome = await self.delivery.served(earlier, cached)
                done = _done(earlier, task_id, order_of(earlier), watch)
                return outcome if not outcome.missing else await self._relisted(done, outcome)
        try:
            report = await self.report(task_id)
        except RunningHubError as error:
            listed = cached if cached is not None and cached.results else None  # by the journal
            if wait and earlier is not None and not earlier.state.is_over:
                listed = Report(Phase.OTHER)  # a recent task may be unknown or refused for a while
            if listed is None or not isinstance(error, Refused):
                raise error.with_context(task_id=task_id) from error.__cause__
            report = listed
        if report.error is not None:
            cost = say_cost(report, self.context.journal.currency)
            raise report.error.with_context(task_id=task_id, cost=cost)
        order_id, seconds = earlier.id if earlier is not None else None, 0.0
        tips = Tips() if earlier is None else Tips(earlier.announced)
        ticket = Ticket(task_id, report.phase, report.socket_url, tips)
        active = ActiveOrder(order_of(earlier), ticket, watch, order_id, earlier)
        if wait and not report.phase.is_over:
            report, seconds, missing = await self._follow_and_record(active)
        elif report.phase is Phase.SUCCESS:
            report, missing = await self._listed(active, report)
        else:
            raise TaskUnfinished(task_id=task_id, remote=report.phase.name.lower())
        return await self.delivery.deliver(active, report, seconds, missing)

    # Orders that the journal knows

    async def _take_up(
        self, earlier: OrderRow, order: Order, watch: Watch, *, serve: bool
    ) -> Outcome | None:
        """Return an earlier equal order's outcome; None to order anew. Uncertain: unknown fate."""
        if earlier.state in TASK_UNKNOWN:
            raise self.recovery.uncertain_error(earlier)
        if earlier.is_under_way and earlier.task_id:
            return await self._rejoin(earlier, earlier.task_id, order, watch)
        if earlier.state is not State.DONE or not earlier.task_id:
            return None
        cached = await self.delivery.kept_results(earlier)
        done = _done(earlier, earlier.task_id, order, watch)
        # Results that were delivered and then deleted are fetched again only with `serve`.
        owed = isinstance(cached, Report) and await self.delivery.is_owed(earlier)
        if isinstance(cached, Report) and cached.results and (serve or owed):
            return await self._refetch(done, earlier, cached)
        if cached is None or not (serve or (owed and not self.delivery.is_old(earlier))):
            return None
        local = await self.delivery.served(earlier, cached) if isinstance(cached, Outcome) else None
        with contextlib.nullcontext() if serve else contextlib.suppress(NoOutput):
            return local if local and not local.missing else await self._relisted(done, local)
        return None

    async def _relisted(self, done: ActiveOrder, local: Outcome | None) -> Outcome:
        """Query a success whose result list was empty or partial again, at no cost; deliver if it
        lists more than `local`. Raises NoOutput if there is still nothing."""
        report, task_id, missing = None, done.ticket.task_id, ()
        with contextlib.suppress(RunningHubError):
            # Nobody has waited for the list yet where a cancel came too late.
            wait = local is None and done.earlier is not None and bool(done.earlier.cancel)
            report, missing = await self._listed(done, await self.report(task_id), wait=wait)
        if report is not None and report.phase is Phase.SUCCESS:
            here = sum(1 for result in report.results or () if not result.is_missing)
            if here > (0 if local is None else len(local.results)):
                return await self.delivery.deliver(done, report, 0.0, missing)
        if local is None:
            raise NoOutput("error.no_output_before", task_id=task_id)
        return local

    async def _refetch(self, done: ActiveOrder, row: OrderRow, report: Report) -> Outcome | None:
        """Fetch results that are not stored here; None if they have expired at the service."""
        # A cancel that came too late left the result list unread: wait for it.
        wait = not row.missing and await self.delivery.is_owed(row)
        report, missing = await self._listed(done, report, wait=wait)
        try:
            return await self.delivery.deliver(done, report, 0.0, missing)
        except ResultUnavailable as error:
            if error.status not in EXPIRED or not self.delivery.is_old(row):
                raise
            return None

    async def _rejoin(
        self, earlier: OrderRow, task_id: str, order: Order, watch: Watch
    ) -> Outcome | None:
        """Follow a task of an earlier run; None if an earlier cancel had ended it after all."""
        phase = Phase.QUEUED if earlier.started is None else Phase.OTHER
        ticket = Ticket(task_id, phase, tips=Tips(earlier.announced))
        self.submitter.limiter.occupy()
        try:
            active = ActiveOrder(order, ticket, watch, earlier.id, earlier)
            return await self._follow_and_deliver(active)
        except RunningHubError as error:
            if earlier.cancel and may_be_cancel(error):
                return None
            raise

    # From the ticket to the results

    async def _follow_and_deliver(self, active: ActiveOrder) -> Outcome:
        """Follow a placed order and deliver; its slot is released as soon as the task is over."""
        try:
            return await self.delivery.deliver(active, *await self._follow_holding_slot(active))
        finally:
            self.watcher.ended()

    async def _follow_holding_slot(self, active: ActiveOrder) -> Followed:
        ticket = active.ticket
        try:
            active.watch(Progress(Stage.ORDERING, 1.0, {"task_id": ticket.task_id}))
            if active.earlier is not None and active.earlier.cancel:
                await self.context.journal.record_cancel_withdrawn(active.earlier.id)
            rejected = rejected_nodes(ticket)
            # Every output of an inline graph was requested, so a rejected node is a failure.
            if rejected is not None and (active.order.graph is not None or not ticket.tips.outputs):
                self._spawn_cancel(active, rejected)
                raise rejected
            return await self._follow_and_record(active)
        except asyncio.CancelledError:
            self._spawn_cancel(active)
            raise
        finally:
            self.submitter.limiter.release()

    def _spawn_cancel(self, active: ActiveOrder, rejected: GraphRejected | None = None) -> None:
        if active.order_id is not None:
            self.context.spawn(self._cancel(active.order_id, active, rejected), active.order_id)

    async def _cancel(self, order_id: int, active: ActiveOrder, why: GraphRejected | None) -> None:
        await self.canceller.cancel_order(order_id, active.ticket.task_id, active.order, why)
        self.watcher.ended()

    async def _follow_and_record(self, active: ActiveOrder) -> Followed:
        """Poll to the end; record and raise a failed task's error. At the time limit cancel, and
        raise TimeLimit."""
        order_id, journal, task_id = active.order_id, self.context.journal, active.ticket.task_id
        try:
            followed = await self._poll_to_end(active)
        except TimeLimit:
            self._spawn_cancel(active)
            raise
        except RunningHubError as error:
            error = error.with_context(task_id=task_id)
            if order_id is not None:
                error = await record_and_map(journal, order_id, active.earlier, error)
            if error.fate is not Fate.OVER:
                self.watcher.look_around()  # the task runs on, maybe without a follower
            raise error from error.__cause__
        report = followed.report
        if report.error is not None and order_id is not None:
            report = await record_end(journal, order_id, report)
        if report.error is not None:
            raise report.error.with_context(cost=say_cost(report, journal.currency))
        return followed

    async def _poll_to_end(self, active: ActiveOrder) -> Followed:
        context, order = self.context, active.order
        journal, order_id = context.journal, active.order_id
        awaited = await self._awaited(active.ticket.tips.outputs, order.program_key, order.shows)
        recorded = order_id is None

        def show(news: Progress) -> None:
            nonlocal recorded
            if order_id is not None and news.stage is Stage.RUNNING and not recorded:
                recorded = True
                context.spawn(journal.record_running(order_id, poller.started_at))
            context.hear(active.ticket.task_id, news)
            active.watch(news)

        instance = order.options.instance
        history = await context.if_readable(
            journal(journal.store.caches.run_times, order.program_key, instance)
        )
        poller = Poller(
            transport=context.sender.transport,
            clock=context.sender.clock,
            ticket=active.ticket,
            watch=show,
            history=history or (),
            titles=order.titles,
            nodes=order.nodes,
            time_limit=order.time_limit,
            ran_before=await self._ran_before(active.earlier, order),
            awaited=awaited,
            paid=await self.budget.paid_time(order, order_id),
            asked_at=active.asked_at,
        )
        report = await context.detachable(active.ticket.task_id, poller.until_over())
        seconds = poller.seconds
        # The start of a resumed task was not observed, so its duration is no sample.
        if report.phase is Phase.SUCCESS and seconds > 0 and active.earlier is None:
            context.spawn(journal.record_run(order.program_key, instance, seconds))
        return Followed(report, seconds, missing_nodes(report, awaited))

    async def _awaited(
        self, announced: Collection[str], program: str, shows: Collection[str]
    ) -> frozenset[str] | None:
        """Return the nodes whose results a complete list must have; None if not announced. Excludes
        display-only nodes (`shows`) and those without results in the last two runs."""
        if not announced:
            return None
        journal = self.context.journal
        silent = await self.context.if_readable(
            journal(journal.store.caches.silent_nodes, *journal.owner, program)
        )
        return frozenset(announced).difference(silent or (), shows)

    async def _listed(
        self, active: ActiveOrder, report: Report, *, wait: bool = True
    ) -> tuple[Report, tuple[str, ...]]:
        """Return the fullest result list of a success (see `completed`), and nodes it lacks."""
        sender, earlier = self.context.sender, active.earlier
        awaited = earlier and earlier.missing
        if earlier is not None and (not awaited or UNNAMED in awaited):
            shows = active.order.shows
            awaited = await self._awaited(earlier.announced, earlier.program_key, shows)
        ways = asks(sender.transport.send, active.ticket.task_id)
        report = await completed(report, awaited, ways, sender.clock, wait=wait)
        return report, missing_nodes(report, awaited)

    async def _ran_before(self, row: OrderRow | None, order: Order) -> float:
        """Return the seconds that a resumed task has run already. With a time limit, which cancels
        a paid task, the service's clock is queried: the local one may have been set meanwhile."""
        if row is None or row.started is None:
            return 0.0
        started, task_id, now = row.started, row.task_id, None
        if order.time_limit and task_id:
            with contextlib.suppress(RunningHubError):
                now = (await look(self.context.sender.transport.send, task_id)).at
        return max(0.0, age(started, now or self.context.journal.now()) or 0.0)


def _done(row: OrderRow, task_id: str, order: Order, watch: Watch) -> ActiveOrder:
    """Return the ActiveOrder of a row that succeeded."""
    ticket = Ticket(task_id, Phase.SUCCESS, tips=Tips(row.announced))
    return ActiveOrder(order, ticket, watch, row.id, row)
