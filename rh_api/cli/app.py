"""`app`: show an AI app's form, or run it."""

from __future__ import annotations

import html
import re
from argparse import Namespace
from collections.abc import Mapping

from ..client import Client
from ..graph.app_fields import app_choices, app_fields
from ..settings import Settings
from ..texts import english
from ..wire.apps import AppForm
from .run import run
from .terminal import Terminal, shortened
from .workflow import field_document, field_row

_RUN_OPTIONS = frozenset(
    {"set", "outputs", "instance", "reroll_seeds", "personal_queue", "retain", "webhook"}
    | {"out", "timeout", "max_cost", "again", "run"}
)
"""Options that imply a run; without any of them the form is shown."""


async def app(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show the form, at no cost, unless any option of a run is given."""
    options = {
        name for name, value in vars(arguments).items() if value is not None and value is not False
    }
    act = run if options & _RUN_OPTIONS else app_form
    await act(arguments, terminal, environ)


async def app_form(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show an AI app's form as `--set` takes it, with the binding choices."""
    async with Client(Settings.from_mapping(environ)) as client:
        app = await client.programs.app(arguments.app)
    description = _plain(app.form.description)
    for line in filter(None, (app.form.name, description)):
        terminal.say(line)
    terminal.say(english("cli.app_fields", {"app": app.app_id}))
    fields = form_table(terminal, app.form)
    if app.form.encrypted:
        terminal.say(english("cli.app_protected", {}))
    terminal.document(
        {
            "app_id": app.app_id,
            "name": app.form.name,
            "description": description,
            "encrypted": app.form.encrypted,
            "fields": fields,
        }
    )


def form_table(terminal: Terminal, form: AppForm) -> list[dict[str, object]]:
    """Print a form's fields with their binding choices; returns them as in `--json`."""
    settable, choices = app_fields(form), app_choices(form)
    terminal.table(
        [
            (*field_row(field), shortened(" | ".join(choices.get(field.full_name, ()))))
            for field in settable
        ],
    )
    return [
        {**field_document(field), "choices": choices.get(field.full_name)} for field in settable
    ]


def _plain(markup: str) -> str:
    """Strip HTML from a description, which the site's editor writes."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())
