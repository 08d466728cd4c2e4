"""The real front ends that the tests drive: the newest is a development dependency, others are
installed from PyPI beside it, once a machine.

`python -m tests.browser.frontends` installs them ahead of the tests.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

NAMED = os.environ.get("RUNNINGHUB_FRONTEND", "")
"""The one for both, for tests that are marked `every_frontend`."""

OLDEST = NAMED or "1.39.19"
"""What ComfyUI 0.16 brings: the first whose menus show names as text."""

LATER = NAMED or "1.49.6"
"""In its place for tests that are marked `later`: the first of the newest ComfyUI that has all."""

UNSAFE = "1.38.14"
"""One before that, on which nothing of ours may appear."""

NEWEST = NAMED or "1.58.1"
"""The same as in pyproject.toml."""

SILENT = "1.48.7"
"""What ComfyUI 0.33.0 brings: it tells of no run that it begins it by itself."""

PACKAGE = "comfyui-frontend-package"


def folder(version: str) -> Path:
    """The static files of a version, which are installed if they are not there yet."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        installed = metadata.distribution(PACKAGE)
        if installed.version == version:
            return Path(str(installed.locate_file("comfyui_frontend_package/static")))
    cache = _cache()
    home = cache / f"frontend-{version}"
    if not home.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            target = Path(scratch) / "made"
            package = f"{PACKAGE}=={version}"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            subprocess.run([*command, "--target", str(target), package], check=True)
            # Whole or not at all; another process may have been faster.
            try:
                target.rename(home)
            except OSError:
                shutil.rmtree(target)
    return home / "comfyui_frontend_package" / "static"


def _cache() -> Path:
    named = os.environ.get("RUNNINGHUB_TEST_CACHE")
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "runninghub-tests"


if __name__ == "__main__":
    for version in (UNSAFE, OLDEST, LATER, NEWEST, SILENT):
        folder(version)
