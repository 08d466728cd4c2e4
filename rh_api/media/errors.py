"""The error of a text that is too long for its file."""

from __future__ import annotations


class DoesNotFit(Exception):
    """The new text exceeds the old one's space or the format's limit by `missing` bytes."""

    def __init__(self, missing: int) -> None:
        super().__init__(missing)
        self.missing = missing
