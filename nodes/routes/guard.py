"""Who may call our routes: a page of this ComfyUI, and nobody's page that a person happens to read.

ComfyUI's own guard lets pass a page of any host name that leads to this machine, posts of forms
and plain text, and pages without an origin. Ours decides from the request's headers alone.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Container, Mapping, Sequence

TOKEN_HEADER = "X-RunningHub-Token"  # noqa: S105 - the name of a header
JSON = "application/json"

LOOPBACK_NAMES = frozenset({"localhost"})
_HOST = re.compile(r"([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_SAME_PAGE = frozenset({"same-origin", "none"})  # none: typed into the address bar

_token = secrets.token_urlsafe(32)


def token() -> str:
    """What a page must know to change anything; another one each time ComfyUI starts."""
    return _token


def refusal(
    method: str, headers: Mapping[str, Sequence[str]], names: Container[str], *, needs_token: bool
) -> str | None:
    """The key of the sentence that says why a request is refused; None for one that is not.

    `headers`: by lower-case name, every value that came. `names`: host names that this ComfyUI
    is known under, beside loopback and literal addresses.
    """
    hosts = headers.get("host", ())
    if len(hosts) != 1 or not is_known_host(hosts[0], names):
        return "node.route_host"
    if not _is_own_page(headers, hosts[0]):
        return "node.route_origin"
    if method in ("GET", "HEAD"):
        return None
    if not _is_json(headers.get("content-type", ())):
        return "node.route_type"
    tokens = headers.get(TOKEN_HEADER.lower(), ())
    if needs_token and not (len(tokens) == 1 and _is_token(tokens[0])):
        return "node.route_token"
    return None


def is_known_host(host: str, names: Container[str]) -> bool:
    """Whether a Host header names this machine and not a stranger's domain that leads to it."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1].strip("[]")
    if name in LOOPBACK_NAMES or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_own_page(headers: Mapping[str, Sequence[str]], host: str) -> bool:
    """Whether the browser, if there is one, says that the calling page is one of this host."""
    sites = headers.get("sec-fetch-site", ())
    if any(site not in _SAME_PAGE for site in sites):
        return False
    origins = headers.get("origin", ())
    return len(origins) <= 1 and all(_is_of(origin.lower(), host.lower()) for origin in origins)


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is of a host;
    a proxy may name the standard port that browsers leave out."""
    for scheme, port in (("http", ":80"), ("https", ":443")):
        if origin in (f"{scheme}://{host}", f"{scheme}://{host.removesuffix(port)}"):
            return True
    return False


def _is_json(types: Sequence[str]) -> bool:
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON


def _is_token(text: str) -> bool:
    return secrets.compare_digest(text.encode("utf-8", "surrogateescape"), _token.encode())
