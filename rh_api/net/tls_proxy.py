"""TLS trust store, proxy and User-Agent, shared by aiohttp and requests.

Both get the same explicit settings: by default requests lets a `.netrc` replace our key, and
aiohttp raises an error if there is one.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import zlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import requests.utils
from requests.utils import proxy_bypass  # pyright: ignore[reportPrivateImportUsage]

from ..errors import BadInput, Fate, Unreachable

USER_AGENT = "runninghub-remote"
CONNECT_SECONDS = 10.0
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CONTENT_CODINGS = ("gzip", "x-gzip", "deflate")
OPENSSL_VARIABLES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})


def trust() -> ssl.SSLContext:
    """Return a verifying TLS context with the platform's CAs and CA variables; cannot be disabled.

    Raises BadInput if the CA bundle cannot be read. Blocking.
    """
    context = ssl.create_default_context()
    bundle = next(filter(None, map(os.environ.get, BUNDLE_VARIABLES)), None)
    if bundle is None and not _has_cas(context) and not OPENSSL_VARIABLES & os.environ.keys():
        # python.org's Python for macOS ships no CAs: use those of requests (certifi).
        bundle = requests.utils.DEFAULT_CA_BUNDLE_PATH
    if bundle is not None:
        try:
            if Path(bundle).is_dir():
                context.load_verify_locations(capath=bundle)
            else:
                context.load_verify_locations(cafile=bundle)
        except OSError as error:
            raise BadInput("error.bad_ca_file", file=bundle) from error
    return context


def _has_cas(context: ssl.SSLContext) -> bool:
    try:
        return bool(context.get_ca_certs())
    except NotImplementedError:
        # Of truststore, by which other code here replaces ssl's class: it asks the platform itself.
        return True


def proxy_for(scheme: str, host: str) -> str | None:
    """Return the system's proxy URL, None for loopback or without one; Unreachable if unusable."""
    # Not urllib's proxy_bypass: on Windows it does two DNS lookups, which block the event loop.
    if is_loopback(host) or proxy_bypass(host):
        return None
    named = getproxies()
    proxy = named.get({"ws": "http", "wss": "https"}.get(scheme, scheme)) or named.get("all")
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = "http://" + proxy
    kind = proxy.partition("://")[0].lower()
    if kind not in ("http", "https"):
        raise Unreachable("error.proxy_kind", fate=Fate.NOT_STARTED, host=host, kind=kind)
    if not _is_readable(proxy):
        raise Unreachable("error.proxy_address", fate=Fate.NOT_STARTED, host=host)
    return proxy


def _is_readable(proxy: str) -> bool:
    """Return whether both libraries parse the URL: their errors would quote its password."""
    try:
        parts = urlsplit(proxy)
        unquote(parts.netloc).encode("latin-1")
        port = parts.port
    except ValueError:
        return False
    rest = parts.path + parts.query + parts.fragment
    return bool(parts.hostname) and port != 0 and "@" not in rest


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def unpack(body: bytes, encoding: str, limit: int) -> tuple[bytes, bool]:
    """Decompress `body` by `encoding` (gzip, deflate); return it, and whether it is complete.

    At most `limit` bytes, against decompression bombs. Invalid data is returned as it is; its
    reader will find no JSON in it.
    """
    if encoding.strip().lower() not in CONTENT_CODINGS:
        return body, True
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # reads the headers of both
    try:
        plain = unpacker.decompress(body, limit)
    except zlib.error:
        return body, False
    return plain, unpacker.eof
