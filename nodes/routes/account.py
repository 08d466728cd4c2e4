"""Profiles, access passwords and settings; no response contains a key or a password."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from ...rh_api.client import Client
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.journal.program_keys import program_key
from ...rh_api.money.amounts import say_unit
from ...rh_api.settings import OFFICIAL_HOSTS
from ...rh_api.wire.accounts import Account, QueueStatus
from ...rh_api.wire.quick import is_module_id
from .. import language
from ..runtime import cloud, comfyui, config, key_store
from .body import Body, switch_of, text_of

SITES = tuple(f"https://{host}" for host in OFFICIAL_HOSTS)


async def settings(_: Body) -> dict[str, object]:
    """List profiles (name, site, end of the key), the environment's first; and the settings."""
    stored = key_store.load(config.state_folder())
    listed = [_profile_document(name, profile, "file") for name, profile in stored.by_name.items()]
    problem = ""
    if config.has_environment_key():
        try:
            environment = config.settings(key_store.ENVIRONMENT)
            own = key_store.Profile(environment.origin, environment.key)
            listed.insert(0, _profile_document(key_store.ENVIRONMENT, own, "environment"))
        except BadInput as error:
            problem = language.describe(error)
    return {
        "profiles": listed,
        "default": key_store.ENVIRONMENT if config.has_environment_key() else stored.default,
        "environment": config.has_environment_key(),
        "has_users": comfyui.has_logins(),
        "problem": problem,
        "models": stored.models or "warn",
        "renews_models": stored.renews_models,
        "max_tasks": stored.max_tasks,
        # In the order in which the page offers them.
        "sites": list(reversed(SITES) if language.is_chinese() else SITES),
    }


def _profile_document(name: str, profile: key_store.Profile, source: str) -> dict[str, object]:
    return {
        "name": name,
        "origin": profile.origin,
        "host": urlsplit(profile.origin).netloc,
        "key_tail": profile.key_tail,
        "workflow": profile.workflow,
        "webhook": profile.webhook,
        "route": profile.route,
        "from": source,
    }


async def save(body: Body) -> dict[str, object]:
    name, origin, key = (text_of(body, part) for part in ("name", "origin", "key"))
    return await _changed(lambda stored: stored.saved(name, origin, key))


async def delete(body: Body) -> dict[str, object]:
    name = text_of(body, "name")
    return await _changed(lambda stored: stored.without(name))


async def default(body: Body) -> dict[str, object]:
    name = text_of(body, "name")
    return await _changed(lambda stored: stored.defaulting_to(name))


async def save_workflow(body: Body) -> dict[str, object]:
    """Set the saved workflow, by id or link, that a profile's marked parts are sent under; blank
    removes it."""
    name, text = text_of(body, "name"), text_of(body, "workflow").strip()
    number = cloud.client(config.settings(name)).programs.workflow_id(text) if text else ""
    return await _changed(lambda stored: stored.with_workflow(name, number))


async def save_webhook(body: Body) -> dict[str, object]:
    """Set the webhook URL that is passed on with a profile's orders; blank removes it."""
    name, address = text_of(body, "name"), text_of(body, "webhook")
    return await _changed(lambda stored: stored.with_webhook(name, address))


async def save_route(body: Body) -> dict[str, object]:
    """Set the default route of a profile's graphs; blank removes it."""
    name, word = text_of(body, "name"), text_of(body, "route")
    return await _changed(lambda stored: stored.with_route(name, word))


async def save_models(body: Body) -> dict[str, object]:
    """Set the policy for marked parts with a model that the cloud does not list."""
    word = text_of(body, "models")
    return await _changed(lambda stored: stored.with_models(word))


async def save_max_tasks(body: Body) -> dict[str, object]:
    """Set how many tasks of an account run at once; blank removes it."""
    text = text_of(body, "most")
    return await _changed(lambda stored: stored.with_max_tasks(text))


async def save_renewal(body: Body) -> dict[str, object]:
    """Enable or disable the daily refresh of the catalogue of standard models."""
    on = switch_of(body, "on")
    return await _changed(lambda stored: stored.with_renewal(on=on))


async def test(body: Body) -> dict[str, object]:
    """Query the status of a profile's account: balance, running and queued tasks, limit."""
    client = cloud.client(config.settings(text_of(body, "name")))
    return account_document(*await asyncio.gather(client.account.status(), _queue(client)))


def account_document(account: Account, queue: QueueStatus | None) -> dict[str, object]:
    """What the page shows of an account; None for what is not told."""
    return {
        "kind": account.kind or (queue.kind if queue else ""),
        "coins": account.coins,
        "money": account.money,
        "currency": say_unit(account.currency or "", language.say),
        "running": account.running,
        "queued": queue.queued if queue else None,
        "limit": queue.limit if queue else None,
    }


async def _queue(client: Client) -> QueueStatus | None:
    """Return the account's limit and load; None on an error, as for keys without permission."""
    try:
        return await client.account.queue()
    except RunningHubError:
        return None


async def save_password(body: Body) -> dict[str, object]:
    """Set a program's access password for a profile's site; blank removes it."""
    program = program_name(text_of(body, "kind"), text_of(body, "id"))
    origin = config.settings(text_of(body, "profile")).origin
    password = text_of(body, "password")
    await _changed(lambda stored: stored.with_password(origin, program, password))
    return {"set": bool(password)}


def program_name(kind: str, number: str) -> str:
    """Return a program's name in the journal. Raises BadInput for an unknown kind or invalid id."""
    if kind == "module" and is_module_id(number):
        return program_key("quick", number)
    if kind not in ("workflow", "app"):
        raise BadInput("node.bad_kind", value=kind[:40])
    if not (number.isascii() and number.isdigit()) or len(number) > 19:
        key = "error.app_id" if kind == "app" else "error.workflow_id"
        raise BadInput(key, value=number[:100])
    return program_key(kind, number)


async def _changed(change: key_store.Change) -> dict[str, object]:
    """Change what is stored, and return the settings."""
    key_store.change(config.state_folder(), change)
    return await settings({})
