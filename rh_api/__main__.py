"""`python -m rh_api`: the command-line entry point; the implementation is in `cli`."""

from __future__ import annotations

import io
import os
import sys
from typing import cast


def _run() -> int:
    try:
        from .cli.entry import main
    except KeyboardInterrupt:  # interrupted during import
        return 130
    stdin = cast("io.TextIOWrapper | None", sys.stdin)
    if stdin is not None and not stdin.isatty():
        # JSON is UTF-8 in a pipe too, which Windows would read by its code page.
        stdin.reconfigure(encoding="utf-8-sig", errors="strict")
    # None if the parent process closed the stream. The first has the lowest descriptor, 0.
    sys.stdin = stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or os.fdopen(_open_devnull(), "w")
    sys.stderr = sys.stderr or os.fdopen(_open_devnull(), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Print "?" instead of raising when the console's code page lacks a character.
            stream.reconfigure(errors="replace")
    code = main(sys.argv[1:], sys.stdout, sys.stderr, os.environ)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # Broken pipe (`head`) or full disk. Redirected, as Python flushes again at exit.
            os.dup2(_open_devnull(), stream.fileno())
    return code


def _open_devnull() -> int:
    return os.open(os.devnull, os.O_WRONLY)


if __name__ == "__main__":
    sys.exit(_run())
