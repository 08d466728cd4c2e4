"""`python -m rh_api`: RunningHub from a terminal. All of it lives in `cli`."""

from __future__ import annotations

import io
import os
import sys

from .cli.entry import main


def _run() -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console with an old code page must show "?" and not end in an exception.
            stream.reconfigure(errors="replace")
    try:
        code = main(sys.argv[1:], sys.stdout, sys.stderr, os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has left, as `head` does. Python flushes once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


if __name__ == "__main__":
    sys.exit(_run())
