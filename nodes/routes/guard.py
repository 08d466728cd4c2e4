"""CSRF and DNS rebinding protection: only pages of this ComfyUI may call our routes.

ComfyUI's own check admits any host name that resolves to this machine, form and plain text POSTs,
and requests without an Origin. Ours decides by the request's headers alone.
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
_SAME_ORIGIN = frozenset({"same-origin", "none"})  # none: typed into the address bar

_token = secrets.token_urlsafe(32)


def token() -> str:
    """Return the CSRF token that changing requests must carry; random per start of ComfyUI."""
    return _token


def refusal(
    method: str, headers: Mapping[str, Sequence[str]], names: Container[str], *, needs_token: bool
) -> str | None:
    """Return the message key for refusing a request; None to admit it.

    `headers`: all values by lower-case name. `names`: host names that this ComfyUI is known under,
    lower-case, beside loopback and literal IP addresses; `*.example.com` is each name below that.
    A GET or HEAD needs no token.
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
    """Whether a Host header is `localhost`, an IP address or in `names`: no rebound domain."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match[1].strip("[]")
    if name in LOOPBACK_NAMES or name in names:
        return True
    if any(f"*{name[dot.start() :]}" in names for dot in re.finditer(r"\.", name)):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_own_page(headers: Mapping[str, Sequence[str]], host: str) -> bool:
    """Whether Sec-Fetch-Site and Origin, where present, say that the page is of this host."""
    sites = headers.get("sec-fetch-site", ())
    if any(site not in _SAME_ORIGIN for site in sites):
        return False
    origins = headers.get("origin", ())
    return len(origins) <= 1 and all(_same_host(origin.lower(), host.lower()) for origin in origins)


def _same_host(origin: str, host: str) -> bool:
    """Whether an origin matches a Host header, in which a proxy may add the default port
    that browsers omit."""
    for scheme, port in (("http", ":80"), ("https", ":443")):
        if origin in (f"{scheme}://{host}", f"{scheme}://{host.removesuffix(port)}"):
            return True
    return False


def _is_json(types: Sequence[str]) -> bool:
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON


def _is_token(text: str) -> bool:
    return secrets.compare_digest(text.encode("utf-8", "surrogateescape"), _token.encode())
