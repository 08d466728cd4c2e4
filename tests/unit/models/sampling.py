"""A value for each parameter of a model that nothing can be said against."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from rh_api.graph.fields import FieldKind
from rh_api.models import stored
from rh_api.models.catalogue import Catalogue
from rh_api.models.names import input_name
from rh_api.models.schema import Model, Op, Parameter

SHIPPED = Path(stored.__file__).with_name("catalogue.json")
ADDRESS = "https://rh-images.example.com/input/openapi/a."


@cache
def shipped() -> Catalogue:
    return stored.read_catalogue(SHIPPED.read_bytes())


@cache
def seed_rows() -> list[tuple[str, str, str]]:
    """The models that the documentation listed in April 2026: name, endpoint, what became of it."""
    lines = Path(__file__).with_name("seed.tsv").read_text("utf-8").splitlines()
    return [
        (name, endpoint, status) for name, endpoint, status in (line.split("\t") for line in lines)
    ]


def value_of(param: Parameter) -> Any:
    single = _single(param)
    return [single] if param.is_array else single


def _single(param: Parameter) -> Any:
    match param.kind:
        case FieldKind.IMAGE | FieldKind.VIDEO | FieldKind.AUDIO | FieldKind.URL:
            return ADDRESS + (param.formats[0] if param.formats else "png")
        case FieldKind.COMBO:
            return param.options[0] if param.options else "any"
        case FieldKind.BOOLEAN:
            return True
        case FieldKind.INT | FieldKind.FLOAT:
            return param.default if param.default is not None else param.low or param.high or 1
        case FieldKind.JSON:
            return {"index": 1}
        case _:
            return ("a paper lantern " * 20)[: param.max_length or max(15, param.min_length or 0)]


def required_values(model: Model) -> dict[str, Any]:
    """The least that runs: what is required and has no usual value, and what rules demand."""
    names = {param.name for param in model.parameters if param.required and param.default is None}
    for rule in model.rules:
        if rule.op in (Op.ONE, Op.AT_LEAST_ONE) and names.isdisjoint(rule.names):
            names.add(rule.names[0])
        default = next((p.default for p in model.parameters if p.name == rule.other), None)
        if rule.op is Op.NEEDS and default is not None:
            holds = not rule.values or str(default).lower() in rule.values
            names |= set(rule.names) if holds else set()
    params = {param.name: param for param in model.parameters}
    return {input_name(name): value_of(params[name]) for name in sorted(names)}


def every_value(model: Model) -> dict[str, Any]:
    """All parameters at once, but for those that exclude one another."""
    left_out = {
        name
        for rule in model.rules
        if rule.op in (Op.ONE, Op.AT_MOST_ONE)
        for name in rule.names[1:]
    }
    params = (param for param in model.parameters if param.name not in left_out)
    return {input_name(param.name): value_of(param) for param in params}
