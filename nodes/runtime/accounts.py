"""The accounts that have a key here, and whose an order of the journal is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...rh_api.client import Client, PastOrder
from ...rh_api.errors import BadInput
from ...rh_api.settings import Settings
from . import cloud, config, demo_server, profiles

Names = Mapping[cloud.Account, str]
"""The first name of each account."""


def listed() -> Iterator[tuple[str, Settings]]:
    """Each account once, by the first name that it has."""
    names = [profiles.ENVIRONMENT] if config.has_environment_key() else []
    names += profiles.load(config.state_folder()).by_name
    names += [profiles.SANDBOX] if demo_server.is_running() else []
    seen: set[cloud.Account] = set()
    for name in names:
        try:
            settings = config.settings(name)
        except BadInput:
            continue  # the settings say what is wrong with it
        account = settings.origin, settings.account
        if account not in seen:
            seen.add(account)
            yield name, settings


def names() -> Names:
    return {(settings.origin, settings.account): name for name, settings in listed()}


def any_client() -> Client | None:
    """A client of some account, to read the journal that all have in common; None without any."""
    return next((cloud.client(settings) for _, settings in listed()), None)


def of_order(order: PastOrder) -> tuple[str, Client]:
    """The account that an order was paid by. BadInput when its key is not here."""
    for name, settings in listed():
        if (settings.origin, settings.account) == (order.origin, order.account):
            return name, cloud.client(settings)
    raise BadInput("node.key_not_here", order=order.order, origin=order.origin)
