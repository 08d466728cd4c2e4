"""Nothing secret in words: what strips keys and signed addresses from texts of other libraries.

Exceptions of requests, urllib3 and aiohttp quote the address that they asked, query included.
They are turned into ours here and never chained: who walks a chain would find them.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator

import aiohttp
import requests

from ..errors import Fate, Unreachable, quote_remote

THREAD_NAME = "runninghub-bytes"  # of every thread that carries bytes for us

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(/proxy(?:-plus)?/)[^/\s?'\"]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"(//)[^/\s@'\"]+@"), r"\1…@"),
    # Any query, with or without its address: libraries print `url: /path?query`.
    (re.compile(r"\?[^\s'\"<>()]*=[^\s'\"<>()]*"), "?…"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\",]+", re.IGNORECASE), r"\1 …"),
    (
        re.compile(
            r"((?:api[-_]?key|Rh-Comfy-Auth)[\"']?\s*[:=]\s*[\"']?)[^\s\"'&,;}]+", re.IGNORECASE
        ),
        r"\1…",
    ),
    # What looks like a key, wherever it stands.
    (re.compile(r"\b[A-Za-z0-9]{32}\b"), "…"),
)


def redact(text: str) -> str:
    """`text` without keys, queries of addresses, and credentials of any kind known to us."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def withhold(body: bytes, key: str) -> bytes:
    """An answer without our key: what a service quotes is quoted further, into errors and logs."""
    return body.replace(key.encode(), b"...") if key else body


def unreachable(error: BaseException, host: str, *, sent: bool) -> Unreachable:
    """What an exception of a library means. `sent`: bytes of the request may have left."""
    fate = Fate.UNKNOWN if sent else Fate.NOT_STARTED
    reason = quote_remote(redact(f"{type(error).__name__}: {error}"), 200)
    if not sent and any(_is_tls(cause) for cause in _causes(error)):
        return Unreachable("error.tls", fate=fate, host=host, reason=reason)
    return Unreachable(fate=fate, host=host, reason=reason)


class Redacting(logging.Filter):
    """Redacts each record of its logger, the traceback of an exception included.

    With `thread`, only records of threads of that name: the logger is not ours alone.
    """

    def __init__(self, thread: str | None = None) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        if self._thread in (None, record.threadName):
            record.msg, record.args = redact(record.getMessage()), ()
            if record.exc_info:
                record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
                record.exc_info = None
        return True


_FILTERS = {
    "runninghub": Redacting(),
    # It notes each request at level DEBUG, the signed addresses of ours too.
    "urllib3.connectionpool": Redacting(THREAD_NAME),
}


def guard_log() -> None:
    """Put the filters on their loggers; a second call changes nothing."""
    for name, redacting in _FILTERS.items():
        logging.getLogger(name).addFilter(redacting)


def _is_tls(error: BaseException) -> bool:
    kinds = (ssl.SSLError, aiohttp.ClientSSLError, requests.exceptions.SSLError)
    return isinstance(error, kinds)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was made from; requests keeps causes as arguments."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            reason: object = getattr(cause, "reason", None)
            waiting += [cause.__cause__, cause.__context__, reason, *cause.args]
