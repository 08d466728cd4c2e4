"""`app`: show an AI app's form, or run it."""

from __future__ import annotations

import html
import re
from argparse import Namespace
from collections.abc import Mapping

from ..client import Client, RemoteApp
from ..graph.app_fields import app_choices, app_fields
from ..settings import Settings
from ..texts import english
from ..wire.apps import AppForm
from .run import run
from .terminal import Terminal, shortened
from .workflow import field_document, field_row

_RUN_OPTIONS = frozenset(
    {"set", "outputs", "instance", "reroll_seeds", "use_personal_queue", "retain", "webhook"}
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
    document = form_document(app)
    for line in filter(None, (app.form.name, document["description"])):
        terminal.say(str(line))
    terminal.say(english("cli.app_fields", {"app": app.app_id}))
    form_table(terminal, app.form)
    if app.form.encrypted:
        terminal.say(english("cli.app_protected", {}))
    terminal.document(document)


def form_document(app: RemoteApp) -> dict[str, object]:
    """Return an app's form as `--json` prints it."""
    return {
        "app_id": app.app_id,
        "name": app.form.name,
        "description": _plain(app.form.description),
        "encrypted": app.form.encrypted,
        "fields": field_documents(app.form),
    }


def form_table(terminal: Terminal, form: AppForm) -> list[dict[str, object]]:
    """Print a form's fields with their binding choices; returns them as in `--json`."""
    choices = app_choices(form)
    terminal.table(
        [
            (*field_row(field), shortened(" | ".join(choices.get(field.full_name, ()))))
            for field in app_fields(form)
        ],
    )
    return field_documents(form)


def field_documents(form: AppForm) -> list[dict[str, object]]:
    """Return a form's fields with their binding choices as `--json` prints them."""
    choices = app_choices(form)
    return [
        {**field_document(field), "choices": choices.get(field.full_name)}
        for field in app_fields(form)
    ]


def _plain(markup: str) -> str:
    """Strip HTML from a description, which the site's editor writes."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())
