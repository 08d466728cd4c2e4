"""What a person or a program sees: results on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from ..texts import english
from .progress import ProgressLine, columns, try_write

if TYPE_CHECKING:
    from ..client import Progress

_SHOWN = 40  # characters of a long text in a table
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Terminal:
    """Both streams of a command. `as_json`: stdout gets one document and nothing besides.

    `done`: what the document of an error has beside it, of a command that did a part of its work.
    `placed`: the tasks of this command so far, the oldest first.
    """

    def __init__(
        self, out: TextIO, err: TextIO, environ: Mapping[str, str], *, as_json: bool = False
    ) -> None:
        self._out = out
        self._err = err
        self.as_json = as_json
        self.done: Mapping[str, object] = {}
        self.placed: list[str] = []
        self._is_lost = False
        live = err.isatty() and environ.get("TERM") != "dumb"
        self.line = ProgressLine(err, live=live)

    def say(self, text: str) -> None:
        """A line of the result, for people: it is part of the document for programs."""
        if not self.as_json:
            self._print(harmless(text))

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Rows of equally many cells, in columns, as part of the result."""
        widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (
                cell + " " * (width - columns(cell))
                for cell, width in zip(row, widths, strict=True)
            )
            self.say("  " + "  ".join(cells).rstrip())

    def note(self, text: str) -> None:
        """A line about the work."""
        self.line.clear()
        try_write(self._err, harmless(text) + "\n")

    def document(self, value: Mapping[str, object]) -> None:
        """The one document. ASCII: no console's code page can damage it."""
        if self.as_json:
            self._print(json.dumps(value, indent=2))

    def _print(self, text: str) -> None:
        self.line.clear()
        error = try_write(self._out, text + "\n")
        # People who read no further, as with `head`, miss nothing: on Windows that is EINVAL.
        has_left = error is not None and error.errno in (errno.EPIPE, errno.EINVAL)
        is_missed = self.as_json or not has_left
        if error is not None and is_missed and not self._is_lost:
            self._is_lost = True
            self.note(english("cli.output_lost", {"reason": error.strerror or str(error)}))

    def show(self, news: Progress, share: float) -> None:
        """News of an order or upload; `share` of the whole command that is done, 0 to 1."""
        sentence = harmless(english(news.stage.value, news.params))
        self.line.show(news.stage.value, sentence, share)


class Notes(logging.Handler):
    """Warnings of the log, on lines of their own above the progress."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.note(record.getMessage())


def shortened(text: str) -> str:
    """The beginning of a text that a table shows."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def harmless(text: str) -> str:
    """Text from elsewhere without the control characters that could steer a terminal."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
