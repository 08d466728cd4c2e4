"""Resolves a profile name to account settings, and locates ComfyUI's folders for our state."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import folder_paths

from ...rh_api.errors import BadInput, NoKey
from ...rh_api.money.limits import Limits
from ...rh_api.settings import (
    NO_SECRET,
    Secret,
    Settings,
    read_key,
)
from ...rh_api.system.state_folders import read_state, register_state_folder
from . import demo_server, key_store

log = logging.getLogger("runninghub")

KEY_VARIABLES = ("RUNNINGHUB_API_KEY", "RH_API_KEY")


def settings(profile: str = "") -> Settings:
    """Return the settings, with key, of the account that a node names; "" is the default one.

    The default is the environment's, if that has a key, else the stored default. Raises NoKey,
    also if several are stored and none is the default, and BadInput for an unknown profile and
    for an invalid key or origin.
    """
    name = stored_name(profile)
    if name == demo_server.PROFILE:
        # Settings for RunningHub do not apply: it takes no money and calls no other host.
        own = {"limits": Limits(), "segment_workflow": "", "route": "", "webhook_url": ""}
        return replace(_account(*demo_server.start()), **own, is_sandbox=True)
    if not name:
        stored = (
            []
            if profile.strip() or has_environment_key()
            else key_store.load(state_folder()).by_name
        )
        if stored:
            raise NoKey("node.no_default", names=", ".join(stored))
        return _account(None, None)  # raises NoKey if the environment has none
    return account_of(key_store.load(state_folder()).get(name))


def account_of(entry: key_store.Profile) -> Settings:
    """Return the settings of a profile, which need not be stored. Raises BadInput."""
    account = _account(entry.origin, entry.key.reveal(), entry.workflow)
    return replace(
        account,
        webhook_url=entry.webhook or account.webhook_url,
        route=entry.route or account.route,
    )


def stored_name(profile: str) -> str:
    """Return the name of the profile that a node's input selects; "" for the environment's."""
    name = profile.strip()
    if name == key_store.ENVIRONMENT or (not name and has_environment_key()):
        return ""
    return name or key_store.load(state_folder()).default


def without_key() -> Settings:
    """Return the environment's settings without its key, for endpoints that need none."""
    shared = {k: v for k, v in os.environ.items() if k not in KEY_VARIABLES}
    return Settings.from_mapping(shared, state_folder())


def has_environment_key() -> bool:
    """Whether the environment has a key, which makes it the default account."""
    return any(os.environ.get(name, "").strip() for name in KEY_VARIABLES)


def known_keys() -> frozenset[str]:
    """Return all keys of stored profiles and of the environment."""
    keys = {profile.key.reveal() for profile in key_store.load(state_folder()).by_name.values()}
    for name in KEY_VARIABLES:
        with contextlib.suppress(BadInput):  # a malformed key is no secret
            keys.add(read_key(os.environ.get(name, "")).reveal())
    return frozenset(keys - {""})


def _account(origin: str | None, key: str | None, workflow: str = "") -> Settings:
    """Return an account's settings with this machine's folders and passwords. Raises NoKey.

    `origin` and `key` None: the environment's. A profile's `workflow` precedes the environment's,
    which is for any account; for unlisted models the environment precedes the settings page.
    """
    own = {} if origin is None else {"RUNNINGHUB_BASE_URL": origin, KEY_VARIABLES[0]: key or ""}
    # The environment's access password is for its own key, never sent to a profile's site.
    general = {} if origin is None else {"RUNNINGHUB_ACCESS_PASSWORD": ""}
    shared = {k: v for k, v in os.environ.items() if origin is None or k not in KEY_VARIABLES}
    account = Settings.from_mapping({**shared, **own, **general}, state_folder())
    account.require_key()
    return replace(
        account,
        passwords=partial(_password, account.origin),
        segment_workflow=workflow or account.segment_workflow,
        models=account.models or stored_models(),
        max_tasks=account.max_tasks or key_store.load(state_folder()).max_tasks,
        renews_models=account.renews_models and key_store.load(state_folder()).renews_models,
    )


def stored_models() -> str:
    """Return the stored policy for models that the cloud does not list; "" if none is set."""
    return key_store.load(state_folder()).models


def _password(origin: str, program: str) -> Secret:
    """Read a program's access password from the profiles file; NO_SECRET if none is stored."""
    return key_store.load(state_folder()).passwords.get((origin, program), NO_SECRET)


def site_page(account: Settings, path: str) -> str:
    """Return the URL of a web page of the site; "" if the origin has none (emulator, proxy)."""
    return account.origin + path if account.is_official else ""


def state_folder() -> Path:
    """Return our folder below ComfyUI's user directory, which no HTTP route of ComfyUI serves."""
    return Path(folder_paths.get_system_user_directory("runninghub"))


def settings_folder() -> Path:
    """Return the journal's folder: RUNNINGHUB_STATE if set, else `state_folder`."""
    chosen = os.environ.get("RUNNINGHUB_STATE", "").strip()
    return read_state(chosen) if chosen else state_folder()


def register_journal() -> None:
    """Register this ComfyUI's journal where the user's command line looks for it."""
    try:
        register_state_folder(state_folder(), os.environ)
    except OSError as error:
        log.info("the journal of this ComfyUI is not registered: %s", error)


def scratch_folder() -> Path:
    """Return ComfyUI's temp folder, which it empties at start and exit; created if missing."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder
