"""Handlers for AI apps: the call example, and the list of public apps; and module styles."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

from aiohttp import web

from ..codes import Json, Refused
from ..validation import requests

if TYPE_CHECKING:
    from ..catalog import App
    from ..state import State


def _success(data: Json) -> web.Response:
    return web.json_response({"code": 0, "msg": "success", "data": data})


async def call_demo(state: State, request: web.Request) -> web.Response:
    """``GET /api/webapp/apiCallDemo``: the only request with the key in its query."""
    query = dict(request.query)
    requests.account_of_body(state, request, query)
    app = state.apps.get(requests.text_field(query, "webappId"))
    if app is None:
        raise Refused(901)
    if "app_address" in state.variants:
        return _success({"url": f"{state.base_url}/call-api/api-detail/{app.id}"})
    counts = dict.fromkeys(("likeCount", "downloadCount", "useCount", "pv", "collectCount"), "0")
    body = json.dumps({"webappId": app.id, "apiKey": query["apiKey"], "nodeInfoList": app.fields})
    return _success(
        {
            # The site does repeat the key here: a client must not show or store it.
            "curl": "curl --location --request POST "
            f"'{state.base_url}/task/openapi/ai-app/run' --data-raw '{body}'",
            "accessEncrypted": app.password is not None,
            "webappName": app.name,
            "statisticsInfo": counts,
            "nodeInfoList": app.fields,
            "covers": [],
            "tags": [],
            **app.published,
        }
    )


async def model_params(state: State, request: web.Request) -> web.Response:
    """``POST /api/fast/creation/model/params``: a module's styles; needs no key."""
    body = await requests.read_json(request)
    kind, webapp_id = body.get("type"), body.get("webappId")
    if not isinstance(kind, int) or isinstance(kind, bool):
        raise Refused(301, "type must not be null")
    if not isinstance(webapp_id, str) or not webapp_id.strip():
        raise Refused(301, "webappId must not be blank")
    module = state.modules.get(webapp_id)
    styles = module.styles if module else []
    picture = f"{state.base_url}/results/covers/"
    data = [
        {**style, "modelPreviewUrl": style["modelPreviewUrl"].replace("/results/covers/", picture)}
        for style in styles
        if style["type"] == kind
    ]
    return web.json_response({"code": 0, "msg": "success", "data": data})


TOTAL = 70_500
"""``total`` of the list, whatever the query: it has no search (vendor's command line)."""

LISTED_ONLY = 120
"""Listed apps that cannot be run here, for paging."""


async def app_list(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/aiapp/list``: public apps; an id occurs only in its ``invokeExample``.

    Undocumented: HM-RunningHub/RH_CLI ``app/client.py``, OpenClaw ``runninghub_app.py``.
    """
    header = request.headers.get("Authorization", "")
    # The vendor's command line sends a Bearer, another public client the bare key.
    key = requests.bearer(request) if state.strict or " " in header else header
    requests.account_of_key(state, key, 412)
    body = await requests.read_json(request)
    current, size = body.get("current") or 1, body.get("size") or 10
    if not isinstance(size, int) or not isinstance(current, int) or not 1 <= size <= 50:
        raise Refused(301, "size must be between 1 and 50")
    if body.get("sort") not in (None, "RECOMMEND", "HOTTEST", "NEWEST"):
        raise Refused(301, "sort must be RECOMMEND, HOTTEST or NEWEST")
    listed = [_record(state, index, app) for index, app in enumerate(state.apps.values())]
    listed += [_listed_only(state, index) for index in range(LISTED_ONLY)]
    pages = -(-len(listed) // size)
    data: Json = {
        "records": listed[(current - 1) * size : current * size],
        "current": current,
        "size": size,
        "total": TOTAL,
        "pages": -(-TOTAL // size),
        "hasNext": current < pages,
    }
    return _success(data)


def _record(state: State, index: int, app: App) -> Json:
    return {
        "title": app.name,
        "description": "",
        "cover": f"{state.base_url}/results/covers/{app.id}.png",
        "invokeExample": _invoke_example(index, app.id, app.fields),
    }


def _listed_only(state: State, index: int) -> Json:
    name = f"Listed app {index + 1}"
    app_id = str(1_900_000_000_000_009_000 + index)
    return {
        "title": name,
        "description": "",
        "cover": f"{state.base_url}/results/covers/{app_id}.png",
        "invokeExample": _invoke_example(index, app_id, []),
    }


def _invoke_example(index: int, app_id: str, fields: list[Json]) -> str:
    """Return a curl line; both sites' hosts and both ways of quoting alternate."""
    host = ("www.runninghub.ai", "www.runninghub.cn")[index % 2]
    body = json.dumps(
        {"webappId": app_id, "apiKey": "your_api_key", "nodeInfoList": fields}, ensure_ascii=False
    )
    escaped = body.replace("\\", "\\\\").replace('"', '\\"')
    quoted = f"'{body}'" if index // 2 % 2 == 0 else f'"{escaped}"'
    return (
        f"curl --location --request POST 'https://{host}/task/openapi/ai-app/run' "
        f"--header 'Content-Type: application/json' --data-raw {quoted}"
    )


async def cover(_state: State, request: web.Request) -> web.Response:
    """An app's cover picture, of the site's size."""
    from PIL import Image

    hue = int(hashlib.sha256(request.match_info["id"].encode()).hexdigest()[:2], 16)
    picture = Image.merge(
        "HSV",
        (
            Image.new("L", (640, 640), hue),
            Image.new("L", (640, 640), 150),
            Image.linear_gradient("L").resize((640, 640)),
        ),
    ).convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return web.Response(body=file.getvalue(), content_type="image/png")
