"""The error of a text that a file cannot take."""

from __future__ import annotations


class DoesNotFit(Exception):
    """The format has no room for the text, or more than the text would change with it."""
