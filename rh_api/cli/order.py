"""`run`: one order from a terminal, also the way that the demonstration takes."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..client import Client, Job, Outcome, Progress, Stopped
from ..errors import Fate, ResultUnavailable, RunningHubError
from ..graph.outputs import read_output_ids, select
from ..settings import Settings
from ..texts import english
from ..wire.tasks import TaskOptions, Usage
from .exits import Interrupted
from .files import Saved, out_folder, read_fields, save
from .terminal import Terminal


async def run(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Run a workflow; its results are in the folder when this returns."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    options = TaskOptions(
        instance=arguments.instance,
        add_metadata=not arguments.no_metadata,
        personal_queue=arguments.personal_queue,
        retain_seconds=arguments.retain,
        webhook_url=arguments.webhook,
    )
    job = Job(
        arguments.workflow,
        read_fields(arguments.set),
        options,
        reroll_seeds=arguments.reroll_seeds,
        time_limit=arguments.timeout,
        again=arguments.again,
    )
    folder = out_folder(arguments.out)
    async with connected(settings, terminal) as service:
        await order(service, job, terminal, folder, outputs=arguments.outputs)


@dataclass(slots=True)
class Service:
    """A client, and the last task that it placed for this command."""

    client: Client
    terminal: Terminal
    task_id: str = ""

    def watch(self, news: Progress) -> None:
        task_id = str(news.params.get("task_id", ""))
        if task_id and task_id != self.task_id:
            self.task_id = task_id
            # Told at once: whatever happens to this process, the person can find the task.
            self.terminal.note(english("cli.placed", {"task_id": task_id}))
        self.terminal.show(news)


@contextlib.asynccontextmanager
async def connected(settings: Settings, terminal: Terminal) -> AsyncGenerator[Service]:
    """A client for one command. Ctrl-C inside becomes Interrupted, once it is known what it did."""
    stopped: list[Stopped] = []
    service: Service | None = None
    try:
        async with Client(settings, stopped=stopped.append) as client, terminal.line.alive():
            service = Service(client, terminal)
            try:
                yield service
            except asyncio.CancelledError:
                terminal.note(english("cli.stopping", {}))
                raise
    except asyncio.CancelledError:
        raise interruption(stopped, service.task_id if service else "") from None
    except RunningHubError as error:
        # Past its time limit a task is cancelled while the client closes: now that is known.
        if Stopped(error.task_id or "", confirmed=True) in stopped:
            error.fate = Fate.OVER
        raise


def interruption(stopped: Sequence[Stopped], placed: str) -> Interrupted:
    """What a person is told after Ctrl-C. `placed`: the task that was followed, "" for none."""
    if stopped:
        last = stopped[-1]
        task_id = last.task_id or None
        if last.confirmed:
            return Interrupted("cli.stopped", fate=Fate.OVER, task_id=task_id)
        if task_id:
            return Interrupted("cli.stopped_unsure", fate=Fate.RUNNING, task_id=task_id)
        return Interrupted("cli.stopped_unknown", fate=Fate.UNKNOWN)
    if placed:
        return Interrupted("cli.stopped_fetching", fate=Fate.OVER, task_id=placed)
    return Interrupted()


async def order(
    service: Service,
    job: Job,
    terminal: Terminal,
    folder: Path,
    *,
    outputs: str = "",
    prefix: str = "",
) -> list[Saved]:
    """Order, save and tell. `outputs`: ids of the nodes whose results are wanted, "" for all.

    `prefix` begins the files' names; "": the workflow's id.
    """
    workflow = await service.client.workflow(job.workflow)
    listed = read_output_ids(outputs, workflow.graph)
    outcome = await service.client.run(job, service.watch)
    selected = select(listed, outcome.tips.outputs, workflow.graph, outcome.results)
    try:
        saved = await asyncio.to_thread(
            save, outcome.results, selected, folder, prefix or workflow.workflow_id
        )
    except OSError as error:
        raise ResultUnavailable(
            "cli.not_saved",
            task_id=outcome.task_id,
            folder=str(folder),
            reason=error.strerror or str(error),
            kept=str(service.client.settings.state / "results"),
        ) from error
    _tell(terminal, outcome, saved)
    for node_id in listed:
        if all(one.node_id != node_id for one in saved):
            terminal.note(english("cli.made_nothing", {"node": node_id}))
    terminal.document(
        {
            "task_id": outcome.task_id,
            "workflow_id": workflow.workflow_id,
            "seconds": _seconds(outcome),
            "cost": {
                "coins": outcome.usage.coins,
                "money": outcome.usage.money,
                "third_party_money": outcome.usage.third_party_money,
            },
            "results": [
                {
                    "node_id": one.node_id,
                    "path": str(one.path),
                    "kind": one.kind,
                    "size": one.size,
                    "text": one.text,
                }
                for one in saved
            ],
        }
    )
    return saved


def _tell(terminal: Terminal, outcome: Outcome, saved: list[Saved]) -> None:
    for one in saved:
        if one.text is not None:
            terminal.say(one.text)
        terminal.say(str(one.path))
    params = {
        "task_id": outcome.task_id,
        "cost": _cost(outcome.usage),
        "seconds": f"{_seconds(outcome):g}",
    }
    terminal.say(english("cli.finished", params))


def _seconds(outcome: Outcome) -> float:
    """Running time as the service bills it; as we saw it where it does not say."""
    try:
        return float(outcome.usage.seconds or "")
    except ValueError:
        return round(outcome.seconds, 1)


def _cost(usage: Usage) -> str:
    known = {
        "cli.cost_coins": usage.coins,
        "cli.cost_money": usage.money,
        "cli.cost_third_party": usage.third_party_money,
    }
    parts = [english(key, {"amount": amount}) for key, amount in known.items() if amount]
    return ", ".join(parts) or english("cli.cost_unknown", {})
