"""Workflows, apps and modules as JSON for the page."""

from __future__ import annotations

import html
import re

from ...rh_api.client import Program
from ...rh_api.errors import AppNotFound, Refused, RunningHubError, WorkflowNotFound
from ...rh_api.graph import suggest
from ...rh_api.journal.program_keys import program_key
from ...rh_api.settings import Settings
from ...rh_api.wire.apps import AppForm
from ...rh_api.wire.envelope import as_number
from .. import language
from . import config, demo_server, local_classes

DESCRIPTION_LENGTH = 2000
_WRONG_PARAMETER = (301, 1007)  # error codes that most likely mean a missing password


def hint(error: RunningHubError, profile: str) -> str:
    """Return which remedy the page offers for an error; "" for none."""
    if type(error) is Refused and error.code in _WRONG_PARAMETER:
        return "password"
    if isinstance(error, (WorkflowNotFound, AppNotFound)) and profile == demo_server.PROFILE:
        return "sandbox"
    return ""


def shown(program: Program, settings: Settings, *, is_sandbox: bool) -> dict[str, object]:
    """Return a program as JSON. `settings`: those that it was read with."""
    number = program.id
    form, graph = program.form, program.graph
    app = _app(form) if form is not None and program.kind == "app" else None
    page = "workflow" if app is None else "ai-detail"
    fields = (
        suggest.workflow_offer(graph or {}, LocalClasses().about)
        if form is None
        else suggest.app_offer(form, chinese=language.is_chinese())
    )
    outputs = [] if graph is None else suggest.outputs(graph, local_classes.saves)
    is_quick = program.kind == "quick"
    kind = "module" if is_quick else program.kind
    name = program_key(program.kind, number)
    return {
        "kind": kind,
        "id": number,
        "name": (is_sandbox and demo_server.name_of(kind, number)) or (app["name"] if app else ""),
        "link": "" if is_quick else config.site_page(settings, f"/{page}/{number}"),
        "hash": program.graph_hash,
        "sandbox": is_sandbox,
        "protected": form is not None and form.encrypted,
        "password": bool(settings.password_of(name)),
        "nodes": suggest.listed(fields),
        "outputs": [
            {
                "id": output.node.id,
                "title": suggest.one_line(output.node.title, 200),
                "class_type": output.node.class_type[:200],
                "type": output.type,
                "suggested": output.suggested,
            }
            for output in outputs
        ],
        "app": app,
    }


def _app(form: AppForm) -> dict[str, object]:
    # Strip tags: third-party markup must not reach the page.
    text = html.unescape(re.sub(r"<[^<>]*>", " ", form.description[: 4 * DESCRIPTION_LENGTH]))
    cover = next((url for url in form.covers if url.startswith("https://")), "")
    return {
        "name": suggest.one_line(form.name, 200),
        "description": suggest.one_line(text, DESCRIPTION_LENGTH),
        "cover": cover,
    }


class LocalClasses:
    """Specs of fields by local node classes, each class read once."""

    def __init__(self) -> None:
        self._read: dict[str, dict[str, local_classes.Spec]] = {}

    def about(self, class_type: str, field: str) -> suggest.About | None:
        if class_type not in self._read:
            self._read[class_type] = local_classes.read(class_type) or {}
        spec = self._read[class_type].get(field)
        if spec is None:
            return None
        more = spec[1]
        return suggest.About(
            kind=local_classes.type_in(spec),
            choices=local_classes.choices_in(spec),
            low=as_number(more.get("min")),
            high=as_number(more.get("max")),
            step=as_number(more.get("step")),
            multiline=more.get("multiline") is True,
        )
