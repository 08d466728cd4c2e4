"""`quick`: show a Quick Create module's form, run it, or list its library's styles."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict

from ..client import Client
from ..errors import BadInput
from ..groups.quick import STYLES
from ..settings import Settings
from ..texts import english
from ..wire.quick import Style, read_module
from .app import form_table
from .files import out_folder, read_example
from .run import connected, job_of, limited, order
from .terminal import Terminal, shortened

_LISTING_OPTIONS = frozenset({"command", "module", "json", "styles", "type"})


async def quick(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Show a module's form, at no cost, unless any option of a run is given."""
    options = {
        name for name, value in vars(arguments).items() if value is not None and value is not False
    }
    if arguments.styles is not None:
        if options & {"module"} or options - _LISTING_OPTIONS:
            raise BadInput("cli.quick_either")
        await _styles(arguments, terminal, environ)
    elif arguments.module is None:
        raise BadInput("cli.quick_which")
    elif options - _LISTING_OPTIONS:
        await _run(arguments, terminal, environ)
    else:
        _form(arguments, terminal)


async def _run(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    settings = limited(Settings.from_mapping(environ), arguments)
    settings.require_key()
    job = job_of(arguments)
    folder = out_folder(arguments.out or ".")
    async with connected(settings, terminal) as service:
        await order(service, job, terminal, folder)


def _form(arguments: Namespace, terminal: Terminal) -> None:
    module = read_module(read_example(arguments.module))
    terminal.say(english("cli.quick_fields", {"module": module.id}))
    fields = form_table(terminal, module.form)
    terminal.document({"module": module.id, "fields": fields})


async def _styles(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    kind = STYLES if arguments.type is None else arguments.type
    async with Client(Settings.from_mapping(environ)) as client:
        styles = await client.quick.params(arguments.styles, kind)
    if styles:
        rows = [
            (
                style.name,
                style.key,
                " + ".join(f"{name} ({weight or '-'})" for name, weight in style.loras) or "-",
                shortened(style.trigger),
            )
            for style in styles
        ]
        terminal.table(rows)
    else:
        terminal.say(english("cli.quick_no_styles", {"type": kind, "id": arguments.styles}))
    terminal.document({"styles": [_document(style) for style in styles]})


def _document(style: Style) -> dict[str, object]:
    loras = [{"file": name, "weight": weight} for name, weight in style.loras]
    return {**asdict(style), "loras": loras}
