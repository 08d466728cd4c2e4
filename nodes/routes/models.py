"""Standard models: search, form, refresh of the catalogue, and prices."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from ...rh_api.client import Quote, open_catalogue
from ...rh_api.errors import BadInput, NoKey, Say
from ...rh_api.models.live_catalogue import ModelCatalogue
from ...rh_api.models.prices import CURRENCY
from ...rh_api.models.schema import Model
from ...rh_api.models.stored import read_model
from ...rh_api.money.amounts import EXACT, currency_of, decimal_text, in_units, say_unit
from ...rh_api.money.quotes import QuoteSource
from ...rh_api.texts import Words
from .. import language
from ..runtime import catalogue_refresh, cloud, config, model_catalogues, model_view
from .body import Body, text_of

MOST = 1_000  # rows per response
_NO_PRICE = {"text": "", "amount": None, "total": None, "currency": ""}


async def models(body: Body) -> dict[str, object]:
    """Search models by `words` and `task`, best match first; or list `only`, in that order. `note`:
    why no row has a price."""
    profile = text_of(body, "profile").strip()
    catalogue = model_catalogues.catalogue(profile)
    listing = await catalogue.load()
    is_priced = _currency(profile) in ("", CURRENCY)
    only = body.get("only")
    if isinstance(only, list):
        named = (listing.models.get(str(name)) for name in cast("list[object]", only)[:MOST])
        matches = [model for model in named if model is not None]
    else:
        matches = catalogue.search(text_of(body, "words"), text_of(body, "task"))
    limit = body.get("limit", MOST)
    shown = matches[: min(limit, MOST) if type(limit) is int and limit >= 0 else MOST]
    return {
        "date": listing.date,
        "total": sum(model.is_usable for model in listing.models.values()),
        "found": len(matches),
        "note": "" if is_priced else _prices_elsewhere(language.say),
        "models": [model_view.listed(model, catalogue, is_priced=is_priced) for model in shown],
    }


async def form(body: Body) -> dict[str, object]:
    """Return a model by endpoint, name or link, as a program; also a retired or unlisted one."""
    profile = text_of(body, "profile").strip()
    settings = model_catalogues.settings(profile)
    if settings.key:
        catalogue_refresh.begin(cloud.client(settings), settings)
    catalogue = ModelCatalogue(settings)
    await catalogue.load()
    try:
        model = catalogue.resolve(text_of(body, "text"))
    except BadInput as error:
        raise error.with_context(hint=error.hint or "model") from None
    return model_view.shown(model, catalogue)


async def refresh(body: Body) -> dict[str, object]:
    """Refresh the catalogue from all sources, the site's included; may take a minute."""
    settings = model_catalogues.settings(text_of(body, "profile").strip())
    async with open_catalogue(settings) as catalogue:
        changed = await catalogue.refresh(thorough=True)
        return {
            "text": changed.describe(language.say),
            "added": len(changed.added),
            "changed": len(changed.changed),
            "gone": len(changed.gone),
            "date": catalogue.catalogue.date,
        }


async def price(body: Body) -> dict[str, object]:
    """Return an order's price as `quote_of_model` has it; `total`: of `count` orders."""
    profile = text_of(body, "profile").strip()
    catalogue = model_catalogues.catalogue(profile)
    await catalogue.load()
    model = _model_of(catalogue, body)
    quote = await quote_of_model(profile, catalogue, model, _values(body), text_of(body, "extra"))
    text = quote.describe(language.say) if quote.is_told else ""
    if not quote.is_known:
        return {**_NO_PRICE, "text": text}
    (unit, costs), *_ = quote.ranges.items()
    return {
        "text": text,
        **_amounts(in_units(costs.amount), body),
        "currency": say_unit(unit, language.say),
    }


async def quote_of_model(
    profile: str,
    catalogue: ModelCatalogue,
    model: Model,
    values: Mapping[str, object],
    extra: str,
) -> Quote:
    """Quote an order without a request: as the service did before, else by a price list that has
    the whole amount, else by own runs, else by a list's rate.

    The lists hold for an account that pays in their currency, and, without own runs, for one whose
    currency is unknown. Elsewhere a quote in words says where they do.
    """
    listed = catalogue.quote_of_list(model, values, extra)
    if listed.source in (QuoteSource.PREVIEW, QuoteSource.SANDBOX):
        return listed
    currency = _currency(profile)
    if listed.is_known and currency == CURRENCY:
        return listed
    with contextlib.suppress(NoKey):
        quote = await cloud.client(config.settings(profile)).costs.quote_model(model, values, extra)
        if quote.is_known:
            return quote
    if currency in ("", CURRENCY) or not listed.is_told:
        return listed
    return Quote(source=QuoteSource.LIST, words=Words.of(_prices_elsewhere))


def _prices_elsewhere(say: Say) -> str:
    return say("model.prices_elsewhere", {})


def _currency(profile: str) -> str:
    """The currency that orders are paid in, without a request; "" if unknown."""
    try:
        return cloud.client(config.settings(profile)).costs.currency
    except NoKey:
        return currency_of(model_catalogues.settings(profile).origin)


async def preview(body: Body) -> dict[str, object]:
    """Ask the service for an order's price, with placeholders for the user's texts and files."""
    settings = config.settings(text_of(body, "profile").strip())
    if settings.is_sandbox:
        return {**await price(body), "free": False}
    catalogue = cloud.client(settings).models
    await catalogue.load()
    model = _model_of(catalogue, body)
    quote = await catalogue.preview_of(model, _values(body), text_of(body, "extra"))
    own = quote.text if language.is_chinese() else quote.text_en or quote.text
    amounts = _amounts(quote.amount, body)
    amount = amounts["amount"]
    unit = say_unit(quote.currency, language.say)
    text = own or (f"{amount} {unit}".strip() if amount is not None else "")
    return {
        "text": text or language.say("model.price_unknown", {}),
        **amounts,
        "currency": unit,
        "free": quote.is_free,
    }


def _amounts(amount: Decimal | None, body: Body) -> dict[str, str | None]:
    """Return the amount of one order, and the `total` of the body's `count` orders."""
    if amount is None:
        return {"amount": None, "total": None}
    count = body.get("count", 1)
    orders = count if type(count) is int and 0 < count < MOST else 1
    return {"amount": decimal_text(amount), "total": decimal_text(EXACT.multiply(amount, orders))}


def _model_of(catalogue: ModelCatalogue, body: Body) -> Model:
    """Return the model stored in the node (`schema`), else that of the catalogue."""
    return read_model(body.get("schema")) or catalogue.resolve(text_of(body, "model"))


def _values(body: Body) -> dict[str, object]:
    values = body.get("values", {})
    if not isinstance(values, dict):
        raise BadInput("node.bad_type", name="values", value=str(cast("object", values))[:80])
    return model_view.values_of(cast("Mapping[str, object]", values))
