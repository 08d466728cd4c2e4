"""Accounts of one command: that of the key, and others by name, whose variables end in the name.

"studio" has its key in RUNNINGHUB_API_KEY_STUDIO, and its site, where that is another one, in
RUNNINGHUB_BASE_URL_STUDIO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..settings import Settings

_KEY, _SITE = "RUNNINGHUB_API_KEY", "RUNNINGHUB_BASE_URL"
# They mean nothing on another site than the one that they were written for.
_OF_SITE = ("RUNNINGHUB_SEGMENT_WORKFLOW", "RUNNINGHUB_ACCESS_PASSWORD")
_OWN = (_KEY, _SITE, *_OF_SITE, "RUNNINGHUB_ROUTE", "RUNNINGHUB_WEBHOOK_URL")
ENVIRONMENT = "environment"
"""How ComfyUI's nodes call the account of the key that has no name."""


def key_variable(name: str) -> str:
    """What has the key of an account by its name."""
    return _KEY + _ending(name)


def account_settings(environ: Mapping[str, str], name: str) -> Settings | None:
    """The settings of an account by its name, "" for the one without; None for one without a key.

    Raises BadInput as `Settings.from_mapping` does.
    """
    if name in ("", ENVIRONMENT):
        return Settings.from_mapping(environ)
    ending = _ending(name)
    own = {one: environ[one + ending] for one in _OWN if environ.get(one + ending, "").strip()}
    if _KEY not in own:
        return None
    left_out = _OF_SITE if _SITE in own else ()
    shared = {key: value for key, value in environ.items() if key not in left_out}
    return Settings.from_mapping({**shared, **own})


def _ending(name: str) -> str:
    return "_" + re.sub(r"\W", "_", name).upper()
