"""The file format of catalogues: of the shipped one, the refreshed one, and a node's own model.

One JSON object, a model per line: `{"date": "2026-11-01", "models": [...]}`. Default values are
omitted. A node on the canvas stores its model in the same format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from ..errors import CatalogueRefused
from ..graph.fields import FieldKind
from ..wire.envelope import as_list, read_json, read_object
from ..wire.model_refs import is_endpoint
from .catalogue import Catalogue
from .names import is_parameter_name
from .sanitize import (
    MAX_MODELS,
    MAX_OPTIONS,
    MAX_PARAMETERS,
    MAX_RULES,
    check_size,
    count_of,
    number_of,
    text_of,
    texts_of,
)
from .schema import Completeness, Model, Op, Parameter, PriceRule, Rule, Status

E = TypeVar("E", bound=Enum)
Json = Mapping[str, object]

_MAX_ROWS = 2_000


def read_catalogue(data: bytes) -> Catalogue:
    """Parse a catalogue file. Raises CatalogueRefused for anything else."""
    check_size(data, "file")
    whole = read_object(read_json(data))
    listed = as_list(whole.get("models"))
    if not listed:
        raise CatalogueRefused(source="file", reason="no list of models")
    if len(listed) > MAX_MODELS:
        raise CatalogueRefused(source="file", reason=f"{len(listed)} models are too many")
    models = filter(None, map(read_model, listed))
    return Catalogue(models, date=text_of(whole.get("date"), 10))


def catalogue_text(catalogue: Catalogue) -> str:
    """Serialize a catalogue to canonical JSON: equal catalogues give equal texts."""
    models = sorted(catalogue.models.values(), key=lambda model: model.endpoint)
    lines = ",\n".join(
        json.dumps(model_json(model), ensure_ascii=False, separators=(",", ":")) for model in models
    )
    return f'{{"date":{json.dumps(catalogue.date)},"models":[\n{lines}\n]}}\n'


def read_model(value: object) -> Model | None:
    """Parse one model; None if it is invalid. Invalid parameters are skipped."""
    about = read_object(value)
    endpoint = about.get("endpoint")
    if not isinstance(endpoint, str) or not is_endpoint(endpoint):
        return None
    listed = as_list(about.get("parameters"))[:MAX_PARAMETERS]
    parameters = filter(None, map(_read_parameter, listed))
    rules = filter(None, map(_read_rule, as_list(about.get("rules"))[:MAX_RULES]))
    successor = text_of(about.get("successor"))
    return Model(
        endpoint=endpoint,
        name=text_of(about.get("name")) or endpoint,
        name_zh=text_of(about.get("name_zh")),
        aliases=texts_of(as_list(about.get("aliases")), 20),
        task=text_of(about.get("task"), 60) or "other",
        output=text_of(about.get("output"), 20),
        family=text_of(about.get("family"), 60),
        status=_member(Status, about.get("status"), Status.ACTIVE),
        completeness=_member(Completeness, about.get("schema"), Completeness.FULL),
        parameters=tuple({parameter.name: parameter for parameter in parameters}.values()),
        rules=tuple(rules),
        price=_read_price(about.get("price")),
        successor=successor if is_endpoint(successor) else "",
        pages=texts_of(as_list(about.get("pages")), 8),
    )


def model_json(model: Model) -> dict[str, object]:
    """Serialize a model to the JSON object that `read_model` parses."""
    entry: dict[str, object] = {
        "endpoint": model.endpoint,
        "name": model.name,
        "name_zh": model.name_zh,
        "aliases": list(model.aliases),
        "task": model.task,
        "output": model.output,
        "family": model.family,
        "status": "" if model.status is Status.ACTIVE else model.status.value,
        "schema": "" if model.completeness is Completeness.FULL else model.completeness.value,
        "successor": model.successor,
        "parameters": [_parameter_json(parameter) for parameter in model.parameters],
        "rules": [_rule_json(rule) for rule in model.rules],
        "price": _price_json(model.price) if model.price else None,
        "pages": list(model.pages),
    }
    return {key: value for key, value in entry.items() if value not in ("", None, [])}


def _member(kind: type[E], value: object, usual: E) -> E:
    try:
        return kind(value)
    except ValueError:
        return usual


def _read_parameter(value: object) -> Parameter | None:
    about = read_object(value)
    name, kind = about.get("name"), about.get("type")
    if not isinstance(name, str) or not is_parameter_name(name):
        return None
    # There are thousands, each without most keys: for speed only present keys are parsed.
    more = {field: read(about[key]) for key, (field, read) in _READERS.items() if key in about}
    return Parameter(name, _member(FieldKind, kind, FieldKind.ANY), **more)


def _is_plain(value: object) -> bool:
    """Whether a value is a text, a boolean or a number that JSON has: a default may be sent."""
    return isinstance(value, (str, int)) or number_of(value) is not None


_READERS: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "required": ("required", lambda value: value is True),
    "unsure": ("is_sure", lambda value: value is not True),
    "default": ("default", lambda value: value if _is_plain(value) else None),
    "options": ("options", lambda value: texts_of(as_list(value), MAX_OPTIONS)),
    "low": ("low", number_of),
    "high": ("high", number_of),
    "step": ("step", number_of),
    "min_length": ("min_length", count_of),
    "max_length": ("max_length", count_of),
    "array": ("is_array", lambda value: value is True),
    "max_items": ("max_items", count_of),
    "max_mb": ("max_mb", number_of),
    "formats": ("formats", lambda value: texts_of(as_list(value), 40)),
    "note": ("note", text_of),
}


def _parameter_json(parameter: Parameter) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": parameter.name,
        "type": parameter.kind.value,
        "required": parameter.required,
        "unsure": not parameter.is_sure,
        "array": parameter.is_array,
        "options": list(parameter.options),
        "low": parameter.low,
        "high": parameter.high,
        "step": parameter.step,
        "min_length": parameter.min_length,
        "max_length": parameter.max_length,
        "max_items": parameter.max_items,
        "max_mb": parameter.max_mb,
        "formats": list(parameter.formats),
        "note": parameter.note or None,
    }
    entry = {
        key: value for key, value in entry.items() if value not in (None, []) and value is not False
    }
    if parameter.default is not None:
        entry["default"] = parameter.default
    return entry


def _read_rule(value: object) -> Rule | None:
    about = read_object(value)
    try:
        op = Op(about.get("op"))
    except ValueError:
        return None
    names = tuple(n for n in texts_of(as_list(about.get("names")), 20) if is_parameter_name(n))
    if not names:
        return None
    return Rule(
        op,
        names,
        other=text_of(about.get("other"), 64),
        values=texts_of(as_list(about.get("values")), 20),
        limit=count_of(about.get("limit")) or 0,
    )


def _rule_json(rule: Rule) -> dict[str, object]:
    entry: dict[str, object] = {
        "op": rule.op.value,
        "names": list(rule.names),
        "other": rule.other,
        "values": list(rule.values),
        "limit": rule.limit or None,
    }
    return {key: value for key, value in entry.items() if value not in ("", None, [])}


def _read_price(value: object) -> PriceRule | None:
    about = read_object(value)
    unit = text_of(about.get("unit"), 20)
    rows = read_object(about.get("rows"))
    amount = _amount(about.get("amount"))
    amounts = {text_of(key): digits for key, row in rows.items() if (digits := _amount(row))}
    if not unit or not (amount or amounts) or len(rows) > _MAX_ROWS:
        return None
    return PriceRule(
        unit=unit,
        as_of=text_of(about.get("as_of"), 10),
        amount=amount,
        keys=texts_of(as_list(about.get("keys")), 8),
        rows=tuple(amounts.items()),
        is_from=about.get("from") is True,
    )


def _price_json(price: PriceRule) -> dict[str, object]:
    entry: dict[str, object] = {
        "unit": price.unit,
        "as_of": price.as_of,
        "amount": float(price.amount) if price.amount else None,
        "keys": list(price.keys),
        "rows": {key: float(row) for key, row in price.rows},
        "from": price.is_from or None,
    }
    return {key: value for key, value in entry.items() if value not in ("", None, [], {})}


def _amount(value: object) -> str:
    """A price as decimal digits; "" for none, zero, and the placeholder 9999."""
    number = number_of(value)
    return (
        ""
        if number is None or not 0 < number < _PLACEHOLDER
        else f"{number:.6f}".rstrip("0").rstrip(".")
    )


_PLACEHOLDER = 9999
