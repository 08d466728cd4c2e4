"""A call example as people paste it: JSON, or a curl line in single or double quotes.

It holds the person's key; that is read past and never part of a value here, nor of an error.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

LONGEST = 256 * 1024  # characters of an example: some hundred entries with long prompts

_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_DATA_JOINED = re.compile(r"(?:--data(?:-raw|-binary|-ascii)?|--json)=|-d(?=\{)")
# Quotes may be escaped where the JSON stands in double quotes.
_KEYS = re.compile(
    r"""(api[-_]?key(?:\\*["']?\s*:\s*\\*["']?|=))[^"'\\\s,}&#]+|(Bearer\s+)[^\s"'\\]+"""
    r"|(/proxy(?:-plus)?/)[0-9A-Za-z]{32}\b",
    re.IGNORECASE,
)


def without_key(text: str) -> str:
    """An example or a link without the values of its keys: what may be kept of it."""
    return _KEYS.sub(lambda match: match[1] or match[2] or match[3], text)


def example_objects(text: str) -> tuple[list[str], str]:
    """Texts that may be the JSON object of an example, the likeliest first, and the host of its
    address, "" where it has none."""
    if len(text) > LONGEST:
        return [], ""
    text = re.sub(r"\\\r?\n", " ", text).strip().rstrip(";")  # lines that a backslash goes on in
    if text.startswith("{"):
        return [text], ""
    # Where a prompt's apostrophe ends the quotes no shell would read it either, but we can.
    bare = text[text.find("{") : text.rfind("}") + 1]
    try:
        words = shlex.split(text)  # as a POSIX shell takes it apart, either way of quoting
    except ValueError:
        words = text.split()
    host = next(filter(None, (_host_in(word.strip("'\"")) for word in words)), "")
    return [*_data_in(words), bare], host


def _data_in(words: Sequence[str]) -> Iterator[str]:
    """What a curl line sends; copied without its beginning, whatever looks like an object."""
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
