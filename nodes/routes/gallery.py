"""What anybody may run on the site: public AI apps, with their covers, and those of styles, as this
machine makes them."""

from __future__ import annotations

import uuid
from collections import OrderedDict

from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.wire.apps import SORTS
from ..runtime import cloud, config, thumbnails
from .body import Body, number_of, text_of
from .clients import client_of

_MOST = 2_000  # covers that are remembered: their addresses, and some kB each that was asked for

_LONGEST = 120  # characters of an id

_addresses: OrderedDict[tuple[str, str], str] = OrderedDict()
_covers: OrderedDict[tuple[str, str], str] = OrderedDict()


async def apps(body: Body) -> dict[str, object]:
    """A page of the public apps of a profile's site; `next`: what asks for one more, or null."""
    sort, number = text_of(body, "sort", SORTS[0]), max(1, number_of(body, "page", 1))
    if sort not in SORTS:
        raise BadInput("node.bad_type", name="sort", value=sort[:80])
    client = client_of(body)
    found = await client.programs.public_apps(sort, number)
    for one in found.apps:
        if one.cover:
            list_cover(client.settings.origin, one.app_id, one.cover)
    return {
        "apps": [
            {
                "id": one.app_id,
                "title": one.title[:200],
                "description": one.description[:500],
                "cover": bool(one.cover),
            }
            for one in found.apps
        ],
        "total": found.total,
        "next": number + 1 if found.has_next else None,
    }


def list_cover(origin: str, name: str, address: str) -> None:
    """From now on `cover` gives the picture at an address, which a site told, by this name."""
    _remember(_addresses, (origin, name[:_LONGEST]), address)


async def cover(body: Body) -> dict[str, object]:
    """The cover of a listed app or style, read anew from its pixels, as a data URL; "" for none."""
    client = client_of(body)
    name = client.settings.origin, text_of(body, "id")[:_LONGEST]
    if name not in _covers and name in _addresses:
        into = config.scratch_folder() / f"cover-{uuid.uuid4().hex}"
        try:
            path = await client.cover(_addresses[name], into)
            made = await cloud.in_worker(thumbnails.encoded, path)
            _remember(_covers, name, thumbnails.url_of(made))
        except RunningHubError:
            _remember(_covers, name, "")  # a host that is not listed, or nothing there
        finally:
            for part in into.parent.glob(f"{into.name}*"):
                part.unlink(missing_ok=True)
    return {"picture": _covers.get(name, "")}


def _remember(kept: OrderedDict[tuple[str, str], str], name: tuple[str, str], value: str) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > _MOST:
        kept.popitem(last=False)
