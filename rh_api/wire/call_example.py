"""Parses a pasted call example: JSON, or a curl command line in single or double quotes.

It contains the user's API key, which never becomes part of a value or an error here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

LONGEST = 256 * 1024  # maximum characters of an example: some hundred fields with long prompts

_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_DATA_JOINED = re.compile(r"(?:--data(?:-raw|-binary|-ascii)?|--json)=|-d(?=\{)")
# Quotes may be escaped, if the JSON is in a double-quoted argument.
_KEYS = re.compile(
    r"""(api[-_]?key(?:\\*["']?\s*:\s*\\*["']?|=))[^"'\\\s,}&#]+|(Bearer\s+)[^\s"'\\]+"""
    r"|(/proxy(?:-plus)?/)[0-9A-Za-z]{32}\b",
    re.IGNORECASE,
)


def without_key(text: str) -> str:
    """Return an example or a link with API key values removed, so that it may be stored."""
    return _KEYS.sub(lambda match: match[1] or match[2] or match[3], text)


def example_objects(text: str) -> tuple[list[str], str]:
    """Return candidate texts for an example's JSON object, most likely first, and its URL's host
    ("" without one). No candidates above LONGEST."""
    if len(text) > LONGEST:
        return [], ""
    text = re.sub(r"\\\r?\n", " ", text).strip().rstrip(";")  # join continuation lines
    if text.startswith("{"):
        return [text], ""
    # Fallback for an apostrophe in a prompt, which ends the quotes: not even a shell parses that.
    bare = text[text.find("{") : text.rfind("}") + 1]
    try:
        words = shlex.split(text)  # POSIX shell syntax
    except ValueError:
        words = text.split()
    host = next(filter(None, (_host_in(word.strip("'\"")) for word in words)), "")
    return [*_data_in(words), bare], host


def _data_in(words: Sequence[str]) -> Iterator[str]:
    """Yield a curl command's data arguments, and any argument that looks like a JSON object."""
    for place, word in enumerate(words):
        joined = _DATA_JOINED.match(word)
        if joined:
            yield word[joined.end() :]
        elif word in _DATA and place + 1 < len(words):
            yield words[place + 1]
        elif word.lstrip().startswith("{"):
            yield word


def _host_in(word: str) -> str:
    try:
        parts = urlsplit(word)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in ("http", "https") else ""
