"""Which addresses may be asked: the service's own, the configured origin, and what a person added.

The service names addresses in its answers (results, presigned uploads, sockets), so an address
is a claim of the network. A name on the list is safe because it is asked over TLS with a verified
certificate; what the name resolves to is not compared, since proxies in fake-IP mode (Clash,
Surge) answer private addresses for every name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote, urljoin, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url
from yarl import URL

from ..errors import HostRefused
from ..settings import Settings

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
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

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
    origin alone. Raises HostRefused, which tells the host and the address without its query.
    """
    encrypted, plain = schemes
    match = None
    if len(url) <= MAX_LENGTH and not _FORBIDDEN.search(url):
        # Names of files may come unescaped; in a host a non-ASCII letter fails the pattern.
        url = quote(url, safe=_PRINTABLE)
        match = _PARTS.fullmatch(url)
    if match is None:
        _refuse(url)
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _PORTS[scheme])
    # A standard port is left out: the object store signs the Host header without it.
    place = host if port == _PORTS[scheme] else f"{host}:{port}"
    safe = SafeUrl(f"{scheme}://{place}{match['rest'] or '/'}", scheme, host, port)
    if scheme not in schemes or not _parsers_agree(safe):
        _refuse(url)
    if (scheme == encrypted) == _is_secure(settings) and _is_own(safe, settings):
        return safe
    if scheme == plain or port != 443 or not _is_listed(host, settings.result_hosts):
        _refuse(url)
    return safe


def check_redirect(current: SafeUrl, location: str, settings: Settings) -> SafeUrl:
    """Where a redirect leads, under the same rules; never from TLS back to plain http."""
    # Joining would quietly drop what must be refused, a tab in the host for example.
    if not location or _FORBIDDEN.search(location):
        _refuse(location)
    target = check_url(urljoin(current.text, location), settings)
    if current.scheme == "https" and target.scheme != "https":
        _refuse(target.text)
    return target


def without_query(url: str) -> str:
    """`url` as it may be shown: no query, no fragment, no user-info."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"//[^/]*@", "//", bare)[:300]


def _is_secure(settings: Settings) -> bool:
    return settings.origin.startswith("https:")


def _is_own(url: SafeUrl, settings: Settings) -> bool:
    origin = urlsplit(settings.origin)
    own_port = origin.port or _PORTS[origin.scheme]
    return (url.host.strip("[]"), url.port) == (origin.hostname, own_port)


def _is_listed(host: str, more: tuple[str, ...]) -> bool:
    if not re.fullmatch(_NAME, host):
        return False
    listed = (*HOST_SUFFIXES, *more)
    return _BUCKET.fullmatch(host) is not None or any(
        host == suffix or host.endswith("." + suffix) for suffix in listed
    )


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
    wanted = (url.scheme, url.host.strip("[]"), url.port, None)
    return all(
        (scheme, host, port or _PORTS[url.scheme], user) == wanted
        for scheme, host, port, user in readings
    )


def _refuse(url: str) -> NoReturn:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    raise HostRefused(host=host[:100] or "?", url=without_query(url))
