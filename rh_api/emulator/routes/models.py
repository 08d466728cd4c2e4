"""Handlers for standard models: runs, prices, and listings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aiohttp import web

from ..codes import Json, Refused
from ..models import listings
from ..models.catalogue import Model
from ..models.prices import price_of
from ..models.validation import check_body, placeholder_in
from ..replies import submitted
from ..tasks.lifecycle import new_task
from ..tasks.task import ModelRun, Order
from ..validation import requests

if TYPE_CHECKING:
    from ..accounts import Account
    from ..state import State


async def _model_request(state: State, request: web.Request) -> tuple[str, Account, Model, Json]:
    """Authorize and parse: key, account, model, body. Shared enterprise keys only, else 1014."""
    key = requests.bearer(request)
    account = requests.account_of_key(state, key, 412)
    endpoint = request.match_info["model"]
    model = state.models.get(endpoint)
    if model is None or model.status == "removed":
        raise Refused(state.unknown_model_code)
    if account.kind != "SHARED":
        raise Refused(1014)
    if endpoint in state.inactive_models:
        raise Refused(412, "Standard model is not activated for this API key")
    if model.status == "deprecated":
        raise Refused(1000)
    try:
        body = await requests.read_json(request)
    except Refused:
        raise Refused(1007) from None
    return key, account, model, body


async def run(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/{endpoint}``: the body's keys are the model's parameters."""
    key, account, model, body = await _model_request(state, request)
    price = price_of(model, body, account.currency or "CNY")
    if account.wallet <= 0:
        raise Refused(812)
    check_body(state, key, model, body)
    if account.wallet < price:
        raise Refused(1620)
    if state.is_full(key) and not state.queue_when_full:
        raise Refused(421)
    order = Order(
        key=key,
        workflow_id=model.endpoint,
        graph={},
        route="v2",
        webhook_url=body.get("webhookUrl"),
        model=ModelRun(model, body, price),
    )
    return web.json_response(submitted(state, new_task(state, order)))


async def price_preview(state: State, request: web.Request) -> web.Response:
    """``POST /openapi/v2/price-preview/{endpoint}``: the same body, checked and not run."""
    key, account, model, body = await _model_request(state, request)
    check_body(state, key, model, body)
    if state.preview_placeholders == "refused" and (name := placeholder_in(model, body)):
        raise Refused(1007, f"Invalid parameters: {name} cannot be processed")
    currency = account.currency or "CNY"
    price = price_of(model, body, currency)
    sign = "$" if currency == "USD" else "¥"
    free = state.free_calls > 0
    return web.json_response(
        {
            "errorCode": "",
            "errorMessage": "",
            "estimatedPrice": float(price),
            "currency": currency,
            "priceText": f"{sign}{price}/次",
            "priceTextEn": f"{sign}{price}/run",
            "freeLimit": free,
            "freeLimitCount": state.free_calls or None,
            "remainingFreeLimitCount": state.free_calls or None,
            "isFreeThisCall": free,
        }
    )


async def index(state: State, request: web.Request) -> web.Response:
    """``llms.txt`` of the documentation, with an ETag; needs no key."""
    text = listings.index(state.documented_models(), state.base_url)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(text=text, content_type="text/plain", headers={"ETag": etag})


async def page(state: State, request: web.Request) -> web.Response:
    """A page of the documentation; an unknown one is the site's empty app shell."""
    name = request.match_info["name"]
    model = next((model for model in state.documented_models() if model.page == name), None)
    if model is None:
        shell = "<!DOCTYPE html><html><body><div id='root'></div></body></html>"
        return web.Response(text=shell, content_type="text/html")
    return web.Response(text=listings.page(model), content_type="text/markdown")


def _web_client(request: web.Request) -> None:
    if request.headers.get("client") != "WEB":
        raise Refused(412)


async def site_list(state: State, request: web.Request) -> web.Response:
    """``POST /api/sku/list``: a page of the site's catalogue, from a cache that may be stale."""
    _web_client(request)
    body = await requests.read_json(request)
    if body.get("categoryType") != "STANDARD_MODEL":
        raise Refused(301)
    number, size = int(body.get("pageNum") or 1), int(body.get("pageSize") or 20)
    listed = state.documented_models()
    models = [model for model in listed if state.site_list_fresh or not state.is_new(model)]
    start = (number - 1) * size
    page: Json = {
        "records": [listings.catalogue_row(model) for model in models[start : start + size]],
        "total": len(models),
        "size": size,
        "current": number,
        "pages": -(-len(models) // size),
    }
    return web.json_response({"code": 0, "msg": "success", "data": {"page": page}})


async def site_detail(state: State, request: web.Request) -> web.Response:
    """``POST /api/sku/detail``: one model of the catalogue."""
    _web_client(request)
    sku = str((await requests.read_json(request)).get("id") or "")
    model = next((model for model in state.documented_models() if model.sku == sku), None)
    if model is None:
        raise Refused(404)
    data = listings.catalogue_detail(model)
    return web.json_response({"code": 0, "msg": "success", "data": data})


async def registry(state: State, _request: web.Request) -> web.Response:
    """The vendor's registry file, as text/plain like GitHub serves it."""
    return web.json_response(
        listings.registry(state.documented_models()), content_type="text/plain"
    )
