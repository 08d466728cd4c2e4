"""Progress output: one rewritten line in a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import unicodedata
from collections.abc import AsyncGenerator, Callable
from typing import TextIO

BAR = 24  # maximal bar width in columns
STEP = 10  # percent between two plain lines
_SENTENCE_COLUMNS = 30  # columns reserved for the sentence before the bar gets any


class ProgressLine:
    """The progress of one piece of work. The displayed share never decreases."""

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool,
        now: Callable[[], float] = time.monotonic,
        width: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._stream = stream
        self._live = live
        self._now = now
        self._width = width
        self._started: float | None = None
        self._stage = ""
        self._sentence = ""
        self._share = 0.0
        self._printed_step = -1
        self._drawn_columns = 0

    def show(self, stage: str, sentence: str, share: float) -> None:
        """Update. `share`: 0 to 1. Plain lines: at a new `stage` or STEP, not at a new sentence."""
        if self._started is None:
            self._started = self._now()
        is_new = stage != self._stage
        self._stage, self._sentence = stage, sentence
        self._share = max(self._share, share)
        if self._live:
            self.draw()
            return
        step = int(self._share * 100) // STEP
        if is_new or step > self._printed_step:
            self._printed_step = step
            try_write(self._stream, f"{self._percent()}  {sentence}\n")

    def draw(self) -> None:
        """Redraw the line."""
        if not self._live or self._started is None:
            return
        # Leaves the last column free: writing there wraps the line in some terminals.
        width = max(10, self._width() - 1)
        bar = max(0, min(BAR, width - _SENTENCE_COLUMNS))
        done = int(bar * self._share)
        head = f"[{'#' * done}{'-' * (bar - done)}] " if bar else ""
        elapsed = int(self._now() - self._started)
        line = cut(f"{head}{self._percent()}  {elapsed} s  {self._sentence}", width)
        try_write(self._stream, "\r" + line + " " * max(0, self._drawn_columns - columns(line)))
        self._drawn_columns = columns(line)

    def clear(self) -> None:
        """Erase the line, so that other output can follow."""
        if self._drawn_columns:
            try_write(self._stream, "\r" + " " * self._drawn_columns + "\r")
            self._drawn_columns = 0

    def _percent(self) -> str:
        return f"{int(self._share * 100):3d} %"

    @contextlib.asynccontextmanager
    async def redrawn(self) -> AsyncGenerator[None]:
        """Redraw each second while the block runs; erase the line at its end."""

        async def tick() -> None:
            while True:
                await asyncio.sleep(1.0)
                self.draw()

        ticking = asyncio.ensure_future(tick())
        try:
            yield
        finally:
            ticking.cancel()
            self.clear()
            self._started = None


def try_write(stream: TextIO, text: str) -> OSError | None:
    """Write and flush; returns an OSError (broken pipe, disk full) instead of raising, since an
    order under way must go on."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        return error
    return None


def columns(text: str) -> int:
    """Return a text's width in terminal columns: East Asian wide characters take two."""
    return sum(_columns(character) for character in text)


def cut(text: str, width: int) -> str:
    """Return the longest prefix that fits into `width` columns."""
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[:index]
    return text


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
