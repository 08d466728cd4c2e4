"""Progress in a terminal as one line that is rewritten; elsewhere as a few plain lines."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
import unicodedata
from collections.abc import AsyncGenerator, Callable
from typing import TextIO

BAR = 24  # columns of the bar where the terminal is wide enough
STEP = 10  # percent between two plain lines
_ROOM = 30  # columns that the sentence keeps before the bar may have any


class ProgressLine:
    """One line about one piece of work. It never goes back, also when its news do."""

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
        self._begun: float | None = None
        self._stage = ""
        self._sentence = ""
        self._share = 0.0
        self._told = -1
        self._drawn = 0

    def show(self, stage: str, sentence: str, share: float) -> None:
        """`share` of the whole, 0 to 1. `stage` tells news from a variation of the sentence."""
        if self._begun is None:
            self._begun = self._now()
        is_new = stage != self._stage
        self._stage, self._sentence = stage, sentence
        self._share = max(self._share, share)
        if self._live:
            self.draw()
            return
        step = int(self._share * 100) // STEP
        if is_new or step > self._told:
            self._told = step
            try_write(self._stream, f"{self._percent()}  {sentence}\n")

    def draw(self) -> None:
        """The line as it is now."""
        if not self._live or self._begun is None:
            return
        # The last column stays free: writing there makes some terminals begin a new line.
        width = max(10, self._width() - 1)
        bar = max(0, min(BAR, width - _ROOM))
        done = int(bar * self._share)
        head = f"[{'#' * done}{'-' * (bar - done)}] " if bar else ""
        elapsed = int(self._now() - self._begun)
        line = cut(f"{head}{self._percent()}  {elapsed} s  {self._sentence}", width)
        try_write(self._stream, "\r" + line + " " * max(0, self._drawn - columns(line)))
        self._drawn = columns(line)

    def clear(self) -> None:
        """Take the line away, so that something else can be written."""
        if self._drawn:
            try_write(self._stream, "\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def _percent(self) -> str:
        return f"{int(self._share * 100):3d} %"

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """Let the seconds run on while nothing is new; the line is gone afterwards."""

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
            self._begun = None


def try_write(stream: TextIO, text: str) -> OSError | None:
    """Write it at once. Where the reader has left or the disk is full nothing is raised: an order
    that is under way goes on."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        return error
    return None


def columns(text: str) -> int:
    """How wide a terminal shows a text: Chinese characters take two columns."""
    return sum(_columns(character) for character in text)


def cut(text: str, width: int) -> str:
    """The beginning of a text that fits into `width` columns."""
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
