"""Public documents of the site: pages of its documentation, and its catalogue.
Requested without a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..errors import CatalogueRefused, Fate, ServiceFault
from .call import Auth, Call, Request, Response
from .envelope import limited

T = TypeVar("T")

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its ETag; `data` None: not modified (304)."""

    data: bytes | None
    etag: str = ""


def document(path: str, limit: int, etag: str = "") -> Call[Document]:
    """GET a document of at most `limit` bytes, with If-None-Match if `etag` is given."""

    def read(response: Response) -> Document:
        if response.status == 304 and etag:
            return Document(None, etag)
        return Document(_whole(response, path), response.headers.get("etag", "")[:200])

    headers = {"If-None-Match": etag} if etag else {}
    request = Request("GET", path, Auth.NONE, headers=headers)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED, seconds=SECONDS, limit=limit)


def question(
    path: str,
    body: Mapping[str, object],
    headers: Mapping[str, str],
    read: Callable[[bytes], T],
    limit: int,
) -> Call[T]:
    """POST a JSON body; `read` parses the answer's bytes."""
    request = Request("POST", path, Auth.NONE, body, headers)
    return Call(
        request,
        lambda response: read(_whole(response, path)),
        repeatable=True,
        fate=Fate.NOT_STARTED,
        seconds=SECONDS,
        limit=limit,
    )


def _whole(response: Response, path: str) -> bytes:
    if response.status == 429:
        raise limited(response)
    if response.status >= 500:
        raise ServiceFault(remote=f"HTTP {response.status}")
    if response.status != 200:
        raise CatalogueRefused(source=path, reason=f"HTTP {response.status}")
    if not response.complete:
        raise CatalogueRefused(source=path, reason="it broke off, or is too long")
    return response.body
