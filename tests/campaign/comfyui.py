"""kill -9 of a real ComfyUI at a random moment, then a restart and the same prompt.

A prompt has one to six cloud nodes: orders with fields, batches at a field, and true segments.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rh_api.client import Client
from rh_api.emulator import Emulator, Fault, catalog
from rh_api.emulator.tasks.task import Task
from rh_api.settings import Settings
from tests.campaign import books
from tests.campaign.books import Findings
from tests.campaign.jobs import Wish
from tests.campaign.kills import all_arrived
from tests.campaign.person import answer
from tests.campaign.storm import CANCEL, CREATE
from tests.campaign.troubles import over, trouble
from tests.comfy.client import ComfyClient, Result
from tests.comfy.server import Server, running
from tests.support.clocks import QuickClock
from tests.support.graphs import node

Prompt = dict[str, dict[str, Any]]

PACE = 8.0
LONG = 20.0  # seconds that a task runs which somebody will stop
SPAN = 3.0  # seconds within which the blow falls; a prompt undisturbed takes about as long


@dataclass
class Queued:
    """A prompt under way to its cloud nodes. `shows`: by node, how many pictures it shows."""

    seed: int
    chance: random.Random
    prompt: Prompt = field(default_factory=dict)
    marks: list[dict[str, Any]] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    shows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in range(self.chance.randint(1, 6)):
            self.chance.choice((self.text, self.batch, self.segment))(number)

    @property
    def extra(self) -> dict[str, Any]:
        return {"runninghub": {"segments": self.marks}} if self.marks else {}

    def text(self, number: int) -> None:
        """An order of fields alone."""
        fields = {"6.text": self._wish(number), "3.seed": 7, "5.width": 64, "5.height": 64}
        self._cloud(f"{number}1", catalog.TEXT_TO_IMAGE, fields, 1)

    def batch(self, number: int) -> None:
        """Up to three orders by the pictures at one field; which are new to the service."""
        kind, count = self.chance.choice((("rgba", 1), ("pair", 2), ("batch", 2)))
        source = node("TestHolds", kind=kind, mark=1000 * self.seed + number)
        self.prompt[f"{number}0"] = source
        fields = {"10.image": [f"{number}0", 0], "13.filename_prefix": self._wish(number)}
        # Two of "batch" are equal, so they are one order and still two pictures.
        self._cloud(f"{number}1", catalog.INVERT, fields, count + (kind == "batch"))

    def segment(self, number: int) -> None:
        """Two marked nodes, whose picture is saved here. The journal knows them by a title."""
        empty, inverse, last = (f"{number}{place}" for place in "123")
        colour = 0x100000 + 1000 * self.seed + number
        mark = self._wish(number, colour)
        size = {"width": 9, "height": 7, "batch_size": 1}
        self.prompt[empty] = node("EmptyImage", mark, color=colour, **size)
        self.prompt[inverse] = node("ImageInvert", image=[empty, 0])
        self.prompt[last] = node("SaveImage", images=[inverse, 0], filename_prefix="kept")
        self.marks.append({"nodes": [empty, inverse], "name": mark})
        self.shows[last] = 1

    def _wish(self, number: int, colour: int | None = None) -> str:
        wish = Drawn(f"seed {self.seed} number {number}", colour=colour)
        self.wishes.append(wish)
        return wish.mark

    def _cloud(self, node_id: str, workflow: str, fields: dict[str, Any], count: int) -> None:
        self.prompt[node_id] = node("RunningHubRemoteWorkflow", workflow=workflow, **fields)
        self.shows[node_id] = count


@dataclass(frozen=True)
class Drawn(Wish):
    """What a cloud node asks for; a segment's tasks are told by the colour that they begin with."""

    colour: int | None = None

    def tasks(self, emulator: Emulator) -> list[Task]:
        if self.colour is None:
            return super().tasks(emulator)
        return [
            task
            for task in emulator.tasks.values()
            if any(entry["inputs"].get("color") == self.colour for entry in task.graph.values())
        ]


@dataclass
class ComfyKills:
    """One service and one folder of a ComfyUI, whose process is killed once a seed."""

    folder: Path
    emulator: Emulator = field(default_factory=Emulator)

    def __post_init__(self) -> None:
        self._env = {
            "RUNNINGHUB_API_KEY": self.emulator.default_key,
            "RUNNINGHUB_STATE": str(self.folder / "state"),
            "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT,
        }

    async def run(self, seeds: range, done: Callable[[int, Findings], None]) -> None:
        async with self.emulator.serve() as origin:
            self._env["RUNNINGHUB_BASE_URL"] = origin
            before: Queued | None = None
            findings = Findings()
            for seed in [*seeds, None]:
                queued = None if seed is None else Queued(seed, random.Random(f"{seed} ComfyUI"))
                with running(self.folder / "comfyui", self._env) as server:
                    if before:
                        await self._again(server, before, findings)
                        done(before.seed, findings)
                    if queued:
                        findings = Findings()
                        await self._killed(server, queued)
                if queued:
                    await self._looked_at(queued, findings)
                before = queued

    async def _killed(self, server: Server, queued: Queued) -> None:
        emulator, chance = self.emulator, queued.chance
        emulator.run_seconds = chance.choice([0.3, 1.0, 2.0])
        emulator.account.limit = chance.randint(1, 6)
        asked_to_stop = chance.random() < 0.3
        if asked_to_stop:
            emulator.run_seconds = LONG
        if chance.random() < 0.5:  # so that the blow often falls while an order is on its way
            emulator.faults.append(Fault(CREATE, "delay", value=0.4, count=None))
        trouble(queued.seed, emulator, self.folder / "state")
        async with ComfyClient(server.url) as comfyui:
            submitted = await comfyui.submit(queued.prompt, queued.extra)
            assert submitted.status == 200, submitted.refusal
            await asyncio.sleep(chance.uniform(0, SPAN))
            if asked_to_stop:
                emulator.faults.append(Fault(CANCEL, "status", count=None))
                await comfyui.interrupt(submitted.prompt_id)
                await asyncio.sleep(chance.uniform(0.3, 2.0))
            with contextlib.suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGKILL)
            await comfyui.closed()

    async def _looked_at(self, queued: Queued, findings: Findings) -> None:
        """What the blow left, before anything starts again; then somebody answers."""
        emulator, state = self.emulator, self.folder / "state"
        await asyncio.wait_for(all_arrived(emulator), 60)
        findings.unknown += len(books.unknown_tasks(emulator, state, queued.wishes))
        over(emulator, state)
        emulator.run_seconds = 0.3
        for _ in range(2):  # the first start asks the cancels of before once more
            async with Client(Settings.from_mapping(self._env), clock=QuickClock(PACE)) as client:
                await answer(client, emulator, queued.wishes)
        stopped = self._stopped(queued)
        findings.unstopped += sum(not emulator.tasks[task_id].is_over for task_id in stopped)

    def _stopped(self, queued: Queued) -> set[str]:
        """The tasks of a prompt whose cancel the service was asked for, in vain."""
        ours = {task.id for wish in queued.wishes for task in wish.tasks(self.emulator)}
        return ours & {e.json["taskId"] for e in self.emulator.journal if e.path == CANCEL}

    async def _again(self, server: Server, queued: Queued, findings: Findings) -> None:
        """The same prompt, in a ComfyUI that has started anew."""
        emulator = self.emulator
        emulator.account.limit = 6
        async with ComfyClient(server.url) as comfyui:
            try:
                result = await comfyui.queue(queued.prompt, queued.extra)
            except asyncio.TimeoutError:
                findings.hangs += 1
                return
        findings.twice += _twice(emulator, queued)
        if result.outcome != "success":
            findings.lost += 1
            sys.stderr.write(f"{result.outcome} {result.refusal} {result.events[-3:]}\n")
        else:
            findings.missing += sum(
                max(0, count - _shown(result, node_id)) for node_id, count in queued.shows.items()
            )
        state = self.folder / "state"
        findings.half += books.bad_files(state, all_is_delivered=True)
        # Not custom_nodes: among the pack's own files is the emulator's, with its key.
        folders = [state, *(server.base / name for name in ("user", "output", "temp"))]
        findings.leaks += books.leaked_keys(emulator, folders, [server.said()])


def _shown(result: Result, node_id: str) -> int:
    return len(result.outputs.get(node_id, {}).get("images", ()))


def _twice(emulator: Emulator, queued: Queued) -> int:
    """Orders behind an equal one that was neither cancelled nor failed."""
    equal: defaultdict[str, list[Task]] = defaultdict(list)
    for wish in queued.wishes:
        for task in wish.tasks(emulator):
            fields = task.graph if task.order.inline else task.node_info
            equal[json.dumps([task.workflow_id, fields], sort_keys=True)].append(task)
    return sum(
        1
        for tasks in equal.values()
        for earlier in tasks[:-1]
        if earlier.status not in ("CANCEL", "FAILED")
    )


def comfy_kills(folder: Path, seeds: range, done: Callable[[int, Findings], None]) -> None:
    """A kill for each seed; `done` hears what each has left."""
    asyncio.run(ComfyKills(folder).run(seeds, done))
