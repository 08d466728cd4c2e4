"""The form of an AI app as settable fields: named, validated and sent as a workflow's fields are.

An app's graph is not readable, its form is all that is known. The form has values as strings
(`"8"`, `"true"`), so a value that is validated as a number is converted back to a string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..wire.apps import AppField, AppFieldType, AppForm, word
from .check import Choice, Facts, UnknownField, check_field
from .fields import Field, FieldKind, is_seed, kind_of, loads_url, split_name
from .nearest import listed, nearest
from .prompt import Node

_KINDS = {
    AppFieldType.STRING: FieldKind.STRING,
    AppFieldType.INT: FieldKind.INT,
    AppFieldType.FLOAT: FieldKind.FLOAT,
    AppFieldType.BOOLEAN: FieldKind.BOOLEAN,
    AppFieldType.IMAGE: FieldKind.IMAGE,
    AppFieldType.AUDIO: FieldKind.AUDIO,
    AppFieldType.VIDEO: FieldKind.VIDEO,
    AppFieldType.LORA: FieldKind.LORA,
}
_MEDIA = frozenset({FieldKind.IMAGE, FieldKind.VIDEO, FieldKind.AUDIO})
_BY_CLASS = frozenset({FieldKind.URL, FieldKind.ZIP})  # forms have no types for these
_SWITCHED = frozenset({"true", "false"})
_PLAIN = (str, int, float)


def app_fields(form: AppForm) -> list[Field]:
    """The fields in the form's order; a node's title is the author's description of the field."""
    return [_field(about) for about in form.fields]


def app_facts(form: AppForm) -> dict[str, Facts]:
    """The constraints (choices, range) of each field, by full name."""
    return {about.full_name: _facts(about, _field(about)) for about in form.fields}


def app_choices(form: AppForm) -> dict[str, list[str]]:
    """By full name, the choices of each field that has some, with labels: `2 (bicubic)`."""
    return {
        name: [str(choice) for choice in facts.choices]
        for name, facts in app_facts(form).items()
        if facts.choices is not None
    }


def check_app(form: AppForm, values: Mapping[str, object]) -> dict[str, object]:
    """Validate and convert values by full name, as `check` does for a workflow.

    A choice may be given by its sent value (`1`), its name or its description. Raises
    UnknownField for a field that the app does not have, BadField for an invalid value.
    """
    form_fields = {about.full_name: about for about in form.fields}
    checked: dict[str, object] = {}
    for name, value in values.items():
        split_name(name)
        about = form_fields.get(name)
        if about is None:
            offered = {field.full_name: field.node.title for field in app_fields(form)}
            near = listed(f"{n} ({offered[n]})" for n in nearest(name, offered, limit=5))
            raise UnknownField("error.app_field_unknown", field=name, near=near)
        field = _field(about)
        checked[name] = _as_stored(check_field(field, value, _facts(about, field)), about.stored)
    return checked


def app_values(
    form: AppForm, checked: Mapping[str, object], *, reroll_seeds: bool = False
) -> dict[str, object]:
    """Every field of the form with its value, as the service's own examples send them.

    That includes the stored seeds: the service re-rolls those that are not listed. With
    `reroll_seeds` a seed that is not in `checked` is omitted.
    """
    stored = {
        field.full_name: about.stored
        for about, field in zip(form.fields, app_fields(form), strict=True)
        if isinstance(about.stored, _PLAIN) and not (reroll_seeds and is_seed(field))
    }
    return {**stored, **checked}


def app_takes_url(form: AppForm, name: str) -> bool:
    """Whether the field of that full name takes a URL instead of an uploaded file's name."""
    return loads_url(app_fields(form), name)


def _field(about: AppField) -> Field:
    kind = _kind(about)
    stored = _typed(about.stored, kind)
    title = about.description_en or about.description or about.node_name
    node = Node(about.node_id, about.node_name or title, title, {about.field: stored})
    return Field(node, about.field, stored, kind)


def _kind(about: AppField) -> FieldKind:
    stored = about.stored if isinstance(about.stored, _PLAIN) else None
    by_class = kind_of(about.node_name, about.field, stored)
    by_type = _KINDS.get(about.type)
    if by_class in _BY_CLASS or (by_class in _MEDIA and by_type in (None, FieldKind.STRING)):
        return by_class
    if by_type in _MEDIA or by_type is FieldKind.LORA:
        return by_type or by_class
    if about.options is not None:
        return FieldKind.COMBO
    if about.type is AppFieldType.SWITCH:
        # Without choices it may be a boolean or the number of an input.
        return FieldKind.BOOLEAN if word(stored).lower() in _SWITCHED else FieldKind.ANY
    return by_type or by_class


def _facts(about: AppField, field: Field) -> Facts:
    """The constraints of a field. Choices are enforced, as on the site.

    A range is enforced only if the stored value is within it.
    """
    declared = about.type.value if field.kind in (FieldKind.INT, FieldKind.FLOAT) else None
    if field.kind is FieldKind.COMBO:
        return Facts(declared, _choices(about))
    low, high, stored = about.low, about.high, field.stored
    if not isinstance(stored, (int, float)) or not (
        (low is None or low <= stored) and (high is None or stored <= high)
    ):
        low = high = None
    return Facts(declared, None, low, high)


def _choices(about: AppField) -> list[Choice]:
    """Choices by sent value: an option's index, or its name if the stored value is a name."""
    options, stored = about.options or (), word(about.stored)
    values = {option.value for option in options}
    named = stored not in values and any(stored == option.name for option in options)
    choices = [
        Choice(
            option.name if named else option.value,
            tuple(
                label
                for label in (
                    option.value if named else option.name,
                    option.description_en,
                    option.description,
                )
                if label
            ),
        )
        for option in options
    ]
    if stored and not named and stored not in values:
        choices.append(Choice(stored))  # the stored value is always valid
    return choices


def _typed(stored: object, kind: FieldKind) -> object:
    """Parse a stored string as the number or boolean that `kind` says; else return it as is."""
    if not isinstance(stored, str):
        return stored
    text = stored.strip()
    if kind is FieldKind.INT and re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        return int(text)
    if kind is FieldKind.FLOAT and re.fullmatch(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?", text):
        return float(text)
    if kind is FieldKind.BOOLEAN and text.lower() in _SWITCHED:
        return text.lower() == "true"
    return stored


def _as_stored(value: object, stored: object) -> object:
    """A checked value in the JSON type that the form uses for its field."""
    if isinstance(value, str) and isinstance(stored, (int, float)):
        if isinstance(stored, bool):
            return value == "true" if value in _SWITCHED else value
        kind = FieldKind.FLOAT if "." in value else FieldKind.INT
        return _typed(value, kind)
    if isinstance(value, (int, float)) and not isinstance(stored, (int, float)):
        return word(value)
    return value
