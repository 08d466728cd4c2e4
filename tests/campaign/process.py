"""The driver seen from outside: start it, listen to it, kill it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rh_api.client import Client
from rh_api.emulator import catalog
from rh_api.settings import Settings
from tests.support.clocks import QuickClock

ROOT = Path(__file__).parents[2]
SECONDS = 120.0  # that a driver may take for anything that it is asked


@dataclass
class Running:
    """A driver at work. `events` is what it has said so far."""

    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: str = ""

    async def heard(self, *names: str) -> None:
        """Wait until it says one of these; also when it ends before."""
        while event := await self._next():
            if event["event"] in names:
                return

    async def _next(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), SECONDS)
        if not line.endswith(b"\n"):  # it was killed in the middle of a word
            return None
        self.events.append(json.loads(line))
        return self.events[-1]

    def stop(self) -> None:
        """Stop is pressed."""
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(b"\n")

    def kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def ended(self) -> list[dict[str, Any]]:
        """Everything that it said; also kills it when it does not come to an end."""
        try:
            while await self._next():
                pass
        except asyncio.TimeoutError:
            self.process.kill()
            raise
        assert self.process.stderr is not None
        self.errors = (await self.process.stderr.read()).decode()
        await self.process.wait()
        return self.events


@dataclass(frozen=True)
class Driver:
    """How to start one: where the service is, whose account, which journal.

    `synced`: a file for notes of what surely is on the disk, see `power`.
    """

    origin: str
    key: str
    state: Path
    synced: Path | None = None

    @property
    def _env(self) -> dict[str, str]:
        return {
            "RUNNINGHUB_API_KEY": self.key,
            "RUNNINGHUB_BASE_URL": self.origin,
            "RUNNINGHUB_STATE": str(self.state),
            "RUNNINGHUB_SEGMENT_WORKFLOW": catalog.INVERT,
        }

    def client(self, pace: float) -> Client:
        """A client of the same account and journal in this process."""
        return Client(Settings.from_mapping(self._env), clock=QuickClock(pace))

    async def start(
        self,
        jobs: Sequence[Mapping[str, Any]],
        pace: float = 1.0,
        *,
        batch: bool = False,
        disk: int | None = None,
    ) -> Running:
        """`batch`: all jobs as one batch instead of each by itself. `disk`: no file can have more
        bytes, the journal's among them."""
        if not hasattr(signal, "SIGKILL"):
            pytest.skip("Windows has no kill -9, and its loop does not hear a driver's stdin")
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            **self._env,
        }
        if self.synced:
            variables["CAMPAIGN_SYNCED"] = str(self.synced)
        if disk:
            variables["CAMPAIGN_DISK"] = str(disk)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.campaign.driver",
            str(pace),
            json.dumps(list(jobs)),
            *(["--batch"] if batch else []),
            cwd=ROOT,
            env=variables,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        return Running(process)

    async def run(
        self, jobs: Sequence[Mapping[str, Any]], pace: float = 1.0
    ) -> list[dict[str, Any]]:
        """The last word about each job, in their order."""
        running = await self.start(jobs, pace)
        events = await running.ended()
        last = {e["index"]: e for e in events if e["event"] in ("end", "error")}
        assert len(last) == len(jobs), running.errors
        return [last[index] for index in range(len(jobs))]
