"""Where the key and the site come from, and the folder that the order book lies in."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths

if TYPE_CHECKING:
    from ..rh_api.settings import Secret, Settings

KEY_VARIABLES = ("RUNNINGHUB_API_KEY", "RH_API_KEY")


def settings(profile: str = "") -> Settings:
    """The account that a node names, with its key; "" is the default one.

    The default is the environment's, if that has a key, else the stored default. Raises NoKey,
    and BadInput for a profile that is not here and for a key or an address that cannot work.
    """
    from . import profiles, sandbox

    name = profile.strip()
    if name == sandbox.PROFILE:
        return _account(*sandbox.start())
    if name == profiles.ENVIRONMENT or (not name and has_environment_key()):
        return _environment()
    stored = profiles.load(state_folder())
    if not name and not stored.default:
        return _environment()  # which has no key, and says so
    found = stored.get(name or stored.default)
    return _account(found.origin, found.key.reveal())


def has_environment_key() -> bool:
    """Whether the environment names a key: then it is the default account."""
    return any(os.environ.get(name, "").strip() for name in KEY_VARIABLES)


def default_profile() -> str:
    """The name of the profile that a node without one uses; "" when there is none."""
    from . import profiles

    if has_environment_key():
        return profiles.ENVIRONMENT
    return profiles.load(state_folder()).default


def _environment() -> Settings:
    return _account(None, None)


def _account(origin: str | None, key: str | None) -> Settings:
    """An account with this machine's folders and passwords; None: what the environment says."""
    from ..rh_api.settings import Settings

    own = {} if origin is None else {"RUNNINGHUB_BASE_URL": origin, KEY_VARIABLES[0]: key or ""}
    # The general access password belongs to the environment's key, not to another site's.
    general = {} if origin is None else {"RUNNINGHUB_ACCESS_PASSWORD": ""}
    shared = {k: v for k, v in os.environ.items() if origin is None or k not in KEY_VARIABLES}
    found = Settings.from_mapping({**shared, **own, **general}, state_folder())
    found.require_key()
    return replace(found, passwords=partial(_password, found.origin))


def _password(origin: str, program: str) -> Secret:
    """A program's access password as it is stored now."""
    from ..rh_api.settings import NO_SECRET
    from . import profiles

    return profiles.load(state_folder()).passwords.get((origin, program), NO_SECRET)


def state_folder() -> Path:
    """A folder of ComfyUI that none of its HTTP routes serves."""
    if hasattr(folder_paths, "get_system_user_directory"):
        return Path(folder_paths.get_system_user_directory("runninghub"))
    return Path(folder_paths.get_user_directory()) / "__runninghub"


def scratch_folder() -> Path:
    """Where files lie for as long as a node runs: ComfyUI empties it at its start and end."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def host_names() -> frozenset[str]:
    """What this ComfyUI is called by, beside loopback and addresses: the names it listens on, and
    those that its owner gives it, such as a reverse proxy's."""
    from comfy.cli_args import args

    named = f"{getattr(args, 'listen', '')} {os.environ.get('RUNNINGHUB_HOSTS', '')}"
    return frozenset(re.split(r"[\s,;]+", named.lower())) - {""}


def version() -> str:
    """Our own version."""
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    try:
        found = re.search(r'^version = "([^"]+)"', pyproject.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return "?"
    return found[1] if found else "?"


def comfyui_version() -> str:
    try:
        from comfyui_version import __version__
    except ImportError:
        return "?"
    return str(__version__)
