"""The version of this copy."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path


def own_version() -> str:
    """Return the version that pyproject.toml has, else that of the installed package."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    text = project.read_text("utf-8") if project.is_file() else ""
    declared = re.search(r'(?m)^name = "runninghub-remote"\nversion = "(.+)"$', text)
    return declared[1] if declared else metadata.version("runninghub-remote")
