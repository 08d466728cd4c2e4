"""`limits`: what this key's orders may cost, by this machine's journal."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ..client import Client
from ..errors import BadInput
from ..journal.ledger import ALLOWED, FLOOR
from ..money.amounts import Sums, say_sums, written
from ..money.limits import SCOPES, VARIABLES
from ..settings import Settings
from ..texts import english
from .terminal import Terminal

_NONE = "none"  # in place of a sum: takes a limit away


async def limits(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Change what is asked, and show all of them beside what today has cost."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    changes = {
        scope: given
        for scope in (*SCOPES, FLOOR)
        if (given := getattr(arguments, scope)) is not None
    }
    for text in arguments.allow or ():
        program, equals, given = text.rpartition("=")
        if not equals or not program.strip():
            raise BadInput("error.bad_amount", value=text[:60])
        changes[ALLOWED + program.strip()] = given
    if not all(given.strip() for given in changes.values()):
        raise BadInput("error.bad_amount", value="")
    async with Client(settings) as client:
        for scope, given in changes.items():
            await client.costs.set_rule(scope, "" if given.strip().lower() == _NONE else given)
        rules, spent = await client.costs.rules(), await client.costs.committed()
    rows: dict[str, Sums] = {
        "order": rules.limits.order,
        "prompt": rules.limits.prompt,
        "day": rules.limits.day,
        "floor": rules.floor,
        **{ALLOWED + name: sums for name, sums in rules.allowed.items()},
    }
    said = {name: text for name in VARIABLES.values() if (text := environ.get(name, "").strip())}
    listed = [(name, say_sums(sums, english)) for name, sums in rows.items() if sums]
    listed += [
        (scope, f"{said[name]} ({name})") for scope, name in VARIABLES.items() if name in said
    ]
    if listed:
        terminal.table(listed)
    else:
        terminal.say(english("cli.limits_none", {}))
    today = say_sums({unit: amount for unit, amount in spent.day.items() if amount}, english)
    terminal.say(english("cli.limits_today", {"sum": today or "0"}))
    terminal.document(
        {
            "limits": {name: written(sums, english) for name, sums in rows.items() if sums},
            "environment": said,
            "today": written(spent.day, english),
        }
    )
