"""The site's public AI apps, and the cover images of apps and styles, decoded and encoded anew on
this machine."""

from __future__ import annotations

import uuid
from collections import OrderedDict

from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.wire.apps import SORTS
from ..runtime import config, thumbnails
from ..runtime.media_threads import in_media_thread
from .body import Body, number_of, text_of
from .request_client import client_of

_MAX_COVERS = 2_000  # cached covers: URLs, and some kB for each that was requested

_MAX_ID = 120  # characters of an id

_addresses: OrderedDict[tuple[str, str], str] = OrderedDict()
_covers: OrderedDict[tuple[str, str], str] = OrderedDict()


async def apps(body: Body) -> dict[str, object]:
    """Return a page of the public apps of a profile's site; `next`: number of the next, or null."""
    sort, number = text_of(body, "sort", SORTS[0]), max(1, number_of(body, "page", 1))
    if sort not in SORTS:
        raise BadInput("node.bad_type", name="sort", value=sort[:80])
    client = client_of(body)
    page = await client.programs.public_apps(sort, number)
    for app in page.apps:
        if app.cover:
            list_cover(client.settings.origin, app.app_id, app.cover)
    return {
        "apps": [
            {
                "id": app.app_id,
                "title": app.title[:200],
                "description": app.description[:500],
                "cover": bool(app.cover),
            }
            for app in page.apps
        ],
        "total": page.total,
        "next": number + 1 if page.has_next else None,
    }


def list_cover(origin: str, name: str, address: str) -> None:
    """Register the URL of a cover, as the site gave it, for `cover` to serve by this name."""
    _remember(_addresses, (origin, name[:_MAX_ID]), address)


async def cover(body: Body) -> dict[str, object]:
    """Return the cover of a listed app or style, re-encoded, as a data URL; "" for none."""
    client = client_of(body)
    name = client.settings.origin, text_of(body, "id")[:_MAX_ID]
    if name not in _covers and name in _addresses:
        into = config.scratch_folder() / f"cover-{uuid.uuid4().hex}"
        try:
            path = await client.cover(_addresses[name], into)
            picture = await in_media_thread(thumbnails.encoded, path)
            _remember(_covers, name, thumbnails.url_of(picture))
        except RunningHubError:
            _remember(_covers, name, "")  # host not allowed, or not found
        finally:
            for part in into.parent.glob(f"{into.name}*"):
                part.unlink(missing_ok=True)
    return {"picture": _covers.get(name, "")}


def _remember(cache: OrderedDict[tuple[str, str], str], name: tuple[str, str], value: str) -> None:
    cache[name] = value
    cache.move_to_end(name)
    if len(cache) > _MAX_COVERS:
        cache.popitem(last=False)
