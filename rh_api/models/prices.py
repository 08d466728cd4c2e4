"""What an order of a model may cost, told from price lists without asking anybody.

All lists are in CNY, so they say nothing of what runninghub.ai asks. A list is old by nature: a
price carries its day, and what the service itself says always counts more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..errors import Say
from ..graph.fields import FieldKind
from ..wire.apps import word
from .sanitize import number_of
from .schema import Model, Parameter, PriceRule, option_for
from .values import as_items

CURRENCY = "CNY"

_COUNTS = ("numImages", "imageNum", "n")  # how many results are asked for
_MOST = ("maxImages",)  # how many may come
_TEXTS = ("text", "prompt", "lyrics")  # what is priced by its length
_SECONDS = "duration"

_FILLER = "a picture of some thing "
_USUAL_TEXT = 24  # characters of a text that is not known
_PLACEHOLDER = "https://www.example.com/placeholder."
_SUFFIX = {FieldKind.VIDEO: "mp4", FieldKind.AUDIO: "mp3"}
_PLAIN = frozenset({FieldKind.INT, FieldKind.FLOAT, FieldKind.BOOLEAN})


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What one order may cost, in CNY.

    `rate` is for one `unit`; `amount` for the whole order, None where it depends on what is not
    known (the length of a clip). `units`: how many there are, where that is known. `is_from`: it
    may be more.
    """

    unit: str
    rate: Decimal
    amount: Decimal | None
    units: Decimal | None
    is_from: bool
    as_of: str

    def told(self, say: Say) -> str:
        """One line, such as `about 0.35 CNY a second · 1.75 for 5 s (price list of 2026-09-01)`."""
        about = say("model.price_from" if self.is_from else "model.price_about", {})
        params: dict[str, object] = {"about": about, "rate": _digits(self.rate), "date": self.as_of}
        if self.amount is None or self.units is None:
            return say(_RATES[self.unit], params)
        params |= {"amount": _digits(self.amount), "units": _digits(self.units)}
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
    """What a body of this model may cost; None when no list says it."""
    price = model.price
    if price is None or price.unit not in _RATES:
        return None
    digits = price.amount or _row(model, price, body)
    if not digits:
        return None
    rate = Decimal(digits)
    units = _units(model, price.unit, body)
    amount = None if units is None else (rate * units).normalize()
    may_be_more = price.is_from or any(number_of(body.get(name)) for name in _MOST)
    return ListPrice(price.unit, rate, amount, units, may_be_more, price.as_of)


def preview_body(model: Model, body: Mapping[str, object]) -> dict[str, object]:
    """A body that costs the same and says nothing of the person's.

    Choices that the catalogue knows, numbers and switches stay; texts are filler of their
    length, files are placeholders, everything else is left out. A text or a file that is required
    and missing is filler as well: the page that asks may not know what a link brings.
    """
    preview: dict[str, object] = {}
    for parameter in model.parameters:
        value = body.get(parameter.name)
        if value is None and parameter.required:
            value = filler(max(_USUAL_TEXT, parameter.min_length or 0))
        if value is None:
            continue
        veiled = _veiled(parameter, value)
        if veiled is not None:
            preview[parameter.name] = veiled
    return preview


def _row(model: Model, price: PriceRule, body: Mapping[str, object]) -> str:
    """The amount of the row that the values stand in; "" for none.

    A key that is left out is first looked for as that, then with its default.
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
        return Decimal(len(texts[0])) / 1000 if texts else None
    return None


def _veiled(parameter: Parameter, value: object) -> object:
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
    """A text of that many characters which says nothing."""
    text = (_FILLER * (length // len(_FILLER) + 1))[:length]
    return f"{text[:-1]}s" if text.endswith(" ") else text


def _placeholder(parameter: Parameter) -> str:
    suffix = _SUFFIX.get(parameter.kind, "png")
    is_taken = not parameter.formats or suffix in parameter.formats
    return _PLACEHOLDER + (suffix if is_taken else parameter.formats[0])


def _digits(number: Decimal) -> str:
    return f"{number.normalize():f}"
