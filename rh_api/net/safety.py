"""Safety rules: which addresses may be asked, and nothing secret in what is said of them.

The service names addresses in its answers (results, presigned uploads, sockets), so an address
is a claim of the network. A name on the list is safe because it is asked over TLS with a verified
certificate; what the name resolves to is not compared, since proxies in fake-IP mode (Clash,
Surge) answer private addresses for every name.

Exceptions of requests, urllib3 and aiohttp quote the address that they asked, query included.
They are turned into ours here and never chained: who walks a chain would find them.
"""

from __future__ import annotations

import base64
import json
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

# Which addresses may be asked

HOST_SUFFIXES = ("runninghub.cn", "runninghub.ai", "xiaoyaoyou.com")

# `myqcloud.com` belongs to everybody, a bucket to one account: its name ends with the number of
# the account, and 1252422369 is RunningHub's. Seen in public: rh-images and rh-hk-images
# (results), rh-images-switch (uploads), rh-models (LoRA files; RunningHub docs, "Upload Lora"),
# in several regions, so the number decides and not the list of names.
_BUCKET = re.compile(r"rh-[a-z0-9-]*-1252422369\.cos\.[a-z0-9-]+\.myqcloud\.com")

MAX_LENGTH = 8000  # characters; signed addresses with a session token stay below 4000
MAX_REDIRECTS = 3

# Only what every parser reads alike: no user-info, no backslash, no dot at the end, and a last
# label that starts with a letter, which no spelling of an IP address does.
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
    """An address that may be asked, spelled as it is to be sent. Its query may be a credential."""

    text: str = field(repr=False)
    scheme: str
    host: str
    port: int


def check_url(url: str, settings: Settings, schemes: tuple[str, str] = FILES) -> SafeUrl:
    """`url` as an address that may be asked without the key.

    `schemes` are the encrypted one, for every listed host, and the plain one, for the configured
    origin alone. Raises HostRefused, which tells the reason, the host and the address without its
    query.
    """
    encrypted, plain = schemes
    url, match = url.strip(" "), None
    if len(url) <= MAX_LENGTH and not _FORBIDDEN.search(url):
        # Names of files may come unescaped; in a host what that escapes fails the pattern.
        url = quote(url, safe=_PRINTABLE)
        match = _PARTS.fullmatch(url)
    if match is None:
        _refuse(url, _UNREADABLE)
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _PORTS[scheme])
    # A standard port is left out: the object store signs the Host header without it.
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
    """A checked address, also one of the native route, into which the key is put.

    What is made of one goes to the library that connects, and nowhere else. BadInput where the
    line is not encrypted: whoever listens would read the key.
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
    """Where a redirect leads, under the same rules; never from TLS back to plain http."""
    # Joining would quietly drop what must be refused, a tab in the host for example.
    if not location or _FORBIDDEN.search(location):
        _refuse(location, _UNREADABLE)
    target = check_url(urljoin(current.text, location), settings)
    if current.scheme == "https" and target.scheme != "https":
        _refuse(target.text, "error.address_insecure", scheme="https")
    key = settings.key.reveal()
    if key and _without(target.text, key, "…") is not target.text:
        _refuse(target.text)  # of the native route, whose addresses hold it: it goes no further
    return target


def without_query(url: str) -> str:
    """`url` as it may be shown: no query, no fragment, no user-info, no key."""
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


@lru_cache(maxsize=64)  # where the latest result came from is asked about with each order
def _parsers_agree(url: SafeUrl) -> bool:
    """Whether those who connect (urllib3 for requests, yarl for aiohttp) see what we see."""
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


# What may be said

THREAD_NAME = "runninghub-bytes"  # of every thread that carries bytes for us

# All of these and those below take a text once through, whatever it is: it may be anybody's, and
# the search holds ComfyUI's interpreter meanwhile. So a run of one character is one match.
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(/proxy(?:-plus)?/)[^/\s?'\"]+", re.IGNORECASE), r"\1…"),
    (re.compile(r"(//)[^/\s@'\"]+@"), r"\1…@"),
    # Any query, with or without its address: libraries print `url: /path?query`.
    (re.compile(r"\?[^\s'\"<>()]*"), lambda match: "?…" if "=" in match[0] else match[0]),
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


# A character of a key as JSON, an address, HTML or a text within one of these may spell it.
_SPELLED = re.compile(
    r"\\+(?:u00([0-7][0-9a-f])|(/))?|%(?:25)*([2-7][0-9a-f])|&#x0*([2-7][0-9a-f]);"
    r"|&#0*([0-9]{2,3});",
    re.IGNORECASE,
)
_WINDOW = 2**20  # characters that are looked at together
_LONGEST_ECHO = 4096  # of a key and all that stands for it
_BETWEEN = r"(?:\0|\\+u0000)*"  # UTF-16 that was read byte by byte

_guarded: list[str] = []  # keys that are in use in this process


def redact(text: str) -> str:
    """`text` without keys, queries of addresses, and credentials of any kind known to us."""
    for key in _guarded:
        text = _without(text, key, "…")
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def withhold(body: bytes, key: str) -> bytes:
    """An answer without our key, however it is spelled there, as UTF-8 where it is another
    encoding of Unicode: what a service quotes is quoted further, into errors and logs."""
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        body = body.decode(encoding, "replace").encode()
    text = body.decode("latin-1")
    shown = _without(text, key, "...") if key else text
    return body if shown is text else shown.encode("latin-1")


def _without(text: str, key: str, instead: str) -> str:
    """`text` itself where the key is not in it."""
    forms = _forms(key)
    for start in range(0, len(text), _WINDOW):
        window = text[start : start + _WINDOW + _LONGEST_ECHO].replace("\0", "")
        plain = _SPELLED.sub(_unspelled, window)
        if any(form in plain for form in forms):
            for form in forms:
                text = _spelled_anyhow(form).sub(instead, text)
            break
    return text


def _unspelled(match: re.Match[str]) -> str:
    code = match[1] or match[3] or match[4]
    if not code and not match[5]:
        return match[2] or match[0]  # a slash that may be escaped, or no more than backslashes
    number = int(code, 16) if code else int(match[5])
    return chr(number) if number else ""


@lru_cache(maxsize=16)
def _forms(key: str) -> tuple[str, ...]:
    """The key and what base64 makes of it behind 0, 1 or 2 other bytes."""
    forms = {key: None}
    for before in range(3):
        coded = base64.b64encode(bytes(before) + key.encode()).decode()
        # Only what the key alone decides: the first and the last may hold bits of its neighbours.
        inner = coded[(before * 8 + 5) // 6 : (before + len(key)) * 8 // 6]
        forms |= {inner: None, inner.translate(_URL_SAFE): None}
    return tuple(forms)


@lru_cache(maxsize=16 * 7)  # of so many keys all forms
def _spelled_anyhow(form: str) -> re.Pattern[str]:
    """What finds a form of a key whatever its characters are spelled as: slow to make, and seldom
    needed."""
    return re.compile(r"(?<!\\)" + _BETWEEN.join(map(_spellings, form)))


_URL_SAFE = str.maketrans("+/", "-_")


def _spellings(character: str) -> str:
    code = f"(?i:{ord(character):02x})"
    return (
        rf"\\*(?:{re.escape(character)}|(?<=\\)[uU]00{code}|%(?:25)*{code}"
        rf"|&#[xX]0*{code};|&#0*{ord(character)};)"
    )


def unreachable(error: BaseException, host: str, *, sent: bool) -> Unreachable:
    """What an exception of a library means. `sent`: bytes of the request may have left."""
    fate = Fate.UNKNOWN if sent else Fate.NOT_STARTED
    reason = f"{type(error).__name__}: {error}"
    key = None
    for cause in () if sent else _causes(error):
        if _is_tls(cause):
            key = "error.tls"
            # What is wrong with a certificate, at the end of what all others say about it.
            reason = getattr(cause, "verify_message", "") or reason
    return Unreachable(key, fate=fate, host=host, reason=quote_remote(redact(reason), 200))


def trusted(host: str) -> ssl.SSLContext:
    """`trust`, for a connection to `host`. What goes wrong then may pass, like too many files."""
    try:
        return trust()
    except OSError as error:
        failure = unreachable(error, host, sent=False)
    raise failure


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


def guard(key: str) -> None:
    """Keep `key` out of what `redact` lets through, and secrets out of the logs."""
    if key and key not in _guarded:
        _guarded.append(key)
    guard_log()


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
