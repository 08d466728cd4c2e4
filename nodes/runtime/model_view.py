"""Standard models as JSON for the page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...rh_api.errors import BadInput
from ...rh_api.graph.fields import FieldKind
from ...rh_api.graph.suggest import plain
from ...rh_api.models.labels import label_of
from ...rh_api.models.live_catalogue import ModelCatalogue
from ...rh_api.models.names import input_name
from ...rh_api.models.schema import Completeness, Model, Op, Parameter, Rule
from ...rh_api.models.stored import model_json
from ...rh_api.models.tasks import title_of
from .. import language

_LONG = 200  # characters; a longer maximum length gets a multi-line field
_PROSE = re.compile(r".*(prompt|text|lyrics|instruction|description)", re.IGNORECASE)
_NUMBERS = (FieldKind.INT, FieldKind.FLOAT)
_UNSURE = (*_NUMBERS, FieldKind.BOOLEAN, FieldKind.COMBO)

# The index of an output among the node's typed ones.
_OUTPUTS = {"images": 0, "video": 2, "audio": 3, "text": 4, "model_3d": 7}


def names(model: Model) -> tuple[str, str]:
    """Return its name in the page's language, and in the other one, "" if that is the same."""
    english, chinese = model.name, model.name_zh or model.name
    own, other = (chinese, english) if language.is_chinese() else (english, chinese)
    return own, "" if other == own else other


def listed(model: Model, catalogue: ModelCatalogue, *, is_priced: bool) -> dict[str, object]:
    """Return a model as a row of the model picker. `is_priced`: the price lists hold for it."""
    own, other = names(model)
    return {
        "endpoint": model.endpoint,
        "name": own,
        "other": other,
        "family": model.family,
        "task": model.task,
        "task_name": title_of(model.task, chinese=language.is_chinese()),
        "output": model.output,
        "price": _price(model, catalogue) if is_priced else "",
        "takes": _takes(model.parameters),
        "complete": model.completeness is Completeness.FULL,
        "status": model.status.value,
    }


def shown(model: Model, catalogue: ModelCatalogue) -> dict[str, object]:
    """Return a model as a program: the schema of workflows and apps, plus the model's own."""
    listing = catalogue.catalogue
    is_listed = model.endpoint in listing.models
    following = None if model.is_usable else listing.successor(model)
    schema = model_json(model)
    return {
        "kind": "model",
        "id": model.endpoint,
        "name": names(model)[0],
        "link": "",
        "hash": _hash([schema.get(part) for part in ("parameters", "rules", "schema")]),
        "sandbox": False,
        "protected": False,
        "password": False,
        "nodes": [{"id": "", "title": "", "class_type": "", "fields": fields(model)}],
        "outputs": [],
        "app": None,
        "model": schema,
        "typed": [_OUTPUTS[name] for name in model.main_outputs],
        "task": model.task,
        "output": model.output,
        "complete": model.completeness is Completeness.FULL,
        "status": model.status.value if is_listed else "unlisted",
        "successor": following and {"endpoint": following.endpoint, "name": names(following)[0]},
        "notice": _notice(model, catalogue, is_listed=is_listed),
        "price": _price(model, catalogue),
        "date": listing.date,
    }


def _hash(parts: list[object]) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fields(model: Model) -> list[dict[str, object]]:
    """Return its parameters as fields of a node."""
    return [_field(parameter, model.rules) for parameter in model.parameters]


def _field(parameter: Parameter, rules: Sequence[Rule]) -> dict[str, object]:
    name = input_name(parameter.name)
    is_number = parameter.kind in _NUMBERS
    only = next((r for r in rules if r.op is Op.ONLY and parameter.name in r.names), None)
    # Several options are entered as one text.
    has_several = parameter.is_array and parameter.kind is FieldKind.COMBO
    kind = FieldKind.STRING if has_several else parameter.kind
    return {
        "name": name,
        "field": parameter.name,
        "kind": kind.value,
        "stored": plain(parameter.default),
        "multiline": kind is FieldKind.JSON or _is_prose(parameter),
        "min": plain(parameter.low) if is_number else None,
        "max": plain(parameter.high) if is_number else None,
        "step": plain(parameter.step) if is_number else None,
        "options": [*parameter.options] if kind is FieldKind.COMBO and parameter.options else None,
        "seed": parameter.is_seed,
        "suggested": _is_suggested(parameter),
        "label": label_of(parameter.name, chinese=language.is_chinese()),
        "description": _description(parameter),
        "required": parameter.required,
        "array": parameter.is_array,
        "max_items": parameter.max_items,
        "blank": parameter.default is None and parameter.kind in _UNSURE,
        "when": only and {"name": input_name(only.other), "values": [*only.values]},
        "excludes": _excluded(parameter.name, rules),
    }


def _is_prose(parameter: Parameter) -> bool:
    long = parameter.max_length is not None and parameter.max_length > _LONG
    is_named_so = _PROSE.fullmatch(parameter.name) is not None
    return parameter.kind is FieldKind.STRING and (long or is_named_so)


def _is_suggested(parameter: Parameter) -> bool:
    """Whether to show the field by default: required, media, prose, or with a default value."""
    has_default = parameter.default is not None
    return parameter.required or parameter.is_media or has_default or _is_prose(parameter)


def _excluded(name: str, rules: Iterable[Rule]) -> list[str]:
    apart = (r.names for r in rules if r.op in (Op.AT_MOST_ONE, Op.ONE) and name in r.names)
    return [input_name(rival) for names in apart for rival in names if rival != name]


def _description(parameter: Parameter) -> str:
    """Return name, note, options, maximum count and size, and formats as one line."""
    facts = [parameter.name, parameter.note] if parameter.note else [parameter.name]
    if parameter.options and parameter.is_array:
        facts.append(" | ".join(parameter.options[:20]))
    if parameter.max_items is not None:
        facts.append(f"≤ {parameter.max_items}")
    if parameter.max_mb is not None:
        facts.append(f"≤ {parameter.max_mb:g} MB")
    if parameter.formats:
        facts.append(", ".join(parameter.formats))
    return " · ".join(facts)


def _takes(parameters: Iterable[Parameter]) -> list[str]:
    """Return the kinds of media and prose it accepts, without duplicates; `[]` marks arrays."""
    kinds = (
        f"{parameter.kind.value}[]" if parameter.is_array else parameter.kind.value
        for parameter in parameters
        if parameter.is_media or _is_prose(parameter)
    )
    return [*dict.fromkeys(kinds)]


def _price(model: Model, catalogue: ModelCatalogue) -> str:
    price = catalogue.price_of(model)
    return price.describe(language.say) if price else ""


def _notice(model: Model, catalogue: ModelCatalogue, *, is_listed: bool) -> str:
    if not is_listed:
        return language.say("model.unlisted", {})
    try:
        catalogue.catalogue.check_offered(model)
    except BadInput as error:
        return language.describe(error)
    if model.completeness is not Completeness.FULL:
        return language.say("model.incomplete", {})
    return ""


def values_of(inputs: Mapping[str, Any]) -> dict[str, object]:
    """Return the scalar values among a node's fields: those a price may depend on."""
    return {n: v for n, v in inputs.items() if isinstance(v, (str, int, float, bool))}
