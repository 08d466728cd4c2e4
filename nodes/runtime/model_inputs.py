"""Parses the inputs that only nodes of standard models have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import cast

from ...rh_api.client import Program
from ...rh_api.graph.fields import FieldKind
from ...rh_api.graph.sockets import FORM_LENGTH
from ...rh_api.models.names import input_name, is_field, parameter_name
from ...rh_api.models.stored import read_model
from ..values.codecs.fitting import SMALLER_MEGABYTE, Limit
from ..values.field_values import Inputs

ALIKE = 0.75  # difflib ratio: `promt` to `prompt` is 0.9; inputs that other packs add, below 0.5


def schema_of(form: str) -> object:
    """Return the model stored in a form; None for a form without one, and for malformed JSON."""
    model = _parts(form).get("model")
    return model if isinstance(model, dict) else None


def is_unread(form: str) -> bool:
    """Whether the form is flagged stale: the node names another program than it shows."""
    return '"unread"' in form and _parts(form).get("unread") is True


def is_unprepared(form: str) -> bool:
    """Whether the form still numbers the visible outputs, which our prompt handler removes."""
    return '"sockets"' in form and _parts(form).get("sockets") is not None


def _parts(form: str) -> Mapping[str, object]:
    if not form or len(form) > FORM_LENGTH:
        return {}
    try:
        parsed: object = json.loads(form)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", parsed) if isinstance(parsed, dict) else {}


def fields_of(inputs: Inputs, schema: object) -> Inputs:
    """Return the inputs that are parameters of the model.

    With a schema: declared parameters and near misses, which the check then refuses; other inputs
    were added by other extensions. Without one: all inputs that look like parameters.
    """
    fields = {name: values for name, values in inputs.items() if is_field(name)}
    model = read_model(schema)
    if model is None:
        return fields
    declared = {input_name(parameter.name) for parameter in model.parameters}

    def is_meant(name: str) -> bool:
        parameter = input_name(parameter_name(name)[0])
        return parameter in declared or bool(get_close_matches(parameter, declared, 1, ALIKE))

    return {name: values for name, values in fields.items() if is_meant(name)}


def limits_of(program: Program, names: Iterable[str], *, fit_pictures: bool) -> dict[str, Limit]:
    """Return size and format limits by audio input and, if `fit_pictures`, by image input."""
    kinds = {FieldKind.AUDIO, FieldKind.IMAGE} if fit_pictures else {FieldKind.AUDIO}
    parameters = {name: program.parameter(name) for name in names}
    return {
        name: Limit(int((param.max_mb or 0) * SMALLER_MEGABYTE), param.formats)
        for name, param in parameters.items()
        if param is not None and param.kind in kinds and (param.max_mb or param.formats)
    }


def lists_of(program: Program, names: Iterable[str]) -> frozenset[str]:
    """Return the inputs that are arrays: they take all items of a list or batch in one order."""
    parameters = {name: program.parameter(name) for name in names}
    return frozenset(name for name, param in parameters.items() if param and param.is_array)
