"""Parsers of rarely used settings, called only where these are set."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from .errors import BadInput

REGISTRY = (
    "https://raw.githubusercontent.com/HM-RunningHub/ComfyUI_RH_OpenAPI/main/models_registry.json"
)
"""The vendor's registry of models, from which its own node pack is generated."""

_SWITCHES = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}


def read_switch(name: str, text: str) -> bool:
    """Parse a boolean such as `on` or `0`; BadInput for anything else. `name`: for the error."""
    word = text.strip().lower()
    if word not in _SWITCHES:
        raise BadInput("error.bad_switch", name=name, value=word[:40])
    return _SWITCHES[word]


def read_registry(text: str) -> str:
    """Parse a switch or an https URL to a registry's URL, "" for off; BadInput for anything else.

    Plain http is allowed for loopback only.
    """
    word = text.strip()
    if word.lower() in _SWITCHES:
        return REGISTRY if _SWITCHES[word.lower()] else ""
    if not _is_https(word):
        raise BadInput("error.bad_registry", value=word[:100])
    return word


def read_most_bytes(text: str) -> int:
    """Parse a number of gigabytes to bytes; BadInput unless it is above zero."""
    try:
        most = float(text) * 10**9
    except ValueError:
        most = 0.0
    if not 1 <= most < math.inf:
        raise BadInput("error.bad_most_bytes", value=text[:40])
    return int(most)


SUBMIT_V1, SUBMIT_V2 = "v1", "v2"
"""By which routes workflows and apps are ordered: V1, as documented, or V2."""


def read_submit(text: str) -> str:
    """Parse one of the two, V1 if empty or `auto`, a former setting; BadInput for anything else."""
    word = text.strip().lower()
    if word not in ("", "auto", SUBMIT_V1, SUBMIT_V2):
        raise BadInput("error.bad_submit", value=word[:40])
    return SUBMIT_V2 if word == SUBMIT_V2 else SUBMIT_V1


def _is_https(text: str) -> bool:
    """Whether a text is an https URL, or an http one of loopback."""
    try:
        parts = urlsplit(text)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        valid = parts.hostname and parts.port != 0 and text.isascii() and " " not in text
    except ValueError:
        return False
    return bool(valid) and (parts.scheme == "https" or local)
