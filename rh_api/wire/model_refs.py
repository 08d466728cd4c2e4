"""Endpoints of standard models: validating them, and parsing a user's reference to a model.

An endpoint becomes part of the path of a paid call and is untrusted input, so anything that is not
certainly valid is refused: `../../task/openapi/create` must never be called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..errors import BadInput

BASE = "/openapi/v2/"
PREVIEW = "/openapi/v2/price-preview/"

LONGEST = 200
MAX_SEGMENTS = 8

NOT_MODELS = frozenset(
    {
        "run",
        "query",
        "price-preview",
        "media",
        "queue",
        "api-key",
        "resource",
        "aiapp",
    }
)
"""First path segments below BASE that are other endpoints."""

_SEGMENT = re.compile(r"[A-Za-z0-9._\[\]-]+")
_PAGE_ID = re.compile(r"(?:api-)?[0-9]{6,25}")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A user's parsed reference to a model: endpoint, page id or name, of which some are set.

    `host`: of a link, with its port, else "".
    """

    endpoint: str = ""
    page: str = ""
    name: str = ""
    host: str = ""


def is_endpoint(text: str) -> bool:
    """Return whether a text is a valid model endpoint, and no other endpoint below BASE."""
    segments = text.split("/")
    return (
        len(text) <= LONGEST
        and len(segments) <= MAX_SEGMENTS
        and all(_SEGMENT.fullmatch(segment) and segment.strip(".") for segment in segments)
        and segments[0].lower() not in NOT_MODELS
    )


def endpoint_path(endpoint: str, base: str = BASE) -> str:
    """Return the URL path of a model's call. BadInput for an invalid endpoint."""
    if not is_endpoint(endpoint):
        raise BadInput("error.model_endpoint", value=endpoint[:100])
    return base + "/".join(quote(segment, safe="") for segment in endpoint.split("/"))


def read_model_ref(text: str) -> ModelRef:
    """Parse an endpoint, the path or URL of its call, a link to a model's page, or a name.

    BadInput for an empty text, and for a link to no model. Whether a text without a scheme is an
    endpoint or a name only the catalogue can tell: both are set then.
    """
    text = text.strip()
    if not text:
        raise BadInput("error.model_blank")
    if "://" in text or re.match(r"(www\.)?runninghub\.(ai|cn)/", text, re.IGNORECASE):
        return _read_link(text)
    bare = text.removeprefix(BASE).removeprefix(BASE[1:]).strip("/")
    return ModelRef(endpoint=bare if is_endpoint(bare) else "", name=text[:LONGEST])


def _read_link(text: str) -> ModelRef:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError as error:
        raise BadInput("error.model_link", value=text[:100]) from error
    if parts.scheme not in ("http", "https") or parts.username is not None or not host:
        raise BadInput("error.model_link", value=text[:100])
    host += f":{port}" if port else ""
    if parts.path.startswith(BASE):
        endpoint = parts.path.removeprefix(BASE).removeprefix("price-preview/").strip("/")
        if is_endpoint(endpoint):
            return ModelRef(endpoint=endpoint, host=host)
    else:
        names = [segment.removesuffix(".md") for segment in parts.path.split("/")]
        pages = [name for name in names if _PAGE_ID.fullmatch(name)]
        is_model_page = "/call-api/" in parts.path or "-api-doc-" in parts.path
        if len(pages) == 1 and is_model_page:
            return ModelRef(page=pages[0], host=host)
    raise BadInput("error.model_link", value=text[:100])
