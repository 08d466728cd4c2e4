"""`doctor`: ask the service what its sources leave open, and compare it with what is assumed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ..doctor.examine import Examination, examine
from ..doctor.findings import Verdict
from ..settings import Settings
from ..texts import english
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
        ]
    )
    for finding in findings:
        if finding["verdict"] == Verdict.OTHER.value:
            terminal.say(f"{finding['question']} {finding['seen']}. {finding['advice']}")
    terminal.done = {"findings": findings}
