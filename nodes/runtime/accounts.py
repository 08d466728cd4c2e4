"""The accounts with a key on this machine, and which of them paid an order of the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...rh_api.client import Client, History, PastOrder
from ...rh_api.errors import BadInput
from ...rh_api.settings import Settings
from . import cloud, config, demo_server, key_store

Names = Mapping[cloud.Account, str]
"""The first name of each account."""


def listed() -> Iterator[tuple[str, Settings]]:
    """Yield (profile name, settings) once per account: environment, stored profiles, sandbox."""
    names = [key_store.ENVIRONMENT] if config.has_environment_key() else []
    names += key_store.load(config.state_folder()).by_name
    names += [key_store.SANDBOX] if demo_server.is_running() else []
    seen: set[cloud.Account] = set()
    for name in names:
        try:
            settings = config.settings(name)
        except BadInput:
            continue  # an invalid profile; the settings page shows why
        account = settings.origin, settings.account
        if account not in seen:
            seen.add(account)
            yield name, settings


def names() -> Names:
    return {(settings.origin, settings.account): name for name, settings in listed()}


def any_client() -> Client | None:
    """Return a client of any account, to read the shared journal; None if no account has a key."""
    return next((cloud.client(settings) for _, settings in listed()), None)


async def history() -> History:
    """Return the history of the shared journal, which needs no account."""
    return any_client() or await cloud.keyless_history()


def profile_of(order: PastOrder, names: Names) -> str:
    """Return the profile that placed an order, "" if its key is not stored here. An order
    of a sandbox that was stopped since counts as the present one's."""
    is_emulated = demo_server.is_emulated(order.origin, order.account)
    return names.get((order.origin, order.account), key_store.SANDBOX if is_emulated else "")


def of_order(order: PastOrder) -> tuple[str, Client]:
    """Return the profile and client that placed an order. BadInput if its key is not stored
    here."""
    name = profile_of(order, names())
    if not name:
        raise BadInput("node.key_not_here", order=order.order, origin=order.origin)
    return name, cloud.client(config.settings(name))
