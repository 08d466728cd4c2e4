"""Settings of few people, read only where they are set."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from .errors import BadInput

REGISTRY = (
    "https://raw.githubusercontent.com/HM-RunningHub/ComfyUI_RH_OpenAPI/main/models_registry.json"
)
"""Where the vendor keeps the registry of models that its own node pack is made from."""

_SWITCHES = {"1": True, "on": True, "true": True, "0": False, "off": False, "false": False}


def read_switch(name: str, text: str) -> bool:
    """An on or off; BadInput for anything else."""
    word = text.strip().lower()
    if word not in _SWITCHES:
        raise BadInput("error.bad_switch", name=name, value=word[:40])
    return _SWITCHES[word]


def read_registry(text: str) -> str:
    """The address that a switch or an https address means, "" for off; BadInput for another.

    Plain http is for this machine alone.
    """
    word = text.strip()
    if word.lower() in _SWITCHES:
        return REGISTRY if _SWITCHES[word.lower()] else ""
    if _https(word) is None:
        raise BadInput("error.bad_registry", value=word[:100])
    return word


SUBMIT_V1, SUBMIT_AUTO, SUBMIT_V2 = "v1", "auto", "v2"
"""How workflows and apps are ordered: as documented; by V2 where that is gone; by V2."""


def read_submit(text: str) -> str:
    """One of the three words, the first where nothing is said; BadInput for another."""
    word = text.strip().lower() or SUBMIT_V1
    if word not in (SUBMIT_V1, SUBMIT_AUTO, SUBMIT_V2):
        raise BadInput("error.bad_submit", value=word[:40])
    return word


COMFYUI_PORT = 8188
"""ComfyUI's own, unless somebody says another: what is behind it must not become public."""


def read_webhook_url(text: str) -> str:
    """The public address of a webhook listener, without a slash at its end; "" for none.

    Plain http is for this machine alone. BadInput for what a call could not reach, and for
    ComfyUI's port.
    """
    word = text.strip().rstrip("/")
    parts = _https(word) if word else None
    extras = "" if parts is None else f"{parts.query}{parts.fragment}{parts.username or ''}"
    if word and (parts is None or extras or len(word) > 300 or "?" in word or "#" in word):
        raise BadInput("error.bad_webhook_url", value=word[:100])
    if parts is not None and parts.port == COMFYUI_PORT:
        raise BadInput("error.webhook_port", port=COMFYUI_PORT)
    return word


def read_webhook_port(text: str) -> int:
    """The port that a listener takes on 127.0.0.1, 0 for none; BadInput for ComfyUI's."""
    word = text.strip()
    port = int(word[:6]) if word.isascii() and word.isdigit() else -1 if word else 0
    if not 0 <= port < 65536:
        raise BadInput("error.bad_webhook_port", value=word[:40])
    if port == COMFYUI_PORT:
        raise BadInput("error.webhook_port", port=port)
    return port


def _https(text: str) -> SplitResult | None:
    """The parts of an https address, or of an http one of this machine; None for others."""
    try:
        parts = urlsplit(text)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        valid = parts.hostname and parts.port != 0 and text.isascii() and " " not in text
    except ValueError:
        return None
    return parts if valid and (parts.scheme == "https" or local) else None
