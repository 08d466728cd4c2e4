"""Host names, login mode, running prompts and version of this ComfyUI, and our own version."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from comfy.cli_args import args
from server import PromptServer

try:
    from comfyui_version import __version__ as _comfyui_version
except ImportError:
    _comfyui_version = "?"


def host_names() -> frozenset[str]:
    """Return its host names, lower-case, beside loopback and IP addresses: those of --listen, and
    those in RUNNINGHUB_HOSTS, such as a reverse proxy's, or all below one (`*.example.com`)."""
    named = f"{getattr(args, 'listen', '')} {os.environ.get('RUNNINGHUB_HOSTS', '')}"
    return frozenset(re.split(r"[\s,;]+", named.lower())) - {""}


def has_logins() -> bool:
    """Whether it was started with --multi-user, so that each page belongs to one user."""
    return bool(getattr(args, "multi_user", False))


def running_prompts() -> list[tuple[Any, ...]]:
    """Return the running items of the queue: number, prompt id, prompt, extra data and more."""
    queue = getattr(PromptServer.instance, "prompt_queue", None)
    return list(getattr(queue, "currently_running", {}).values())


def is_running(prompt_id: str) -> bool:
    return any(item[1] == prompt_id for item in running_prompts())


def version() -> str:
    """Return ComfyUI's version; "?" if it is unknown."""
    return str(_comfyui_version)


def our_version() -> str:
    """Return our version; "?" if pyproject.toml cannot be read."""
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    try:
        match = re.search(r'^version = "([^"]+)"', pyproject.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return "?"
    return match[1] if match else "?"
