"""Several accounts in one command: the default key's, and named ones by variable suffix.

"studio" has its key in RUNNINGHUB_API_KEY_STUDIO and, if it is on another site, that site in
RUNNINGHUB_BASE_URL_STUDIO.
"""

from __future__ import annotations

import contextlib
import re
from argparse import Namespace
from collections.abc import AsyncGenerator, Mapping

from ..errors import BadInput
from ..money.amounts import currency_of
from ..offload import CannotOffload, Plan
from ..settings import ENVIRONMENT, Settings
from .run import Service, acknowledging_stop, limited, reporting_stops, serving
from .terminal import Terminal

_KEY, _SITE = "RUNNINGHUB_API_KEY", "RUNNINGHUB_BASE_URL"
# Valid only on the site that they were written for.
_PER_SITE = ("RUNNINGHUB_SEGMENT_WORKFLOW", "RUNNINGHUB_ACCESS_PASSWORD")
_PER_KEY = (_KEY, _SITE, *_PER_SITE, "RUNNINGHUB_ROUTE", "RUNNINGHUB_WEBHOOK_URL")


def accounts_of(
    plan: Plan, arguments: Namespace, environ: Mapping[str, str]
) -> dict[str, Settings]:
    """Return settings by the account name that each order gives, "" for the default key's.

    Raises CannotOffload if an account's key is not set.
    """
    accounts: dict[str, Settings] = {}
    for segment in plan.segments:
        profile = segment.ordering.profile
        settings = _settings_of(environ, profile)
        if settings is None:
            about = {"id": segment.id, "name": profile, "variable": _KEY + _suffix(profile)}
            raise CannotOffload("cli.offload_profile", local_id=segment.id, **about)
        accounts[profile] = limited(settings, arguments)
    several = len({settings.payer for settings in accounts.values()}) > 1
    if several and arguments.max_cost is not None:
        raise BadInput("cli.max_cost_accounts", names=", ".join(filter(None, accounts)))
    return accounts


@contextlib.asynccontextmanager
async def connected_accounts(
    accounts: Mapping[str, Settings], terminal: Terminal
) -> AsyncGenerator[dict[str, Service]]:
    """Connect one service per account, by name; two names of one account share it."""
    currencies = {currency_of(settings.origin) for settings in accounts.values()}
    currency = currencies.pop() if len(currencies) == 1 else ""
    with reporting_stops(terminal, currency) as stopped:
        async with contextlib.AsyncExitStack() as stack:
            payers: dict[tuple[str, str], Service] = {}
            for settings in accounts.values():
                if settings.payer not in payers:
                    service = await stack.enter_async_context(serving(settings, terminal, stopped))
                    payers[settings.payer] = service
            with acknowledging_stop(terminal):
                yield {name: payers[settings.payer] for name, settings in accounts.items()}


def _settings_of(environ: Mapping[str, str], name: str) -> Settings | None:
    """Return a named account's settings, "" for the default; None if it has no key.

    Raises BadInput as `Settings.from_mapping` does.
    """
    if name in ("", ENVIRONMENT):
        return Settings.from_mapping(environ)
    suffix = _suffix(name)
    own = {key: environ[key + suffix] for key in _PER_KEY if environ.get(key + suffix, "").strip()}
    if _KEY not in own:
        return None
    left_out = _PER_SITE if _SITE in own else ()
    shared = {key: value for key, value in environ.items() if key not in left_out}
    return Settings.from_mapping({**shared, **own})


def _suffix(name: str) -> str:
    return "_" + re.sub(r"\W", "_", name).upper()
