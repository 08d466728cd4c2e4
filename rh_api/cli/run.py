"""`run`: one order from a terminal; shared by `app`, `model`, `quick` and `demo`."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..client import Client, Job, Progress, Stopped
from ..errors import Fate, RunningHubError
from ..graph.constants import INSTANCES
from ..graph.outputs import read_output_ids, select
from ..money.amounts import currency_of, read_sums
from ..money.limits import Limits
from ..settings import Settings
from ..texts import english
from ..wire.orders import TaskOptions
from .exit_codes import Interrupted, order_to_settle
from .files import Saved, out_folder, read_example, read_fields
from .help_texts import PROGRAM
from .order_output import cost, deliver
from .terminal import Terminal

ID_NAMES = {"model": "model", "quick": "module", "app": "app_id"}
"""The documents' keys for a program's id by its kind; `workflow_id` for all others."""


async def run(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Run a workflow or an app, and save its results into the folder."""
    settings = limited(Settings.from_mapping(environ), arguments)
    settings.require_key()
    job = job_of(arguments)
    folder = out_folder(arguments.out or ".")
    async with connected(settings, terminal) as service:
        await order(service, job, terminal, folder, outputs=arguments.outputs or "")


def limited(settings: Settings, arguments: Namespace) -> Settings:
    """Return the settings with the limit of `--max-cost`."""
    if arguments.max_cost is None:
        return settings
    return replace(settings, command=Limits(prompt=read_sums(arguments.max_cost)))


def job_of(arguments: Namespace) -> Job:
    """Build a job from the arguments of a command that orders; each has some of them."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    options = TaskOptions(
        instance=given.get("instance", INSTANCES[0]),
        add_metadata=not given.get("no_metadata"),
        personal_queue=given.get("use_personal_queue", False),
        retain_seconds=given.get("retain"),
        webhook_url=given.get("webhook"),
    )
    return Job(
        given.get("workflow", ""),
        read_fields(given.get("set", ()), repeated="model" in given),
        options,
        reroll_seeds=given.get("reroll_seeds", False),
        time_limit=given.get("timeout", 0),
        again=arguments.again,
        app=given.get("app", ""),
        quick=read_example(given["module"]) if "module" in given else "",
        model=given.get("model", ""),
        extra=given.get("extra"),
        send_anyway=given.get("send_anyway", False),
        scope=given.get("scope", ""),
    )


@dataclass(slots=True)
class Service:
    """A client for one command.

    `orders`: the number of its orders, for the overall progress.
    """

    client: Client
    terminal: Terminal
    orders: int = 1
    _shares: dict[str, float] = field(default_factory=dict[str, float])

    def watch(self, news: Progress, order: str = "") -> None:
        task_id = str(news.params.get("task_id", ""))
        if task_id and task_id not in self.terminal.placed:
            self.terminal.placed.append(task_id)
            # Printed at once: if this process dies, the user can find the task.
            self.terminal.note(english("cli.placed", {"task_id": task_id}))
        self._shares[order] = max(self._shares.get(order, 0.0), news.overall)
        self.terminal.show(news, sum(self._shares.values()) / self.orders)


@contextlib.asynccontextmanager
async def connected(settings: Settings, terminal: Terminal) -> AsyncGenerator[Service]:
    """Connect a client for one command. A cancel becomes Interrupted once its effect is known."""
    with reporting_stops(terminal, currency_of(settings.origin)) as stopped:
        async with serving(settings, terminal, stopped) as service:
            with acknowledging_stop(terminal):
                yield service


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, terminal: Terminal, stopped: list[Stopped]
) -> AsyncGenerator[Service]:
    """Connect a client that adds to `stopped` what became of its stopped orders, to its end."""
    async with Client(settings, stopped=stopped.append) as client, terminal.line.redrawn():
        yield Service(client, terminal)


@contextlib.contextmanager
def acknowledging_stop(terminal: Terminal) -> Generator[None]:
    """Say that a cancel was heard: closing the clients may take a while."""
    try:
        yield
    except asyncio.CancelledError:
        terminal.note(english("cli.stopping", {}))
        raise


@contextlib.contextmanager
def reporting_stops(terminal: Terminal, currency: str) -> Generator[list[Stopped]]:
    """Around the clients of a command: raise Interrupted for a cancel, and print the ends of the
    stopped orders, which they add to the list."""
    stopped: list[Stopped] = []
    try:
        yield stopped
    except asyncio.CancelledError:
        failure = interruption(stopped, terminal.placed, currency)
        _tell_others(terminal, stopped, failure, currency)
        raise failure from None
    except RunningHubError as error:
        # A task over its time limit is cancelled in `close`: only now is that known.
        is_over = Stopped(error.task_id or "", confirmed=True) in stopped
        failure = error.with_context(fate=Fate.OVER if is_over else None)
        _tell_others(terminal, stopped, failure, currency)
        raise failure from error.__cause__


def _tell_others(
    terminal: Terminal, stopped: Sequence[Stopped], failure: RunningHubError, currency: str
) -> None:
    """Print what became of each stopped order that `failure` does not name."""
    command = f"{PROGRAM} task"
    is_told = isinstance(failure, Interrupted)  # it says also how the stop of its task ended
    for stop in stopped:
        is_news = not is_told and (stop.too_late or not stop.confirmed)
        about = {"task_id": stop.task_id, "cost": cost(stop.usage, currency), "order": stop.order}
        if not stop.task_id and stop.order != order_to_settle(failure):
            terminal.note(english("cli.other_unknown", about))
            answer = {"command": f"{command} --order {stop.order}"}
            terminal.note(english("cli.order_asked", answer))
        elif stop.task_id and (is_news or stop.task_id != failure.task_id):
            key = "cli.other_stopped" if stop.confirmed else "cli.other_unsure"
            key = "cli.other_too_late" if stop.too_late else key
            terminal.note(english(key, {**about, "command": command}))


def interruption(stopped: Sequence[Stopped], placed: Sequence[str], currency: str) -> Interrupted:
    """Return the error to show after a stop. `placed`: the tasks that were followed."""
    command = f"{PROGRAM} task"
    if not stopped and placed:
        key, task_id = "cli.stopped_fetching", placed[-1]
        return Interrupted(key, fate=Fate.OVER, task_id=task_id, command=command)
    if not stopped:
        return Interrupted()
    worst = min(stopped, key=lambda stop: (stop.confirmed, stop.task_id != "", not stop.too_late))
    if not worst.task_id:
        return Interrupted("cli.stopped_unknown", fate=Fate.UNKNOWN, order=worst.order)
    if worst.confirmed:
        key, fate = "cli.stopped_too_late" if worst.too_late else "cli.stopped", Fate.OVER
    else:
        key = "cli.stopped_goes_on" if worst.goes_on else "cli.stopped_unsure"
        fate = Fate.RUNNING
    paid = cost(worst.usage, currency)
    return Interrupted(key, fate=fate, task_id=worst.task_id, cost=paid, command=command)


async def order(
    service: Service,
    job: Job,
    terminal: Terminal,
    folder: Path,
    *,
    outputs: str = "",
    prefix: str = "",
) -> list[Saved]:
    """Run a job and save its results. `outputs`: ids of the wanted nodes, "" for all.

    `prefix` begins the file names; "" for the program's id.
    """
    program = await service.client.program(job)
    listed = read_output_ids(outputs, program.graph)
    outcome = await service.client.run(job, service.watch)
    saved = await deliver(
        outcome,
        select(listed, outcome.tips.outputs, program.graph, outcome.results),
        folder,
        prefix or program.id.replace("/", "_"),
        settings=service.client.settings,
        terminal=terminal,
        about={ID_NAMES.get(program.kind, "workflow_id"): program.id},
    )
    for node_id in listed:
        if all(result.node_id != node_id for result in saved):
            terminal.note(english("cli.made_nothing", {"node": node_id}))
    return saved
