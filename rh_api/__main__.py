"""`python -m rh_api`: RunningHub from a terminal. All of it lives in `cli`."""

from __future__ import annotations

import io
import os
import sys


def _run() -> int:
    try:
        from .cli.entry import main
    except KeyboardInterrupt:  # nothing has begun
        return 130
    # None: whoever began this has closed it.
    sys.stdout = sys.stdout or os.fdopen(_open_devnull(), "w")
    sys.stderr = sys.stderr or os.fdopen(_open_devnull(), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console with an old code page must show "?" and not end in an exception.
            stream.reconfigure(errors="replace")
    code = main(sys.argv[1:], sys.stdout, sys.stderr, os.environ)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # A reader has left, as `head` does, or a disk is full. Python flushes once more.
            os.dup2(_open_devnull(), stream.fileno())
    return code


def _open_devnull() -> int:
    return os.open(os.devnull, os.O_WRONLY)


if __name__ == "__main__":
    sys.exit(_run())
