"""Where the key and the site come from, and the folder that the order book lies in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths

if TYPE_CHECKING:
    from ..rh_api.settings import Settings


def settings() -> Settings:
    """The account as the environment names it, with its key.

    Raises NoKey, and BadInput for a key or an address that cannot work.
    """
    from ..rh_api.settings import Settings

    found = Settings.from_mapping(os.environ, state_folder())
    found.require_key()
    return found


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
