"""`doctor`: ask the service what its sources leave open, and compare it with what is assumed."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from ..disk import replace_bytes
from ..doctor.examine import Examination, examine
from ..doctor.findings import NEVER, PAID, Verdict
from ..doctor.report import report
from ..errors import BadInput
from ..settings import Settings
from ..texts import english
from ..wire.envelope import read_object
from ..wire.workflows import APP, WORKFLOW, read_page
from .exit_codes import NoAnswer, Otherwise
from .terminal import Terminal


async def doctor(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Print a table of findings. Raises Otherwise if one is other than assumed, and NoAnswer if
    nothing is known of the account."""
    settings = Settings.from_mapping(environ)
    workflow = read_page(arguments.workflow, WORKFLOW)[0] if arguments.workflow else ""
    app = read_page(arguments.app, APP)[0] if arguments.app else ""
    settings.require_key()
    terminal.note(english("cli.doctor_begins", {"origin": settings.origin}))
    examination = await examine(settings, workflow=workflow, app=app, upload_mb=arguments.upload)
    _tell(examination, terminal)
    if arguments.report:
        await _publish(examination, Path(arguments.report), terminal)
    if examination.failure is not None:
        raise NoAnswer(error=examination.failure.text(english))
    if examination.others:
        raise Otherwise(count=len(examination.others))
    terminal.say(english("cli.doctor_fits", {}))
    terminal.document(terminal.done)


def _tell(examination: Examination, terminal: Terminal) -> None:
    findings = [finding.document(english) for finding in examination.findings]
    terminal.table(
        [
            (
                str(finding["question"]),
                english(f"cli.doctor_verdict_{finding['verdict']}", {}),
                str(finding["seen"]),
            )
            for finding in findings
            if finding["id"] not in (*PAID, *NEVER)
        ]
    )
    terminal.say(english("cli.doctor_unasked", {"paid": len(PAID), "never": len(NEVER)}))
    for finding in findings:
        if finding["verdict"] == Verdict.OTHER.value:
            terminal.say(f"{finding['question']} {finding['advice']}")
    terminal.done = {"findings": findings}


async def _publish(examination: Examination, file: Path, terminal: Terminal) -> None:
    """Show the report, then write it; at a terminal only if one agrees."""
    document = report(examination)
    text = json.dumps(document, indent=1)
    terminal.note(text)
    counts = read_object(document["replaced"])
    kinds = ", ".join(f"{kind} {number}" for kind, number in counts.items()) or "-"
    terminal.note(english("cli.doctor_replaced", {"kinds": kinds}))
    if not terminal.as_json and sys.stdin is not None and sys.stdin.isatty():
        terminal.note(english("cli.doctor_write", {"file": file}) + " [y/N]")
        if (await asyncio.to_thread(sys.stdin.readline)).strip().lower() not in ("y", "yes"):
            return
    try:
        await asyncio.to_thread(replace_bytes, file, text.encode())
    except OSError as error:
        raise BadInput("cli.doctor_unwritten", file=file, reason=error.strerror or error) from error
    terminal.note(english("cli.doctor_written", {"file": file}))
