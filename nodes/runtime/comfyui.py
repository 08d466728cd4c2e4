"""What this ComfyUI says of itself, and our own version in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from comfy.cli_args import args

try:
    from comfyui_version import __version__ as _comfyui_version
except ImportError:
    _comfyui_version = "?"


def host_names() -> frozenset[str]:
    """What it is called by, beside loopback and addresses: the names it listens on, and those that
    its owner gives it, such as a reverse proxy's."""
    named = f"{getattr(args, 'listen', '')} {os.environ.get('RUNNINGHUB_HOSTS', '')}"
    return frozenset(re.split(r"[\s,;]+", named.lower())) - {""}


def has_logins() -> bool:
    """Whether it was started with --multi-user: then a page is one user's."""
    return bool(getattr(args, "multi_user", False))


def version() -> str:
    """ "?" where it does not say."""
    return str(_comfyui_version)


def our_version() -> str:
    """ "?" where pyproject.toml is gone."""
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    try:
        match = re.search(r'^version = "([^"]+)"', pyproject.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return "?"
    return match[1] if match else "?"
