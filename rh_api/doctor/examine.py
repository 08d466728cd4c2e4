"""Asks all questions, within a time limit: one that fails never ends the others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import RunningHubError, Say
from ..models.schema import Model
from ..net.api import AiohttpTransport
from ..net.files import RequestsBulk
from ..settings import Settings
from ..wire.accounts import Account, QueueStatus, account_status, queue_status
from ..wire.call import Call
from .exchanges import Exchange, Recorder, is_refusal
from .findings import Finding, Verdict, unasked
from .questions import APP, FREE, LARGE, WHO, WORKFLOW, Asked, Question

T = TypeVar("T")

SECONDS = 45.0  # of the free part
LARGE_SECONDS = 600.0  # of uploads of a size that the user chose
PARALLEL = 4

_BASIC = frozenset({"queue", "workflow", "app", "price", "native-list"})
"""Questions whose refusal is a finding: what our reader was made for does not work."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was learnt."""

    findings: tuple[Finding, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def failure(self) -> Finding | None:
        """Why nothing is known of the account; None if it answered."""
        who = self.findings[0]
        return None if who.verdict is Verdict.AS_ASSUMED else who

    @property
    def account(self) -> Account | None:
        """What the account tells of itself; None if it did not answer."""
        return self._read("key", account_status())

    @property
    def queue(self) -> QueueStatus | None:
        """The account's limit and load; None if they were not told."""
        return self._read("queue", queue_status())

    def _read(self, question: str, call: Call[T]) -> T | None:
        answers = (e.response for e in self.exchanges if e.question == question and e.response)
        try:
            return next(map(call.read, answers), None)
        except RunningHubError:
            return None

    @property
    def others(self) -> list[Finding]:
        """The findings that are other than assumed."""
        return [finding for finding in self.findings if finding.verdict is Verdict.OTHER]

    def document(self, say: Say) -> dict[str, object]:
        """Return it as a JSON object, with its sentences."""
        return {"findings": [finding.document(say) for finding in self.findings]}


async def examine(
    settings: Settings,
    *,
    workflow: str = "",
    app: str = "",
    model: Model | None = None,
    upload_mb: int = 0,
    seconds: float = SECONDS,
) -> Examination:
    """Ask what costs nothing and starts nothing, within `seconds`.

    `workflow`, `app`: ids of programs whose form is read, too. `model`: whose price is asked
    for. `upload_mb`: size of a made-up file that is uploaded, for which there is more time.
    Raises NoKey, and BadInput for a key in clear text.
    """
    settings.require_key()
    transport, bulk = AiohttpTransport(settings), RequestsBulk(settings)
    password = settings.password_of(workflow) if workflow else ""
    try:
        asked = Asked(Recorder(transport), bulk, workflow, app, model, password, upload_mb)
        return await _examine(asked, seconds)
    finally:
        await transport.close()
        await bulk.close()


@contextlib.asynccontextmanager
async def recording(settings: Settings) -> AsyncGenerator[Recorder]:
    """Keep the exchanges of what is asked meanwhile."""
    transport = AiohttpTransport(settings)
    try:
        yield Recorder(transport)
    finally:
        await transport.close()


async def _examine(asked: Asked, seconds: float) -> Examination:
    until = time.monotonic() + seconds
    questions = [*FREE]
    questions += [WORKFLOW] if asked.workflow else []
    questions += [APP] if asked.app else []
    findings = await _together(asked, [WHO], seconds)
    findings += await _together(asked, questions, until - time.monotonic())
    if asked.upload_mb:
        findings += await _together(asked, [LARGE], LARGE_SECONDS)
    else:
        findings += [Finding(row, Verdict.NOT_TOLD, "doctor.seen_no_size") for row in LARGE.ids]
    return Examination((*findings, *unasked()), tuple(asked.recorder.exchanges))


async def _together(asked: Asked, questions: Sequence[Question], seconds: float) -> list[Finding]:
    places = asyncio.Semaphore(PARALLEL)

    async def in_turn(question: Question) -> list[Finding]:
        async with places:
            return await _answer(asked, question)

    asking = [asyncio.ensure_future(in_turn(question)) for question in questions]
    try:
        await asyncio.wait(asking, timeout=max(0.0, seconds))
    finally:
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
    findings: list[Finding] = []
    for question, task in zip(questions, asking, strict=True):
        if task.cancelled():
            findings += [Finding(row, Verdict.NOT_TOLD, "doctor.seen_late") for row in question.ids]
        else:
            findings += task.result()
    return findings


async def _answer(asked: Asked, question: Question) -> list[Finding]:
    try:
        return await question.ask(asked)
    except RunningHubError as error:
        is_finding = is_refusal(error) and _BASIC.issuperset(question.ids)
        verdict = Verdict.OTHER if is_finding else Verdict.NOT_TOLD
        return [Finding(row, verdict, error) for row in question.ids]
