"""Output of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import json
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from ..texts import english
from .progress import ProgressLine, columns, try_write

if TYPE_CHECKING:
    from ..client import Progress

_CELL_LENGTH = 40  # longest text in a table, in characters
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Terminal:
    """Both output streams. `as_json`: stdout gets a single JSON document and nothing else.

    `done`: entries beside the error in the document of a partly finished command.
    `placed`: ids of the command's tasks so far, oldest first.
    """

    def __init__(
        self, out: TextIO, err: TextIO, environ: Mapping[str, str], *, as_json: bool = False
    ) -> None:
        self._out = out
        self._err = err
        self.as_json = as_json
        self.done: Mapping[str, object] = {}
        self.placed: list[str] = []
        self._is_output_lost = False
        live = err.isatty() and environ.get("TERM") != "dumb"
        self.line = ProgressLine(err, live=live)

    def say(self, text: str) -> None:
        """Print a line of the result as text; ignored with `as_json`."""
        if not self.as_json:
            self._print(harmless(text))

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Print rows of equal length as columns, as part of the result."""
        widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (
                cell + " " * (width - columns(cell))
                for cell, width in zip(row, widths, strict=True)
            )
            self.say("  " + "  ".join(cells).rstrip())

    def note(self, text: str) -> None:
        """Print a line to stderr."""
        self.line.clear()
        try_write(self._err, harmless(text) + "\n")

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return not self.as_json and sys.stdin is not None and sys.stdin.isatty()

    def agreed(self, question: str) -> bool:
        """Ask a question that is answered by yes or no; waits for the answer."""
        self.note(f"{question} [y/N]")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def document(self, value: Mapping[str, object]) -> None:
        """Print the JSON document, as ASCII: independent of the console's code page."""
        if self.as_json:
            self._print(json.dumps(value, indent=2))

    def _print(self, text: str) -> None:
        self.line.clear()
        error = try_write(self._out, text + "\n")
        # A reader that stops early, as `head` does, misses nothing: on Windows that is EINVAL.
        has_left = error is not None and error.errno in (errno.EPIPE, errno.EINVAL)
        is_missed = self.as_json or not has_left
        if error is not None and is_missed and not self._is_output_lost:
            self._is_output_lost = True
            self.note(english("cli.output_lost", {"reason": error.strerror or str(error)}))

    def show(self, news: Progress, share: float) -> None:
        """Show progress of an order or upload; `share` of the whole command, 0 to 1."""
        sentence = harmless(english(news.stage.value, news.params))
        self.line.show(news.stage.value, sentence, share)


class Notes(logging.Handler):
    """Prints log warnings on lines of their own above the progress."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.note(record.getMessage())


def shortened(text: str) -> str:
    """Truncate a text for a table."""
    return text if len(text) <= _CELL_LENGTH else text[: _CELL_LENGTH - 1] + "…"


def harmless(text: str) -> str:
    """Replace control characters in untrusted text: they could send escape sequences, or have it
    shown in another order."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
