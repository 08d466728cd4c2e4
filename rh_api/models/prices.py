"""Estimates what an order of a model costs from price lists, without a request.

All lists are in CNY, so they do not apply to runninghub.ai, except for how many times one order
costs another. Lists age: a price has its date, and a quote of the service itself always takes
precedence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..errors import Say
from ..graph.fields import FieldKind
from ..money.amounts import EXACT, decimal_text
from ..wire.apps import word
from .sanitize import number_of
from .schema import Model, Parameter, PriceRule, option_for
from .values import as_items

CURRENCY = "CNY"

_COUNTS = ("numImages", "imageNum", "n")  # the number of results
_MOST = ("maxImages",)  # the maximum number of results
_TEXTS = ("text", "prompt", "lyrics")  # priced by length
_SECONDS = "duration"

_FILLER = "a picture of some thing "
_USUAL_TEXT = 24  # characters of filler for an unknown text
_PLACEHOLDER = "https://www.example.com/placeholder."
_SUFFIX = {FieldKind.VIDEO: "mp4", FieldKind.AUDIO: "mp3"}
_PLAIN = frozenset({FieldKind.INT, FieldKind.FLOAT, FieldKind.BOOLEAN})


@dataclass(frozen=True, slots=True)
class ListPrice:
    """The price of one order by a list, in CNY.

    `rate`: per `unit`; `amount`: of the whole order, None if it depends on something unknown (the
    length of a clip). `units`: their number, if known. `is_from`: a lower bound. `as_of`: the
    list's date.
    """

    unit: str
    rate: Decimal
    amount: Decimal | None
    units: Decimal | None
    is_from: bool
    as_of: str

    def describe(self, say: Say) -> str:
        """One line, such as `about 0.35 CNY a second · 1.75 for 5 s (price list of 2026-09-01)`."""
        about = say("model.price_from" if self.is_from else "model.price_about", {})
        params: dict[str, object] = {
            "about": about,
            "rate": decimal_text(self.rate),
            "date": self.as_of,
        }
        if self.amount is None or self.units is None:
            return say(_RATES[self.unit], params)
        params |= {"amount": decimal_text(self.amount), "units": decimal_text(self.units)}
        return say(_TOTALS[self.unit], params)


_RATES = {
    "run": "model.price_run",
    "image": "model.price_image",
    "second": "model.price_second",
    "5_seconds": "model.price_five_seconds",
    "1000_chars": "model.price_chars",
}
_TOTALS = {
    "run": "model.price_run",
    "image": "model.price_images",
    "second": "model.price_seconds",
    "5_seconds": "model.price_five_seconds",
    "1000_chars": "model.price_text",
}


def list_price(model: Model, body: Mapping[str, object]) -> ListPrice | None:
    """The price of an order with this body; None if no list has it."""
    price = model.price
    if price is None or price.unit not in _RATES:
        return None
    digits = price.amount or _row(model, price, body)
    if not digits:
        return None
    rate = Decimal(digits)
    units = _units(model, price.unit, body)
    amount = None if units is None else EXACT.multiply(rate, units)
    may_be_more = price.is_from or any(number_of(body.get(name)) for name in _MOST)
    return ListPrice(price.unit, rate, amount, units, may_be_more, price.as_of)


def price_ratio(
    model: Model, body: Mapping[str, object], past: Mapping[str, object]
) -> Fraction | None:
    """How many times the price of an order with the body `past` one with `body` costs: by the list,
    else 1 if all options are equal. None if neither tells."""
    listed = [list_price(model, either) for either in (body, past)]
    amounts = [
        Fraction(price.amount)
        for price in listed
        if price is not None and price.amount and not price.is_from
    ]
    if len(amounts) == len(listed):
        return amounts[0] / amounts[1]
    return Fraction(1) if _options(model, body) == _options(model, past) else None


def _options(model: Model, body: Mapping[str, object]) -> dict[str, list[object]]:
    """What may change the price, defaults included: neither texts nor files nor seeds."""
    options = dict(body)
    for parameter in model.parameters:
        if parameter.is_media or parameter.is_seed or parameter.kind is FieldKind.STRING:
            options.pop(parameter.name, None)
        else:
            options.setdefault(parameter.name, parameter.default)
    return {
        name: [_folded(item) or item for item in as_items(value)]
        for name, value in options.items()
        if value is not None
    }


def preview_body(model: Model, body: Mapping[str, object]) -> dict[str, object]:
    """Return a body of the same price whose texts and files are placeholders.

    Known choices, numbers and booleans stay; texts become filler of the same length, files
    placeholders, everything else is omitted. A text or a file that is required and missing is
    filled in as well: the page that asks may not know the value of a link.
    """
    preview: dict[str, object] = {}
    for parameter in model.parameters:
        value = body.get(parameter.name)
        if value is None and parameter.required:
            value = filler(max(_USUAL_TEXT, parameter.min_length or 0))
        if value is None:
            continue
        anonymized = _anonymized(parameter, value)
        if anonymized is not None:
            preview[parameter.name] = anonymized
    return preview


def _row(model: Model, price: PriceRule, body: Mapping[str, object]) -> str:
    """The amount of the row that matches the values; "" for none.

    A missing key matches an empty cell first, then its default, then `*`.
    """
    rows = {tuple(part.strip().lower() for part in key.split("|")): row for key, row in price.rows}
    fitting: list[tuple[str, ...]] = [()]
    for key in price.keys:
        parts = [_folded(body[key])] if key in body else ["", *_default(model, key)]
        fitting = [(*front, part) for front in fitting for part in (*parts, "*")]
    return next((rows[cells] for cells in fitting if cells in rows), "")


def _default(model: Model, key: str) -> list[str]:
    parameter = model.parameter(key)
    default = parameter.default if parameter else None
    return [] if default is None else [_folded(default)]


def _folded(value: object) -> str:
    return word(value).strip().lower()


def _value(model: Model, name: str, body: Mapping[str, object]) -> object:
    parameter = model.parameter(name)
    return body.get(name, parameter.default if parameter else None)


def _units(model: Model, unit: str, body: Mapping[str, object]) -> Decimal | None:
    if unit == "run":
        return Decimal(1)
    if unit == "image":
        counts = [number_of(_value(model, name, body)) for name in _COUNTS]
        return Decimal(str(next((count for count in counts if count and count > 0), 1)))
    if unit == "second":
        seconds = number_of(_value(model, _SECONDS, body))
        return Decimal(str(seconds)) if seconds and seconds > 0 else None
    if unit == "1000_chars":
        texts = [text for name in _TEXTS if isinstance(text := body.get(name), str)]
        return EXACT.divide(Decimal(len(texts[0])), 1000) if texts else None
    return None


def _anonymized(parameter: Parameter, value: object) -> object:
    if parameter.is_media:
        items = [_placeholder(parameter) for _ in as_items(value)]
        return items if parameter.is_array else next(iter(items), None)
    if parameter.kind is FieldKind.COMBO:
        choices = [option_for(parameter.options, item) for item in as_items(value)]
        choices = [choice for choice in choices if choice]
        return choices if parameter.is_array else next(iter(choices), None)
    if parameter.kind in _PLAIN and isinstance(value, (int, float)):
        return value
    if parameter.kind is FieldKind.STRING and isinstance(value, str):
        return filler(len(value))
    return None


def filler(length: int) -> str:
    """A meaningless text of `length` characters."""
    text = (_FILLER * (length // len(_FILLER) + 1))[:length]
    return f"{text[:-1]}s" if text.endswith(" ") else text


def _placeholder(parameter: Parameter) -> str:
    suffix = _SUFFIX.get(parameter.kind, "png")
    is_taken = not parameter.formats or suffix in parameter.formats
    return _PLACEHOLDER + (suffix if is_taken else parameter.formats[0])
