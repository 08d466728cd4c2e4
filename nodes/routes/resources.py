"""Search of the cloud's model files (checkpoints, LoRAs …), for fields that name one."""

from __future__ import annotations

from ...rh_api.client import Client, ResourceKind
from ...rh_api.errors import BadInput, RunningHubError
from ...rh_api.wire.quick import is_module_id
from ..runtime.cloud_models import shared_models
from .body import Body, switch_of, text_of
from .gallery import list_cover
from .request_client import client_of

LONGEST = 200


async def resources(body: Body) -> dict[str, object]:
    """Search models of a kind by words of their title or name; results are cached for an hour.

    For LoRAs of a module of Quick Create its styles come first; `cover`: the id of the style's
    image for the route of covers. `is_unlisted`: whether the service lists no such file as `name`.
    `quiet`: a failure is `models` null, since a browser logs each refused request of a page.
    """
    try:
        return await _resources(body)
    except RunningHubError:
        if switch_of(body, "quiet"):
            return {"models": None}
        raise


async def _resources(body: Body) -> dict[str, object]:
    named = text_of(body, "kind")
    if named not in ResourceKind.__members__:
        raise BadInput("node.bad_type", name="kind", value=named[:80])
    kind = ResourceKind[named]
    client = client_of(body)
    words = text_of(body, "words").strip()[:LONGEST]
    listed = await shared_models().search(client, kind, words)
    styles = (
        await _styles(client, text_of(body, "module"), words) if kind is ResourceKind.LORA else []
    )
    of_styles = {style["name"] for style in styles}
    others = [model for model in listed if model.model_name not in of_styles]
    models = [{"name": model.model_name, "title": model.title} for model in others]
    file = text_of(body, "name")[:LONGEST]
    is_unlisted = bool(file) and await shared_models().is_unlisted(client, kind, file)
    return {"models": [*styles, *models], "is_unlisted": is_unlisted}


async def _styles(client: Client, module: str, words: str) -> list[dict[str, str]]:
    """Return the LoRAs of a module's styles that match; [] if the site's request fails."""
    if not is_module_id(module):
        return []
    try:
        styles = await client.quick.params(module.partition("/")[0])
    except RunningHubError:
        return []
    rows: list[dict[str, str]] = []
    for style in styles:
        cover = f"style/{module}/{style.id}" if style.preview else ""
        if cover:
            list_cover(client.settings.origin, cover, style.preview)
        rows += [
            {"name": lora, "title": style.name[:LONGEST], "cover": cover}
            for lora, _ in style.loras
            if words.lower() in f"{style.name} {style.trigger} {lora}".lower()
        ]
    return rows
