"""Model files available on RunningHub, by the names that loader nodes take.

Undocumented; the schemas are those of public clients (difyz9/runninghub-sdk-go,
sanjusss/runninghub-skill). VAE, CLIP and ControlNet cannot be listed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..errors import BadReply, Fate
from .call import Auth, Call, Request, Response
from .envelope import as_list, open_envelope, read_int, read_object, read_text

LARGEST_PAGE = 50
REQUESTS_PER_MINUTE = 20  # the service's rate limit


class ResourceKind(enum.Enum):
    """Kinds that can be listed."""

    CHECKPOINT = "CHECKPOINT"
    UNET = "UNET"
    LORA = "LORA"
    GGUF = "GGUF"


@dataclass(frozen=True, slots=True)
class Resource:
    """One model file. `model_name`: value for a loader's field; `title`: display name."""

    model_name: str
    title: str
    kind: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """One page, counted from 1. `total`: models on all pages, None if not told."""

    resources: tuple[Resource, ...]
    page: int
    total: int | None
    has_next: bool


def resource_list(
    kind: ResourceKind,
    name: str = "",
    *,
    page: int = 1,
    size: int = LARGEST_PAGE,
) -> Call[ResourcePage]:
    """List models of a kind with `name` in their title; `size`: per page, 1 to 50.

    Raises ValueError for a page or size out of range.
    """
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        raise ValueError(f"page {page} of {size}: pages begin at 1 and hold 1 to {LARGEST_PAGE}")
    body: dict[str, object] = {"resourceType": kind.value, "current": page, "size": size}
    if name:
        body["resourceName"] = name

    def read(response: Response) -> ResourcePage:
        data = read_object(open_envelope(response))
        records = as_list(data.get("records"))
        if not records and data.get("records") != []:
            raise BadReply(status=response.status)
        resources = map(_read_resource, records)
        current = read_int(data.get("current")) or page
        pages = read_int(data.get("pages"))
        has_next = data.get("hasNext")
        return ResourcePage(
            resources=tuple(resource for resource in resources if resource.model_name),
            page=current,
            total=read_int(data.get("total")),
            # An empty page ends the list, whatever `hasNext` says: no endless paging.
            has_next=bool(records)
            and (has_next if isinstance(has_next, bool) else current < (pages or 0)),
        )

    request = Request("POST", "/openapi/v2/resource/list", Auth.BEARER, body)
    return Call(request, read, repeatable=True, fate=Fate.NOT_STARTED)


def _read_resource(value: object) -> Resource:
    about = read_object(value)
    return Resource(
        model_name=read_text(about.get("nodeModelName")),
        title=read_text(about.get("resourceName")),
        kind=read_text(about.get("resourceType")),
        description=read_text(about.get("desc")),
    )
