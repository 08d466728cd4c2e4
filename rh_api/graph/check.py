"""Validates a user's values for a remote workflow's fields, and converts them to the stored types.

Whatever is certain to fail is refused here, before anything is uploaded or paid.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..errors import BadField, quote_remote
from ..wire.apps import word
from ..wire.filetypes import Kind
from .fields import (
    Field,
    FieldKind,
    fields,
    fields_of,
    is_address,
    kind_of,
    media_taken,
    split_name,
)
from .nearest import listed, nearest
from .prompt import Graph, Node, is_link, read_nodes

LOWEST, HIGHEST = -(2**63), 2**64 - 1
"""Signed or unsigned 64 bit: ComfyUI's seeds reach 2^64 - 1."""

_FRONT_END_ONLY = frozenset({"control_after_generate", "control_before_generate"})
# Fields that are integers in every class: JSON stores a FLOAT of 7.0 as 7, so the
# stored value alone cannot tell.
_WHOLE = re.compile(
    r".*seed|steps|(start|end)_at_step|width|height|batch_(size|index)|num_frames|frame_count"
    r"|stop_at_clip_layer",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,4})?")

Options = Callable[[str, str], Sequence[object] | None]
"""(class, field) to the choices that the class offers; None: free, unknown, or a list of files."""
Declared = Callable[[str, str], str | None]
"""(class, field) to the type that the class declares, such as FLOAT; None: unknown."""


@dataclass(frozen=True, slots=True)
class GivenMedia:
    """An image, video, audio or other file that will be uploaded; only its kind matters here."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A value of a type that cannot be sent, such as LATENT."""

    type_name: str


class JsonText(str):
    """JSON text of a value given as a list or an object; only fields that hold one accept it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Promised:
    """Placeholder for the value of a link: only the field's existence can be checked."""


class UnknownField(BadField):
    """No such node or field in this copy of the workflow; a newer copy may have it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a field accepts, and its labels."""

    value: object
    words: tuple[str, ...] = ()

    @property
    def shown(self) -> object:
        """The text shown for it, accepted as input too: a numeric value's label, else itself."""
        is_number = isinstance(self.value, str) and self.value.isdigit()
        return next((word for word in self.words if word), self.value) if is_number else self.value

    def __str__(self) -> str:
        others = [word for word in self.words if word and word != str(self.value)]
        return f"{self.value} ({others[0]})" if others else str(self.value)


@dataclass(frozen=True, slots=True)
class Facts:
    """Constraints of a field, beside its stored value.

    `declared`: the type that its class declares, such as FLOAT. `choices`: all valid values;
    None: free or unknown. `low`, `high`: the range of a number; None: LOWEST, HIGHEST.
    """

    declared: str | None = None
    choices: Sequence[Choice] | None = None
    low: float | None = None
    high: float | None = None


_NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class _Case:
    field: Field
    value: object
    facts: Facts

    def refusal(self, key: str, **params: object) -> BadField:
        return _refusal(BadField, key, self.field.full_name, self.field.node, **params)

    def wrong_type(self) -> BadField:
        return self.refusal(
            "error.field_type", expected=self.field.kind.value, value=_shown(self.value)
        )

    def out_of_range(self, low: float, high: float) -> BadField:
        return self.refusal("error.field_range", value=_shown(self.value), low=low, high=high)


def nothing_known(class_type: str, field: str) -> None:
    """The default of `options` and `declared`: nothing is known."""


def check(
    graph: Graph,
    values: Mapping[str, object],
    options: Options = nothing_known,
    declared: Declared = nothing_known,
) -> dict[str, object]:
    """Validate values by full name; returns each in the stored value's JSON type, media as is.

    A value is a str, int, float, bool, GivenMedia, Unsupported or Promised. Numbers and
    booleans may come as text (`"1231231"`, `"true"`), text as a number, lists and objects as
    JSON text (JsonText goes nowhere else). A fraction where an integer is stored passes unless
    the declared type, or without one the field's name (seed, steps, width …), says that it is an
    INT. Choices are enforced only if the stored value is one of them.

    Raises UnknownField for a node or field that does not exist, BadField for an invalid value.
    """
    nodes = read_nodes(graph)
    checked: dict[str, object] = {}
    for name, value in values.items():
        field = _find(graph, nodes, name)
        where = (field.node.class_type, field.name)
        offered = options(*where)
        if offered is not None and not _holds(offered, field.stored):
            offered = None  # the remote class has other choices
        choices = None if offered is None else [Choice(option) for option in offered]
        checked[name] = check_field(field, value, Facts(declared(*where), choices))
    return checked


def check_field(field: Field, value: object, facts: Facts = _NOTHING) -> object:
    """Validate one value for one field, as `check` does. Raises BadField."""
    if isinstance(value, Promised):
        return value
    case = _Case(field, value, facts)
    converted = _convert(case)
    if media_taken(field.node.class_type, field.kind):
        return converted
    if facts.choices is None:
        return _in_range(case, converted)
    return _choose(case, converted, facts.choices)


def _find(graph: Graph, nodes: Mapping[str, Node], name: str) -> Field:
    node_id, field_name = split_name(name)
    node = nodes.get(node_id)
    if node is None:
        raise UnknownField(
            "error.field_node",
            node_id=node_id,
            field=name,
            wanted=node_id,
            near=listed(_other_nodes(graph, node_id, field_name)),
        )
    if field_name not in node.inputs:
        if field_name in _FRONT_END_ONLY:
            raise _refusal(UnknownField, "error.field_front_end", name, node, name=field_name)
        # Whichever they are: few, and what the person looks for is one of them.
        near = nearest(field_name, (field.name for field in fields_of(node)), limit=12, cutoff=0)
        raise _refusal(
            UnknownField, "error.field_unknown", name, node, name=field_name, near=listed(near)
        )
    stored = node.inputs[field_name]
    if is_link(stored):
        source = nodes.get(str(stored[0]))
        label = f"{stored[0]} ({source.label})" if source else str(stored[0])
        raise _refusal(BadField, "error.field_link", name, node, source=label)
    return Field(node, field_name, stored, kind_of(node.class_type, field_name, stored))


def _other_nodes(graph: Graph, node_id: str, field_name: str) -> list[str]:
    """Suggest fields: of that name in nodes titled `node_id`, else of that name, else any."""
    every = fields(graph)
    same = [field for field in every if field.name == field_name]
    title = node_id.lower()
    titled = [
        field
        for field in same
        if title in (field.node.title.lower(), field.node.class_type.lower())
    ]
    labels = {field.full_name: field.node.label for field in titled or same or every}
    if titled:
        return [f"{name} ({labels[name]})" for name in [*labels][:3]]
    return [f"{name} ({labels[name]})" for name in nearest(f"{node_id}.{field_name}", labels)]


def _convert(case: _Case) -> object:
    value, kind = case.value, case.field.kind
    if isinstance(value, Unsupported):
        raise case.refusal("error.field_unsupported", given=value.type_name)
    if isinstance(value, GivenMedia):
        return _media(case, value)
    if not isinstance(value, (str, int, float)):
        raise case.refusal("error.field_unsupported", given=type(value).__name__)
    if isinstance(value, float) and not math.isfinite(value):
        raise case.refusal("error.field_finite", value=_shown(value))
    return _CONVERTERS[kind](case)


def _media(case: _Case, media: GivenMedia) -> GivenMedia:
    kinds = media_taken(case.field.node.class_type, case.field.kind)
    if media.kind not in kinds:
        raise case.refusal(
            "error.field_media_kind" if kinds else "error.field_media",
            expected="/".join(sorted(kind.value.upper() for kind in kinds))
            or case.field.kind.value,
            given=media.kind.value.upper(),
        )
    return media


def _text(case: _Case) -> str:
    value = case.value
    # Some nodes, such as point editors, store JSON as a string.
    is_json = str(case.field.stored).lstrip()[:1] in ("[", "{")
    # A boolean has no one spelling that every node accepts: True, true, yes, enable.
    if isinstance(value, bool) or (isinstance(value, JsonText) and not is_json):
        raise case.wrong_type()
    return str(value)


def _number(case: _Case) -> int | float:
    value = case.value
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            value = int(text)
        elif _DECIMAL.fullmatch(text):
            value = float(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise case.wrong_type()
    if not LOWEST <= value <= HIGHEST and (
        isinstance(value, int) or case.field.kind is FieldKind.INT
    ):
        raise case.out_of_range(LOWEST, HIGHEST)
    if math.isinf(value):
        raise case.refusal("error.field_finite", value=_shown(case.value))
    return value


def _in_range(case: _Case, value: object) -> object:
    low = LOWEST if case.facts.low is None else case.facts.low
    high = HIGHEST if case.facts.high is None else case.facts.high
    narrowed = case.facts.low is not None or case.facts.high is not None
    if narrowed and isinstance(value, (int, float)) and not low <= value <= high:
        raise case.out_of_range(low, high)
    return value


def _whole(case: _Case) -> int | float:
    value = _number(case)
    if isinstance(value, int) or value.is_integer():
        return int(value)
    named_whole = case.facts.declared is None and _WHOLE.fullmatch(case.field.name)
    if named_whole or case.facts.declared == "INT":
        raise case.refusal("error.field_whole", value=_shown(value))
    return value


def _real(case: _Case) -> float:
    return float(_number(case))


def _switch(case: _Case) -> bool:
    value = case.value.strip().lower() if isinstance(case.value, str) else case.value
    if value in (True, "true", "1"):
        return True
    if value in (False, "false", "0"):
        return False
    raise case.wrong_type()


def _word(case: _Case) -> str:
    """A choice as a string: all choices are strings, also those that look like numbers."""
    return word(case.value)


def _file_name(case: _Case) -> str:
    name, stored = _file_text(case), case.field.stored
    # A class that loads from URLs, but whose name does not say so, has one stored.
    if is_address(name) and not (isinstance(stored, str) and is_address(stored)):
        raise case.refusal("error.field_url", expected=case.field.kind.value)
    return name


def _file_text(case: _Case) -> str:
    if not isinstance(case.value, str) or isinstance(case.value, JsonText):
        raise case.wrong_type()
    if not case.value.strip():
        raise case.refusal("error.field_blank", expected=case.field.kind.value)
    return case.value.strip()


def _json(case: _Case) -> object:
    """Parse JSON text to a list or an object, whichever is stored; never a link."""
    try:
        value = cast("object", json.loads(case.value)) if isinstance(case.value, str) else None
    except (ValueError, RecursionError):
        value = None
    if type(value) is not type(case.field.stored) or is_link(value):
        raise case.wrong_type()
    return value


def _any(case: _Case) -> object:
    return case.value if isinstance(case.value, (str, bool)) else _number(case)


_CONVERTERS: dict[FieldKind, Callable[[_Case], object]] = {
    FieldKind.STRING: _text,
    FieldKind.INT: _whole,
    FieldKind.FLOAT: _real,
    FieldKind.BOOLEAN: _switch,
    FieldKind.IMAGE: _file_name,
    FieldKind.VIDEO: _file_name,
    FieldKind.AUDIO: _file_name,
    FieldKind.ZIP: _file_name,
    FieldKind.URL: _file_text,
    FieldKind.LORA: _file_text,
    FieldKind.COMBO: _word,
    FieldKind.JSON: _json,
    FieldKind.ANY: _any,
}


def _choose(case: _Case, value: object, choices: Sequence[Choice]) -> object:
    """The choice that equals the value, else the one with such a label. Raises BadField."""
    if _holds([choice.value for choice in choices], value):
        return value
    for choice in choices:
        if value in choice.words:
            return choice.value
    near = nearest(str(value), (str(choice) for choice in choices), limit=5, cutoff=0)
    raise case.refusal("error.field_option", value=_shown(value), near=listed(near))


def _holds(choices: Sequence[object], value: object) -> bool:
    """Whether a value is a choice; True is not 1."""
    return any(choice == value and type(choice) is type(value) for choice in choices)


def _refusal(kind: type[BadField], key: str, field: str, node: Node, **params: Any) -> BadField:
    return kind(key, node_id=node.id, field=field, node=node.label, **params)


def _shown(value: object) -> str:
    return quote_remote(str(value), 80)
