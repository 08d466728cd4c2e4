"""`limits`: cost limits of this key's orders, stored in this machine's journal."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from ..client import Client
from ..errors import BadInput
from ..graph.nearest import listed, nearest
from ..journal.ledger import ALLOWED, FLOOR
from ..journal.program_keys import program_key
from ..money.amounts import Sums, say_sums, written
from ..money.limits import SCOPES, VARIABLES
from ..settings import Settings
from ..texts import english
from .terminal import Terminal

_NONE = "none"  # instead of a sum: removes a limit


async def limits(arguments: Namespace, terminal: Terminal, environ: Mapping[str, str]) -> None:
    """Apply the requested changes, then show all limits and what was spent today."""
    settings = Settings.from_mapping(environ)
    settings.require_key()
    changes = {
        scope: amount
        for scope in (*SCOPES, FLOOR)
        if (amount := getattr(arguments, scope)) is not None
    }
    allowed: dict[str, str] = {}
    for text in arguments.allow or ():
        program, equals, amount = text.rpartition("=")
        if not equals or not program.strip():
            raise BadInput("error.bad_amount", value=text[:60])
        allowed[program.strip()] = amount
    if not all(amount.strip() for amount in (*changes.values(), *allowed.values())):
        raise BadInput("error.bad_amount", value="")
    async with Client(settings) as client:
        stored = (await client.costs.rules()).allowed
        for named, amount in allowed.items():
            # A stored entry can be removed by its exact name, even if it is no valid program.
            is_stored = amount.strip().lower() == _NONE and named in stored
            program = named if is_stored else _program(client, named, terminal)
            changes[ALLOWED + program] = amount
        for scope, amount in changes.items():
            await client.costs.set_rule(scope, "" if amount.strip().lower() == _NONE else amount)
        rules, spent = await client.costs.rules(), await client.costs.committed()
    rows: dict[str, Sums] = {
        "order": rules.limits.order,
        "prompt": rules.limits.prompt,
        "day": rules.limits.day,
        "floor": rules.floor,
        **{ALLOWED + name: sums for name, sums in rules.allowed.items()},
    }
    env = {name: text for name in VARIABLES.values() if (text := environ.get(name, "").strip())}
    listed = [(name, say_sums(sums, english)) for name, sums in rows.items() if sums]
    listed += [(scope, f"{env[name]} ({name})") for scope, name in VARIABLES.items() if name in env]
    if listed:
        terminal.table(listed)
    else:
        terminal.say(english("cli.limits_none", {}))
    today = say_sums({unit: amount for unit, amount in spent.day.items() if amount}, english)
    terminal.say(english("cli.limits_today", {"sum": today or "0"}))
    terminal.document(
        {
            "limits": {name: written(sums, english) for name, sums in rows.items() if sums},
            "environment": env,
            "today": written(spent.day, english),
        }
    )


def _program(client: Client, named: str, terminal: Terminal) -> str:
    """Return a program as the journal names it; BadInput if malformed. A model that is in no list
    gets a note, and may be ordered all the same."""
    kind, _, rest = named.partition("/")
    if kind in ("graph", "quick") and rest:
        return named  # as named in a refusal
    if kind == "app" and rest:
        return program_key("app", client.programs.app_id(rest))
    if kind != "model" or not rest:
        return client.programs.workflow_id(named)
    endpoint, offered = client.models.find(rest).endpoint, client.models.catalogue.models
    if endpoint not in offered:
        near = listed(nearest(endpoint, offered))
        terminal.note(english("cli.model_unlisted", {"model": endpoint, "near": near}))
    return program_key("model", endpoint)
