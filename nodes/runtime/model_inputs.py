"""What the inputs of a standard model's node ask for, beside what every cloud node has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from ...rh_api.client import Program, StandardModel
from ...rh_api.graph.fields import FieldKind
from ...rh_api.graph.sockets import FORM_LENGTH
from ...rh_api.models.names import input_name, is_field, parameter_name
from ...rh_api.models.stored import read_model
from ...rh_api.models.values import MEGABYTE
from ..values.codecs.fitting import Limit
from ..values.field_values import Inputs


@dataclass(frozen=True, slots=True)
class AskedModel:
    """`extra`: JSON text of keys that no schema knows. `schema`: the model as the node's form
    keeps it, None for none. `send_anyway`: also what only the catalogue speaks against.
    `fit_pictures`: those that are too large for a parameter, or of a format that it does not take,
    are made to fit."""

    extra: str = ""
    schema: object = None
    send_anyway: bool = False
    fit_pictures: bool = False


NO_MODEL = AskedModel()

ALIKE = 0.75  # `promt` is as near to `prompt` as 0.9, what other packs add is below 0.5


def schema_of(form: str) -> object:
    """The model that a form keeps; None for a form without one, and for what is no form."""
    model = _parts(form).get("model")
    return model if isinstance(model, dict) else None


def is_unread(form: str) -> bool:
    """Whether the page says that its node names another program than it shows."""
    return '"unread"' in form and _parts(form).get("unread") is True


def _parts(form: str) -> Mapping[str, object]:
    if not form or len(form) > FORM_LENGTH:
        return {}
    try:
        parsed: object = json.loads(form)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, object]", parsed) if isinstance(parsed, dict) else {}


def fields_of(inputs: Inputs, schema: object) -> Inputs:
    """The inputs that are parameters of the model.

    Where a form says which those are, others came from elsewhere in the browser, and only a
    mistyped one is for the check to refuse. Without a form any other is.
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
    """What is known of what their model takes of sounds and, where they shall fit, of pictures."""
    if not isinstance(program, StandardModel):
        return {}
    kinds = {FieldKind.AUDIO, FieldKind.IMAGE} if fit_pictures else {FieldKind.AUDIO}
    parameters = {name: program.model.parameter(parameter_name(name)[0]) for name in names}
    return {
        name: Limit(int((param.max_mb or 0) * MEGABYTE), param.formats)
        for name, param in parameters.items()
        if param is not None and param.kind in kinds and (param.max_mb or param.formats)
    }


def lists_of(program: Program, names: Iterable[str]) -> frozenset[str]:
    """The inputs that take all items of a list or batch at once."""
    if not isinstance(program, StandardModel):
        return frozenset()
    arrays = {parameter.name for parameter in program.model.parameters if parameter.is_array}
    return frozenset(name for name in names if parameter_name(name)[0] in arrays)
