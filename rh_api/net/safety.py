"""Safety rules: which URLs may be requested (SSRF), and redaction of secrets in errors and logs.

The service's answers name URLs (results, presigned uploads, WebSockets), which are untrusted input.
A listed host is safe because it is contacted over TLS with a verified certificate. Resolved
addresses are not checked: proxies in fake-IP mode (Clash, Surge) resolve all names privately.

Exceptions of requests, urllib3 and aiohttp quote their URL, query included. They are translated
here and never chained, lest a traceback print them.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url
from yarl import URL

from ..errors import BadInput, Fate, HostRefused, Unreachable, quote_remote
from ..settings import Settings
from ..wire.call import KEYED
from .tls_proxy import is_loopback, trust

# Which URLs may be requested

HOST_SUFFIXES = ("runninghub.cn", "runninghub.ai", "xiaoyaoyou.com")

# Anybody can have a bucket at `myqcloud.com`; its name ends with the account number of its owner,
# and 1252422369 is RunningHub's. Seen in public: rh-images and rh-hk-images (results),
# rh-images-switch (uploads), rh-models (LoRA files; RunningHub docs, "Upload Lora"), in several
# regions, so the number is matched and not a list of names.
_BUCKET = re.compile(r"rh-[a-z0-9-]*-1252422369\.cos\.[a-z0-9-]+\.myqcloud\.com")

MAX_LENGTH = 8000  # characters; presigned URLs with a session token stay below 4000
MAX_REDIRECTS = 3

# Only what all parsers agree on: no user-info, no backslash, no trailing dot, and a last label
# that starts with a letter, as no notation of an IP address does.
_NAME = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?"
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]"
_PARTS = re.compile(
    rf"(?P<scheme>https?|wss?)://(?P<host>{_NAME}|{_ADDRESS})(?::(?P<port>\d{{1,5}}))?"
    r"(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_UNREADABLE = "error.address_unreadable"

FILES = ("https", "http")
SOCKETS = ("wss", "ws")


@dataclass(frozen=True, slots=True)
class SafeUrl:
    """A checked URL, exactly as it is to be sent. Its query may be a credential."""

    text: str = field(repr=False)
    scheme: str
    host: str
    port: int


def check_url(url: str, settings: Settings, schemes: tuple[str, str] = FILES) -> SafeUrl:
    """Validate a URL that is to be requested without the API key.

    `schemes`: the encrypted one, for every listed host, and the plain one, for a plain configured
    origin only. Raises HostRefused, which states the reason, the host and the URL without its
    query.
    """
    encrypted, plain = schemes
    url, match = url.strip(" "), None
    if len(url) <= MAX_LENGTH and not _FORBIDDEN.search(url):
        # File names may be unescaped; a host with anything to escape fails the pattern.
        url = quote(url, safe=_PRINTABLE)
        match = _PARTS.fullmatch(url)
    if match is None:
        _refuse(url, _UNREADABLE)
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _PORTS[scheme])
    # The default port is omitted: the object store signs the Host header without it.
    place = host if port == _PORTS[scheme] else f"{host}:{port}"
    safe = SafeUrl(f"{scheme}://{place}{match['rest'] or '/'}", scheme, host, port)
    if not _parsers_agree(safe):
        _refuse(url, _UNREADABLE)
    own = encrypted if _is_secure(settings) else plain
    if scheme == own and _is_own(safe, settings):
        return safe
    is_listed = _is_listed(host, settings.result_hosts)
    if not is_listed and host != settings.host:
        _refuse(url)
    if not is_listed or (scheme, port) != (encrypted, 443):
        _refuse(url, "error.address_insecure", scheme=encrypted)
    return safe


def address_of(url: str, settings: Settings, schemes: tuple[str, str] = FILES) -> SafeUrl:
    """Validate a URL (`check_url`), or expand a native route's path, with the key, to a URL.

    The result may contain the key: pass it to the HTTP library only. Raises HostRefused, and
    BadInput for a native route without TLS (except on loopback), which would leak the key.
    """
    if not url.startswith(KEYED):
        return check_url(url, settings, schemes)
    parts = urlsplit(settings.origin)
    host, is_secure = parts.hostname or "", _is_secure(settings)
    if not is_secure and not is_loopback(host):
        raise BadInput("error.native_https", host=host)
    key = quote(settings.key.reveal(), safe="")
    scheme = schemes[0 if is_secure else 1]
    text = f"{scheme}://{parts.netloc}{url.replace('{key}', key, 1)}"
    return SafeUrl(text, scheme, host, parts.port or _PORTS[scheme])


def check_redirect(current: SafeUrl, location: str, settings: Settings) -> SafeUrl:
    """Validate a redirect's target by the same rules; never from https to http."""
    # urljoin silently drops what must be refused, a tab in the host for example.
    if not location or _FORBIDDEN.search(location):
        _refuse(location, _UNREADABLE)
    target = check_url(urljoin(current.text, location), settings)
    if current.scheme == "https" and target.scheme != "https":
        _refuse(target.text, "error.address_insecure", scheme="https")
    key = settings.key.reveal()
    if key and _spelled(key).search(target.text):
        _refuse(target.text)  # a native route's URL contains the key, which must not be passed on
    return target


def without_query(url: str) -> str:
    """Return `url` for display, without query, fragment, user-info and keys; 300 characters."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    return redact(re.sub(r"//[^/]*@", "//", bare))[:300]


def _is_secure(settings: Settings) -> bool:
    return settings.origin.startswith("https:")


def _is_own(url: SafeUrl, settings: Settings) -> bool:
    origin = urlsplit(settings.origin)
    own_port = origin.port or _PORTS[origin.scheme]
    return (url.host.strip("[]"), url.port) == (origin.hostname, own_port)


def _is_listed(host: str, more: tuple[str, ...]) -> bool:
    if not re.fullmatch(_NAME, host):
        return False
    return _BUCKET.fullmatch(host) is not None or any(
        host == suffix or host.endswith("." + suffix) for suffix in (*HOST_SUFFIXES, *more)
    )


def _parsers_agree(url: SafeUrl) -> bool:
    """Return whether the HTTP clients' parsers (urllib3, yarl) and urllib read a URL as we do."""
    try:
        theirs = parse_url(url.text)
        yarl = URL(url.text, encoded=True)
        standard = urlsplit(url.text)
        readings = (
            (theirs.scheme, (theirs.host or "").strip("[]"), theirs.port, theirs.auth),
            (yarl.scheme, yarl.raw_host, yarl.explicit_port, yarl.user),
            (standard.scheme, standard.hostname, standard.port, standard.username),
        )
    except (LocationParseError, ValueError):
        return False
    ours = (url.scheme, url.host.strip("[]"), url.port, None)
    return all(
        (scheme, host, port or _PORTS[url.scheme], user) == ours
        for scheme, host, port, user in readings
    )


def _refuse(url: str, key: str | None = None, **params: Any) -> NoReturn:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    raise HostRefused(key, host=redact(host)[:100] or "?", url=without_query(url), **params)


# Redaction

THREAD_NAME = "runninghub-bytes"  # of every transfer thread

# These and the patterns below run in linear time on any input: the text is untrusted, and a search
# holds ComfyUI's GIL. So a run of one character is one match.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(/proxy(?:-plus)?/)[^/\s?'\"]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"(//)[^/\s@'\"]+@"), r"\1…@"),
    # Any query string, also without its host: libraries print `url: /path?query`.
    (re.compile(r"\?[^\s'\"<>()]*"), lambda match: "?…" if "=" in match[0] else match[0]),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s'\",]+", re.IGNORECASE), r"\1 …"),
    (
        re.compile(
            r"((?:api[-_]?key|Rh-Comfy-Auth)[\"']?\s*[:=]\s*[\"']?)[^\s\"'&,;}]+", re.IGNORECASE
        ),
        r"\1…",
    ),
    # Whatever has the form of an API key.
    (re.compile(r"\b[A-Za-z0-9]{32}\b"), "…"),
)


_guarded: list[str] = []  # API keys in use in this process


def redact(text: str) -> str:
    """Return `text` with API keys, URL queries and other known kinds of credentials masked."""
    for key in _guarded:
        text = _masked(text, key, "…")
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def withhold(body: bytes, key: str) -> bytes:
    """Mask the key in a response body: errors and logs quote what the service quotes."""
    text = body.decode("latin-1")
    shown = _masked(text, key, "...") if key else text
    return body if shown == text else shown.encode("latin-1")


def _masked(text: str, key: str, instead: str) -> str:
    return _spelled(key).sub(instead, text)


@lru_cache(maxsize=16)
def _spelled(key: str) -> re.Pattern[str]:
    """Match a key as it is, or with characters encoded as in URLs or escaped as in JSON, which
    undoes that before an error quotes it."""
    characters = (rf"(?:{re.escape(char)}|(?i:(?:%|\\u00){ord(char):02x}))" for char in key)
    return re.compile("".join(characters))


def unreachable(error: BaseException, host: str, *, sent: bool) -> Unreachable:
    """Translate a library's exception. `sent`: request bytes may have left (fate UNKNOWN)."""
    fate = Fate.UNKNOWN if sent else Fate.NOT_STARTED
    reason = f"{type(error).__name__}: {error}"
    key = None
    for cause in () if sent else _causes(error):
        if _is_tls(cause):
            key = "error.tls"
            # The innermost message states what is wrong with the certificate.
            reason = getattr(cause, "verify_message", "") or reason
    return Unreachable(key, fate=fate, host=host, reason=quote_remote(redact(reason), 200))


def trusted(host: str) -> ssl.SSLContext:
    """Return `trust()`; OSError (too many open files, say) becomes Unreachable for `host`."""
    try:
        return trust()
    except OSError as error:
        failure = unreachable(error, host, sent=False)
    raise failure


class Redacting(logging.Filter):
    """Logging filter that redacts every record, tracebacks included.

    `thread`: only records of threads with this name, for a logger shared with other code.
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
    # It logs every request at level DEBUG, presigned URLs included.
    "urllib3.connectionpool": Redacting(THREAD_NAME),
}


def guard(key: str) -> None:
    """Register `key` with `redact`, and install the log filters. Idempotent."""
    if key and key not in _guarded:
        _guarded.append(key)
    guard_log()


def guard_log() -> None:
    """Install the log filters. Idempotent."""
    for name, redacting in _FILTERS.items():
        logging.getLogger(name).addFilter(redacting)


def _is_tls(error: BaseException) -> bool:
    kinds = (ssl.SSLError, aiohttp.ClientSSLError, requests.exceptions.SSLError)
    return isinstance(error, kinds)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and all its causes; requests keeps causes in `args`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            reason: object = getattr(cause, "reason", None)
            waiting += [cause.__cause__, cause.__context__, reason, *cause.args]
