"""`doctor`: ask the service what its sources leave open, and compare it with what is assumed."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..doctor.examine import Examination, examine, recording
from ..doctor.findings import NEVER, Verdict
from ..doctor.report import report
from ..errors import BadInput
from ..models.live_catalogue import ModelCatalogue
from ..money.amounts import Sums, read_sums
from ..settings import Settings
from ..system.disk import replace_bytes
from ..texts import english
from ..wire.envelope import read_object
from ..wire.workflows import APP, WORKFLOW, read_page
from .doctor_orders import TwoOrders
from .exit_codes import NoAnswer, Otherwise
from .terminal import Terminal


async def doctor(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Print a table of findings. Raises Otherwise if one is other than assumed, and NoAnswer if
    nothing is known of the account."""
    settings = Settings.from_mapping(environ)
    workflow = read_page(arguments.workflow, WORKFLOW)[0] if arguments.workflow else ""
    app = read_page(arguments.app, APP)[0] if arguments.app else ""
    model = ModelCatalogue(settings).resolve(arguments.model) if arguments.model else None
    settings.require_key()
    sums = read_sums(arguments.paid) if arguments.paid else {}
    if sums and not workflow:
        raise BadInput("cli.doctor_no_workflow")
    terminal.note(english("cli.doctor_begins", {"origin": settings.origin}))
    examination = await examine(
        settings, workflow=workflow, app=app, model=model, upload_mb=arguments.upload
    )
    if sums and examination.failure is None:
        about = {"workflow": workflow, "sum": arguments.paid}
        terminal.note(english("cli.doctor_pay", about))
        if not terminal.can_ask or terminal.agreed(english("cli.doctor_go_on", {})):
            examination = await _with_orders(examination, settings, workflow, sums, terminal)
    _tell(examination, terminal)
    if arguments.report:
        await _publish(examination, Path(arguments.report), terminal)
    if examination.failure is not None:
        raise NoAnswer(error=examination.failure.text(english))
    if examination.others:
        raise Otherwise(count=len(examination.others))
    terminal.say(english("cli.doctor_fits", {}))
    terminal.document(terminal.done)


async def _with_orders(
    examination: Examination, settings: Settings, workflow: str, sums: Sums, terminal: Terminal
) -> Examination:
    """Return it with what two orders tell. Raises Interrupted, and Uncertain for an order whose
    reply was lost."""
    async with recording(settings) as recorder:
        orders = TwoOrders(settings, workflow, sums, terminal, recorder)
        await orders.place()
    told = {finding.id for finding in orders.findings}
    before = [finding for finding in examination.findings if finding.id not in told]
    return replace(
        examination,
        findings=(*before, *orders.findings),
        exchanges=(*examination.exchanges, *orders.recorder.exchanges),
    )


def _tell(examination: Examination, terminal: Terminal) -> None:
    unasked = [finding.id for finding in examination.findings if not finding.is_asked]
    findings = [finding.document(english) for finding in examination.findings]
    terminal.table(
        [
            (
                str(finding["question"]),
                english(f"cli.doctor_verdict_{finding['verdict']}", {}),
                str(finding["seen"]),
            )
            for finding in findings
            if finding["id"] not in unasked
        ]
    )
    terminal.say(english("cli.doctor_words", {}))
    counts = {"paid": len(unasked) - len(NEVER), "never": len(NEVER)}
    key = "cli.doctor_unasked" if counts["paid"] else "cli.doctor_unasked_never"
    terminal.say(english(key, counts))
    others = [finding for finding in findings if finding["verdict"] == Verdict.OTHER.value]
    if others:
        terminal.say(english("cli.doctor_what_to_do", {}))
    for finding in others:
        terminal.say(f"  {finding['question']} {finding['seen']}. {finding['advice']}")
    terminal.done = {"findings": findings}


async def _publish(examination: Examination, file: Path, terminal: Terminal) -> None:
    """Show the report, then write it; at a terminal only if one agrees."""
    document = report(examination)
    text = json.dumps(document, indent=1)
    terminal.note(text)
    counts = read_object(document["replaced"])
    kinds = ", ".join(f"{kind} {number}" for kind, number in counts.items()) or "-"
    terminal.note(english("cli.doctor_replaced", {"kinds": kinds}))
    if terminal.can_ask and not terminal.agreed(english("cli.doctor_write", {"file": file})):
        return
    try:
        await asyncio.to_thread(replace_bytes, file, text.encode())
    except OSError as error:
        raise BadInput("cli.doctor_unwritten", file=file, reason=error.strerror or error) from error
    terminal.note(english("cli.doctor_written", {"file": file}))
