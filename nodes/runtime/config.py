"""Where the key and the site come from, and the folder that the journal lies in."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import folder_paths

from ...rh_api.errors import BadInput, NoKey
from ...rh_api.settings import (
    NO_SECRET,
    Secret,
    Settings,
    read_key,
    read_state,
    register_state_folder,
)
from . import demo_server, profiles

log = logging.getLogger("runninghub")

KEY_VARIABLES = ("RUNNINGHUB_API_KEY", "RH_API_KEY")


def settings(profile: str = "") -> Settings:
    """The account that a node names, with its key; "" is the default one.

    The default is the environment's, if that has a key, else the stored default. Raises NoKey,
    also where several are stored and none is the default, and BadInput for a profile that is not
    here and for a key or an address that cannot work.
    """
    name = stored_name(profile)
    if name == demo_server.PROFILE:
        return replace(_account(*demo_server.start()), webhook_url="")  # it calls nobody outside
    if not name:
        stored = (
            []
            if profile.strip() or has_environment_key()
            else profiles.load(state_folder()).by_name
        )
        if stored:
            raise NoKey("node.no_default", names=", ".join(stored))
        return _account(None, None)  # the environment's may have no key, and says so
    entry = profiles.load(state_folder()).get(name)
    account = _account(entry.origin, entry.key.reveal(), entry.workflow)
    return replace(
        account,
        webhook_url=entry.webhook or account.webhook_url,
        route=entry.route or account.route,
    )


def stored_name(profile: str) -> str:
    """The stored profile that a node means by a word; "" for the environment's."""
    name = profile.strip()
    if name == profiles.ENVIRONMENT or (not name and has_environment_key()):
        return ""
    return name or profiles.load(state_folder()).default


def without_key() -> Settings:
    """The environment's site, and this machine's folders, for what anybody may ask."""
    shared = {k: v for k, v in os.environ.items() if k not in KEY_VARIABLES}
    return Settings.from_mapping(shared, state_folder())


def has_environment_key() -> bool:
    """Whether the environment names a key: then it is the default account."""
    return any(os.environ.get(name, "").strip() for name in KEY_VARIABLES)


def known_keys() -> frozenset[str]:
    """All keys that are known here, whatever their account."""
    keys = {profile.key.reveal() for profile in profiles.load(state_folder()).by_name.values()}
    for name in KEY_VARIABLES:
        with contextlib.suppress(BadInput):  # what can be no key may stand anywhere
            keys.add(read_key(os.environ.get(name, "")).reveal())
    return frozenset(keys - {""})


def _account(origin: str | None, key: str | None, workflow: str = "") -> Settings:
    """An account with this machine's folders and passwords; None: what the environment says.

    A profile's own `workflow` comes before the environment's, which is for any account; of what
    becomes of unlisted models the environment has the first word, as everywhere.
    """
    own = {} if origin is None else {"RUNNINGHUB_BASE_URL": origin, KEY_VARIABLES[0]: key or ""}
    # The general access password belongs to the environment's key, not to another site's.
    general = {} if origin is None else {"RUNNINGHUB_ACCESS_PASSWORD": ""}
    shared = {k: v for k, v in os.environ.items() if origin is None or k not in KEY_VARIABLES}
    account = Settings.from_mapping({**shared, **own, **general}, state_folder())
    account.require_key()
    return replace(
        account,
        passwords=partial(_password, account.origin),
        segment_workflow=workflow or account.segment_workflow,
        models=account.models or stored_models(),
        renews_models=account.renews_models and profiles.load(state_folder()).renews_models,
    )


def stored_models() -> str:
    """What the settings page says of models that the cloud does not list; "" for nothing."""
    return profiles.load(state_folder()).models


def _password(origin: str, program: str) -> Secret:
    """A program's access password as it is stored now."""
    return profiles.load(state_folder()).passwords.get((origin, program), NO_SECRET)


def site_page(account: Settings, path: str) -> str:
    """The address of a page for people; "" where the origin is no site (emulator, proxy)."""
    return account.origin + path if account.is_official else ""


def state_folder() -> Path:
    """A folder of ComfyUI that none of its HTTP routes serves."""
    if hasattr(folder_paths, "get_system_user_directory"):
        return Path(folder_paths.get_system_user_directory("runninghub"))
    return Path(folder_paths.get_user_directory()) / "__runninghub"


def settings_folder() -> Path:
    """The folder of the journal, where a person may have put it elsewhere."""
    chosen = os.environ.get("RUNNINGHUB_STATE", "").strip()
    return read_state(chosen) if chosen else state_folder()


def register_journal() -> None:
    """Let the command line of this person find the journal of this ComfyUI."""
    try:
        register_state_folder(state_folder(), os.environ)
    except OSError as error:
        log.info("the journal of this ComfyUI is not registered: %s", error)


def scratch_folder() -> Path:
    """Where files lie for as long as a node runs: ComfyUI empties it at its start and end."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder
